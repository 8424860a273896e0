//! A private PostgreSQL: its files, its process, a role and a schema's owner per service.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::health::Health;
use crate::packages;
use crate::process::{Spec, User};
use crate::secrets::random;
use crate::workspace::{read, run};

/// The database that all services share, a schema each.
const DATABASE: &str = "sartiq";

/// Where files go that the database's user could not reach otherwise.
const ELSEWHERE: &str = "/var/tmp/sartiq-";

/// A cluster below a folder.
#[derive(Debug)]
pub(crate) struct Postgres {
    folder: PathBuf,
    user: Option<User>,
    pub(crate) port: u16,
    password: String,
}

impl Postgres {
    /// Makes the cluster, if it is not there.
    pub(crate) fn prepare(folder: &Path, port: u16, password: String) -> Result<Self> {
        let user = if packages::is_root() { Some(unprivileged()?) } else { None };
        let folder = reachable(folder, user)?;
        let postgres = Self { folder, user, port, password };
        if !postgres.folder.join("data/PG_VERSION").exists() {
            postgres.init()?;
        }
        Ok(postgres)
    }

    /// How to run it. What is thrown away afterwards need not survive a crash of the machine.
    pub(crate) fn spec(&self, log: PathBuf, is_durable: bool) -> Result<Spec> {
        let mut settings = vec![
            format!("port={}", self.port),
            "listen_addresses=127.0.0.1".to_owned(),
            // A socket's path may have only 107 bytes; a folder may be deeper.
            "unix_socket_directories=".to_owned(),
            "max_connections=200".to_owned(),
        ];
        if !is_durable {
            let fast = ["fsync=off", "synchronous_commit=off", "full_page_writes=off"];
            settings.extend(fast.map(str::to_owned));
        }
        let mut arguments = vec!["-D".into(), self.folder.join("data").into_os_string()];
        for setting in settings {
            arguments.extend(["-c".into(), setting.into()]);
        }
        Ok(Spec {
            name: "postgres".to_owned(),
            program: program("postgres")?,
            arguments,
            env: Vec::new(),
            user: self.user,
            log,
            pid: None,
            port: self.port,
            health: Health::Postgres,
            // Fast shutdown: connections are cut, nothing is lost.
            stop: "INT",
        })
    }

    /// The URL of the one who may do everything.
    pub(crate) fn admin_url(&self, database: &str) -> String {
        format!("postgres://postgres:{}@127.0.0.1:{}/{database}", self.password, self.port)
    }

    /// The URL of a service, which owns its schema and sees no other.
    pub(crate) fn url(&self, role: &str, password: &str) -> String {
        format!("postgres://{role}:{password}@127.0.0.1:{}/{DATABASE}", self.port)
    }

    /// Makes the database and the roles, or brings them up to date.
    pub(crate) fn grant(&self, roles: &[(&str, String)]) -> Result<()> {
        let exists = format!("select 1 from pg_database where datname = '{DATABASE}'");
        if self.sql("postgres", &exists)?.trim().is_empty() {
            self.sql("postgres", &format!("create database {DATABASE}"))?;
        }
        let mut script = format!(
            "revoke all on database {DATABASE} from public;\nrevoke all on schema public from public;\n"
        );
        for (role, password) in roles {
            // `create` on the database: the service makes sure of its own schema.
            script.push_str(&format!(
                "do $$ begin
                     if not exists (select from pg_roles where rolname = '{role}') then
                         create role {role} login;
                     end if;
                 end $$;
                 alter role {role} password '{password}' nosuperuser nocreatedb nocreaterole;
                 grant connect, create, temporary on database {DATABASE} to {role};
                 create schema if not exists {role} authorization {role};
                 grant usage on schema public to {role};\n"
            ));
        }
        self.sql(DATABASE, &script)?;
        Ok(())
    }

    /// Runs a script as the one who may do everything; answers the rows.
    pub(crate) fn sql(&self, database: &str, script: &str) -> Result<String> {
        let mut psql = self.psql(database)?;
        psql.args(["-c", script]);
        read(&mut psql)
    }

