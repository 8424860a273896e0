//! A PostgreSQL and a Redis of one's own, to be killed and started again.

use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::process::{children, signal};
use crate::{Result, until};

/// The stores that services keep their state in.
#[derive(Debug)]
pub struct Servers {
    folder: PathBuf,
    /// The user that PostgreSQL runs as, since it refuses root.
    user: Option<String>,
    postgres_port: u16,
    redis_port: u16,
    settings: Vec<&'static str>,
    postgres: Option<Child>,
    redis: Option<Child>,
}

impl Servers {
    /// Makes a database and starts both.
    ///
    /// The kernel keeps what killed processes wrote, so that nothing is lost without `fsync`; but
    /// what is answered has to have been written.
    pub async fn start() -> Result<Self> {
        Self::start_with(&["fsync=off", "synchronous_commit=on"]).await
    }

    /// The same, with settings of PostgreSQL.
    pub async fn start_with(settings: &[&'static str]) -> Result<Self> {
        let is_root = std::fs::metadata("/proc/self")?.uid() == 0;
        let folder =
            std::env::temp_dir().join(format!("servers-{}", uuid::Uuid::new_v4().simple()));
        std::fs::create_dir(&folder)?;
        let user = is_root.then(|| "postgres".to_owned());
        if let Some(user) = &user {
            succeed(Command::new("chown").arg(user).arg(&folder)).await?;
        }
        let mut servers = Self {
            folder,
            user,
            postgres_port: free_port(0)?,
            redis_port: free_port(1)?,
            settings: settings.to_vec(),
            postgres: None,
            redis: None,
        };
        let data = servers.folder.join("data");
        let mut initdb = servers.command("initdb")?;
        initdb.arg("-D").arg(data).args(["-U", "postgres", "--no-sync", "--auth=trust"]);
        succeed(initdb.args(["--encoding=UTF8", "--locale=C.UTF-8"]).stdout(Stdio::null())).await?;
        servers.start_postgres().await?;
        servers.start_redis().await?;
        Ok(servers)
    }

    /// The database.
    pub fn database_url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.postgres_port)
    }

    /// The Redis.
    pub fn redis_url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.redis_port)
    }

    /// Where they keep what they keep.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// PostgreSQL's first process.
    pub fn postgres_pid(&self) -> Result<u32> {
        Ok(self.postgres.as_ref().and_then(Child::id).ok_or("PostgreSQL does not run")?)
    }

    /// Redis's process.
    pub fn redis_pid(&self) -> Result<u32> {
        Ok(self.redis.as_ref().and_then(Child::id).ok_or("Redis does not run")?)
    }

    /// Starts PostgreSQL, and waits until it has recovered.
    pub async fn start_postgres(&mut self) -> Result {
        let mut postgres = self.command("postgres")?;
        postgres.arg("-D").arg(self.folder.join("data"));
        let port = format!("port={}", self.postgres_port);
        let own = [
            &*port,
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "max_connections=200",
        ];
        for setting in own.iter().chain(&self.settings) {
            postgres.args(["-c", setting]);
        }
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.join("postgres.log"))?;
        postgres.stdout(log.try_clone()?).stderr(log).stdin(Stdio::null());
        self.postgres = Some(postgres.kill_on_drop(true).spawn()?);
        let url = self.database_url();
        until(30, async || {
            use sqlx::Connection;
            let connection = sqlx::PgConnection::connect(&url).await?;
            connection.close().await?;
            Ok(Some(()))
        })
        .await
    }

    /// Kills PostgreSQL's first process and all that it made.
    pub async fn kill_postgres(&mut self) -> Result {
        let mut child = self.postgres.take().ok_or("PostgreSQL does not run")?;
        let first = child.id().ok_or("PostgreSQL has ended")?;
        let mut pids = children(first)?;
        pids.push(first);
        signal("KILL", &pids).await?;
        child.wait().await?;
        Ok(())
    }

    /// Starts Redis, empty.
    pub async fn start_redis(&mut self) -> Result {
        let port = self.redis_port.to_string();
        let child = Command::new("redis-server")
            .args(["--port", &port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        self.redis = Some(child);
        until(10, async || Ok((self.tell_redis("PING").await? == "+PONG").then_some(()))).await
    }

    /// Kills Redis, and what it remembers with it.
    pub async fn kill_redis(&mut self) -> Result {
        self.redis.take().ok_or("Redis does not run")?.kill().await?;
        Ok(())
    }

    /// Lets Redis forget everything.
    pub async fn flush_redis(&self) -> Result {
        match self.tell_redis("FLUSHALL").await?.as_str() {
            "+OK" => Ok(()),
            other => Err(format!("Redis says {other}").into()),
        }
    }

    async fn tell_redis(&self, command: &str) -> Result<String> {
        let address = SocketAddr::from(([127, 0, 0, 1], self.redis_port));
        let mut connection = TcpStream::connect(address).await?;
        connection.write_all(format!("{command}\r\n").as_bytes()).await?;
        let mut answer = [0; 64];
        let n_bytes = connection.read(&mut answer).await?;
        Ok(String::from_utf8_lossy(&answer[..n_bytes]).trim().to_owned())
    }

    /// A program of PostgreSQL, run as the user that it wants.
    fn command(&self, name: &str) -> Result<Command> {
        let program = program(name)?;
        let mut command = match &self.user {
            Some(user) => {
                let mut command = Command::new("setpriv");
                command.arg(format!("--reuid={user}")).arg(format!("--regid={user}"));
                command.args(["--clear-groups", "--pdeathsig", "KILL", "--"]).arg(program);
                command
            }
            None => Command::new(program),
        };
        command.current_dir(&self.folder);
        Ok(command)
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        // Ended first, so that nothing writes into the folder any more.
        drop((self.postgres.take(), self.redis.take()));
        // What stays harms nobody.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Where a program of the newest PostgreSQL is.
fn program(name: &str) -> Result<PathBuf> {
    let mut found = Vec::new();
    for version in std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten() {
        let program = version?.path().join("bin").join(name);
        if program.is_file() {
            found.push(program);
        }
    }
    found.sort();
    Ok(found.pop().unwrap_or_else(|| Path::new(name).to_owned()))
}

/// A port below those that outgoing connections are given, so that it stays free.
fn free_port(nth: u16) -> Result<u16> {
    let start = u16::try_from(std::process::id() * 41 % 5_000)? + nth;
    let mut ports = (0..5_000_u16).map(|it| 14_000 + (start + it) % 5_000);
    let found = ports.find(|it| TcpListener::bind(("127.0.0.1", *it)).is_ok());
    Ok(found.ok_or("there is no free port")?)
}

async fn succeed(command: &mut Command) -> Result {
    let status = command.status().await?;
    if !status.success() {
        return Err(format!("{:?}: {status}", command.as_std().get_program()).into());
    }
    Ok(())
}
