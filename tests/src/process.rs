//! One service as a process.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::{Result, until};

/// A service that can be killed and started again.
#[derive(Debug)]
pub(crate) struct Process {
    name: &'static str,
    env: BTreeMap<String, String>,
    log: PathBuf,
    child: Option<Child>,
}

impl Process {
    pub(crate) fn new(name: &'static str, env: BTreeMap<String, String>, logs: &Path) -> Self {
        Self { name, env, log: logs.join(format!("{name}.log")), child: None }
    }

    pub(crate) fn start(&mut self) -> Result {
        let log = File::options().create(true).append(true).open(&self.log)?;
        let child = Command::new(binary(self.name)?)
            .env_clear()
            .envs(&self.env)
            .env("RUST_LOG", "info")
            .env("RUST_BACKTRACE", "1")
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
            let answer = health.check(HealthCheckRequest::default()).await?.into_inner();
            Ok((answer.status() == ServingStatus::Serving).then_some(()))
        })
        .await
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

/// The binary of a service, built beside this test.
fn binary(name: &str) -> Result<PathBuf> {
    let test = std::env::current_exe()?;
    let folder = test.parent().and_then(Path::parent).ok_or("a test without a folder")?;
    let binary = folder.join(name);
    if !binary.exists() {
        return Err(format!("{} is missing: build the workspace first", binary.display()).into());
    }
    Ok(binary)
}