    /// Runs a file likewise.
    pub(crate) fn sql_file(&self, database: &str, file: &Path) -> Result<()> {
        let mut psql = self.psql(database)?;
        psql.arg("-f").arg(file);
        read(&mut psql).with_context(|| format!("{}", file.display()))?;
        Ok(())
    }

    fn psql(&self, database: &str) -> Result<Command> {
        let mut psql = Command::new(program("psql")?);
        psql.args([
            "-h",
            "127.0.0.1",
            "-p",
            &self.port.to_string(),
            "-U",
            "postgres",
            "-d",
            database,
        ]);
        psql.args(["-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1"]);
        psql.env("PGPASSWORD", &self.password).env("PGOPTIONS", "-c client_min_messages=warning");
        psql.stdin(Stdio::null());
        Ok(psql)
    }

    fn init(&self) -> Result<()> {
        let data = self.folder.join("data");
        if data.exists() {
            // What an interrupted start left.
            fs::remove_dir_all(&data)?;
        }
        let password_file = self.folder.join("password");
        // Appears under its owner's eyes only, and not for long.
        let mut file = File::options()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(&password_file)?;
        writeln!(file, "{}", self.password)?;
        if let Some(user) = self.user {
            chown(&password_file, Some(user.uid), Some(user.gid))?;
        }
        let mut initdb = match self.user {
            Some(user) => {
                let mut command = Command::new("setpriv");
                command.arg(format!("--reuid={}", user.uid)).arg(format!("--regid={}", user.gid));
                command.args(["--clear-groups", "--"]).arg(program("initdb")?);
                command
            }
            None => Command::new(program("initdb")?),
        };
        initdb.current_dir(&self.folder).arg("-D").arg(&data);
        initdb.arg("--pwfile").arg(&password_file).args(["-U", "postgres", "--no-sync"]);
        initdb.args(["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8"]);
        initdb.stdin(Stdio::null());
        let made = read(&mut initdb);
        fs::remove_file(&password_file)?;
        made.map(drop).context("cannot make the database's files")
    }
}

fn program(name: &str) -> Result<PathBuf> {
    packages::find(name).with_context(|| format!("`{name}` is missing; install postgresql"))
}

/// PostgreSQL refuses root; its own user, or nobody, has to do.
fn unprivileged() -> Result<User> {
    let passwd = fs::read_to_string("/etc/passwd").context("cannot read /etc/passwd")?;
    let ids = |name: &str| {
        let line = passwd.lines().find(|it| it.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        let uid = fields.next()?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some(User { uid, gid })
    };
    ids("postgres")
        .or_else(|| ids("nobody"))
        .context("PostgreSQL refuses to run as root, and there is no user `postgres` or `nobody`")
}

/// Makes the folder, or, where the other user cannot get to it, one elsewhere.
fn reachable(folder: &Path, user: Option<User>) -> Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let Some(user) = user else { return Ok(folder.to_owned()) };
    let is_closed = folder
        .ancestors()
        .skip(1)
        .any(|it| fs::metadata(it).is_ok_and(|it| it.permissions().mode() & 0o001 == 0));
    let folder = if is_closed {
        // Found again, and wiped, through the data folder.
        let note = folder.join("elsewhere");
        if !note.exists() {
            fs::write(&note, format!("{ELSEWHERE}{}", random(8)?))?;
        }
        let elsewhere = PathBuf::from(fs::read_to_string(&note)?);
        fs::create_dir_all(&elsewhere)?;
        elsewhere
    } else {
        folder.to_owned()
    };
    if fs::symlink_metadata(&folder)?.file_type().is_symlink() {
        bail!("{} is a link; remove it", folder.display());
    }
    chown(&folder, Some(user.uid), Some(user.gid))?;
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700))?;
    Ok(folder)
}

/// Removes what `reachable` put elsewhere.
pub(crate) fn forget(folder: &Path) -> Result<()> {
    match fs::read_to_string(folder.join("elsewhere")) {
        Ok(elsewhere) if elsewhere.starts_with(ELSEWHERE) => {
            run(Command::new("rm").arg("-rf").arg(elsewhere))
        }
        _ => Ok(()),
    }
}
