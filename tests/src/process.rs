//! One service as a process.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::{Child, Command};
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::{Result, until};

/// The image, which services are told the same as.
const IMAGE: &str = include_str!("../../Dockerfile");

/// A service that can be killed and started again.
#[derive(Debug)]
pub(crate) struct Process {
    name: &'static str,
    binary: &'static str,
    env: BTreeMap<String, String>,
    log: PathBuf,
    child: Option<Child>,
}

impl Process {
    /// A process called `name` that runs the service `binary`.
    pub(crate) fn new(
        name: &'static str,
        binary: &'static str,
        env: BTreeMap<String, String>,
        logs: &Path,
    ) -> Self {
        Self { name, binary, env, log: logs.join(format!("{name}.log")), child: None }
    }

    pub(crate) fn start(&mut self) -> Result {
        let log = File::options().create(true).append(true).open(&self.log)?;
        let child = Command::new(binary(self.binary)?)
            .env_clear()
            .env("RUST_LOG", "info")
            .envs(&self.env)
            .env("RUST_BACKTRACE", "1")
            .envs(IMAGE.lines().filter_map(|it| it.strip_prefix("ENV ")?.split_once('=')))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()?;
        self.child = Some(child);
        Ok(())
    }

    /// Ends the process as a crash would: it gets no chance to say goodbye.
    pub(crate) async fn kill(&mut self) -> Result {
        let mut child = self.child.take().ok_or("it does not run")?;
        child.kill().await?;
        Ok(())
    }

    /// Asks the process to end, and waits until it has.
    pub(crate) async fn stop(&mut self) -> Result {
        self.signal("TERM").await?;
        let mut child = self.child.take().ok_or("it does not run")?;
        tokio::time::timeout(Duration::from_secs(15), child.wait()).await??;
        Ok(())
    }

    /// Sends a signal by its name, such as `STOP`.
    pub(crate) async fn signal(&self, name: &str) -> Result {
        signal(name, &[self.pid()?]).await
    }

    /// Which process it is.
    pub(crate) fn pid(&self) -> Result<u32> {
        Ok(self.child.as_ref().and_then(Child::id).ok_or("it does not run")?)
    }

    /// How it ended, if it did so by itself.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        match &mut self.child {
            Some(child) => Ok(child.try_wait()?),
            None => Ok(None),
        }
    }

    pub(crate) async fn is_serving(&mut self) -> Result {
        let url = format!("http://{}", self.env["LISTEN_ADDR"]);
        let endpoint = Endpoint::from_shared(url)?.connect_timeout(Duration::from_secs(1));
        let name = self.name;
        until(30, async || {
            if let Some(child) = &mut self.child
                && let Some(status) = child.try_wait()?
            {
                let log = std::fs::read_to_string(&self.log)?;
                return Err(format!("{name} ended with {status}: {log}").into());
            }
            let mut health = HealthClient::new(endpoint.connect_lazy());
            let mut request = tonic::Request::new(HealthCheckRequest::default());
            request.set_timeout(Duration::from_secs(1));
            let answer = health.check(request).await?.into_inner();
            Ok((answer.status() == ServingStatus::Serving).then_some(()))
        })
        .await
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

/// Sends a signal by its name to processes, all of which may have ended.
pub(crate) async fn signal(name: &str, pids: &[u32]) -> Result {
    let pids = pids.iter().map(u32::to_string);
    Command::new("kill").arg(format!("-{name}")).args(pids).stderr(Stdio::null()).status().await?;
    Ok(())
}

/// The processes that `parent` made.
pub(crate) fn children(parent: u32) -> Result<Vec<u32>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let Ok(pid) = entry?.file_name().to_string_lossy().parse::<u32>() else { continue };
        // It may have ended meanwhile.
        let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
        // The name before the last parenthesis may contain anything.
        let of = stat.rsplit_once(')').and_then(|it| it.1.split_whitespace().nth(1));
        if of == Some(&parent.to_string()) {
            found.push(pid);
        }
    }
    Ok(found)
}

/// The binary of a service, built beside this program or this test.
fn binary(name: &str) -> Result<PathBuf> {
    let this = std::env::current_exe()?;
    let folders = this.ancestors().skip(1).take(2).map(|it| it.join(name));
    let mut found = folders.filter(|it| it.is_file());
    Ok(found.next().ok_or_else(|| format!("`{name}` is missing: build the workspace first"))?)
}
