//! Programs of another make that use the mesh: `tests/clients/<name>/run`.
//!
//! A `run` is executable and exits with 0 if all is well. It is told `GATEWAY_URL`, `SANDBOX_URL`,
//! `SCALER_URL`, `S3_…`, `DEMO_EMAIL`, `DEMO_PASSWORD`, `DATA_DIR` (where `run/<service>.pid` are),
//! and `PYTHON`, an interpreter with the packages of its `requirements.txt`; what its `package.json`
//! asks for is installed beside it. A last line `N passed, M failed` goes into the sum.
//!
//! The one that is called `web` is a browser: for it, the mesh serves the app.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::console::{Step, say};
use crate::packages;
use crate::tally::Tally;
use crate::workspace::{self, run};

/// The client that needs the app, and a browser.
const BROWSER: &str = "web";

/// How long one may take.
const PATIENCE: &str = "600";

/// One client.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) name: String,
    folder: PathBuf,
}

/// All of them whose name has `filter` in it.
pub(crate) fn all(filter: Option<&str>) -> Result<Vec<Client>> {
    let mut clients = Vec::new();
    let Ok(folders) = fs::read_dir(workspace::root().join("tests/clients")) else {
        return Ok(clients);
    };
    for folder in folders {
        let folder = folder?;
        let name = folder.file_name().to_string_lossy().into_owned();
        let is_program = fs::metadata(folder.path().join("run"))
            .is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0);
        if is_program && filter.is_none_or(|it| name.contains(it)) {
            clients.push(Client { name, folder: folder.path() });
        }
    }
    clients.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(clients)
}

impl Client {
    /// Whether it opens the app.
    pub(crate) fn needs_web(&self) -> bool {
        self.name == BROWSER
    }

    /// Installs what it asks for; answers its Python.
    pub(crate) fn install(&self) -> Result<PathBuf> {
        if self.needs_web() {
            packages::need(&[&packages::NODE, &packages::CHROMIUM])?;
        }
        if self.folder.join("package.json").is_file() {
            packages::need(&[&packages::NODE])?;
            self.install_node()?;
        }
        let requirements = self.folder.join("requirements.txt");
        if requirements.is_file() {
            packages::need(&[&packages::PYTHON])?;
            return self.install_python(&requirements);
        }
        Ok(PathBuf::from("python3"))
    }

    /// Runs it against a mesh.
    pub(crate) fn run(&self, python: &Path, env: &[(String, String)]) -> Result<Tally> {
        say(&format!("client {}", self.name));
        let begun = Instant::now();
        let mut child = Command::new("timeout")
            .args(["--kill-after=5", PATIENCE])
            .arg(self.folder.join("run"))
            .current_dir(&self.folder)
            .env("PYTHON", python)
            .envs(env.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot run the client {}", self.name))?;
        let output = child.stdout.take().context("the client has no output")?;
        let mut counted = None;
        for line in BufReader::new(output).lines() {
            let line = line?;
            counted = Tally::read(&line).or(counted);
            say(&format!("  {line}"));
        }
        let is_well = child.wait()?.success();
        say(&format!("client {} took {}", self.name, crate::console::seconds(begun.elapsed())));
        let mut tally = counted.unwrap_or(Tally::one(is_well));
        // One that breaks off has not failed at nothing.
        if !is_well && tally.failed == 0 {
            tally.failed = 1;
        }
        Ok(tally)
    }

    fn install_node(&self) -> Result<()> {
        let lock = self.folder.join("package-lock.json");
        let command = if lock.is_file() { "ci" } else { "install" };
        let stamp = self.folder.join("node_modules/.package-lock.json");
        if is_newer(&stamp, &self.folder.join("package.json")) && is_newer(&stamp, &lock) {
            return Ok(());
        }
        let step = Step::begin(format!("installing the packages of {}", self.name));
        let mut npm = Command::new("npm");
        npm.args([command, "--no-audit", "--no-fund", "--loglevel=error"]);
        if !lock.is_file() {
            // Versions are pinned in the manifest; a lock would name one platform's packages.
            npm.arg("--no-package-lock");
        }
        run(npm.current_dir(&self.folder).stdout(Stdio::null()))?;
        step.done(&format!("installed the packages of {}", self.name));
        Ok(())
    }

    fn install_python(&self, requirements: &Path) -> Result<PathBuf> {
        let venv = workspace::target().join("venv").join(&self.name);
        let python = venv.join("bin/python");
        let stamp = venv.join("installed");
        if is_newer(&stamp, requirements) {
            return Ok(python);
        }
        let step = Step::begin(format!("installing the packages of {}", self.name));
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))?;
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "install", "-q", "--disable-pip-version-check", "-r"]);
        run(pip.arg(requirements))?;
        fs::write(&stamp, "")?;
        step.done(&format!("installed the packages of {}", self.name));
        Ok(python)
    }
}

/// Whether `made` is younger than `source`, if there is a source.
fn is_newer(made: &Path, source: &Path) -> bool {
    let time = |path: &Path| fs::metadata(path).and_then(|it| it.modified());
    match (time(made), time(source)) {
        (Ok(made), Ok(source)) => source <= made + Duration::from_secs(1),
        (Ok(_), Err(_)) => true,
        (Err(_), _) => false,
    }
}
