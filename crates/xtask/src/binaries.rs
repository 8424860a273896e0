//! What cargo and npm build.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result, bail};

use crate::console::{Step, say};
use crate::workspace::{self, cargo, run};

/// Which binaries.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Profile {
    Debug,
    Release,
}

impl Profile {
    /// Builds all of the workspace's binaries. Cargo shows how far it is.
    ///
    /// Always the whole workspace: a part alone would choose other features of the dependencies,
    /// and build those anew.
    pub(crate) fn build(self) -> Result<()> {
        say("building; the first time takes minutes");
        let mut build = cargo();
        build.args(["build", "--workspace", "--bins"]);
        if let Self::Release = self {
            build.arg("--release");
        }
        run(&mut build).context("the project does not build")
    }

    /// Where a binary is.
    pub(crate) fn binary(self, name: &str) -> PathBuf {
        let folder = match self {
            Self::Debug => "debug",
            Self::Release => "release",
        };
        workspace::target().join(folder).join(name)
    }

    /// The same, if it was built.
    pub(crate) fn built(self, name: &str) -> Result<PathBuf> {
        let binary = self.binary(name);
        if !binary.is_file() {
            bail!("{} is not built; leave out `--no-build`", binary.display());
        }
        Ok(binary)
    }
}

/// The web app's folder, built if it is older than its sources and npm is there.
pub(crate) fn web(may_build: bool) -> Result<Option<String>> {
    let web = workspace::root().join("web");
    let page = web.join("dist/index.html");
    if !web.join("package.json").is_file() {
        return Ok(None);
    }
    let built = fs::metadata(&page).and_then(|it| it.modified()).ok();
    let sources = ["web/src", "web/public", "web/package.json", "web/vite.config.ts", "proto"];
    let changed = sources.iter().filter_map(|it| newest(&workspace::root().join(it))).max();
    let is_stale = built.is_none_or(|it| changed.is_some_and(|changed| it < changed));
    if is_stale && may_build {
        if workspace::which("npm").is_none() {
            say("the web app is not built: npm is missing (apt-get install npm)");
        } else {
            let step = Step::begin("building the web app");
            let npm = |arguments: &[&str]| {
                let log = fs::File::create(web.join("build.log"))?;
                let mut npm = Command::new("npm");
                npm.args(arguments).current_dir(&web).stdout(log.try_clone()?).stderr(log);
                run(&mut npm).context("see web/build.log")
            };
            // npm's own record of what it installed last.
            let installed = newest(&web.join("node_modules/.package-lock.json"));
            if installed < newest(&web.join("package.json")) {
                step.now("installing what the web app is built of".to_owned());
                npm(&["install", "--no-audit", "--no-fund"])?;
            }
            npm(&["run", "build"])?;
            step.done("built the web app");
        }
    }
    Ok(page.is_file().then(|| web.join("dist").to_string_lossy().into_owned()))
}

/// When a file, or the newest below a folder, was written.
fn newest(path: &std::path::Path) -> Option<SystemTime> {
    let about = fs::metadata(path).ok()?;
    if !about.is_dir() {
        return about.modified().ok();
    }
    fs::read_dir(path).ok()?.filter_map(|it| newest(&it.ok()?.path())).max()
}
