//! Programs that the system's packages bring.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::console::Step;
use crate::workspace::{run, which};

/// A program, and the Debian package that has it.
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) package: &'static str,
}

pub(crate) const POSTGRES: Program = Program { name: "initdb", package: "postgresql" };
pub(crate) const REDIS: Program = Program { name: "redis-server", package: "redis-server" };
pub(crate) const NODE: Program = Program { name: "npm", package: "npm" };
pub(crate) const CHROMIUM: Program = Program { name: "chromium", package: "chromium" };
pub(crate) const PYTHON: Program = Program { name: "python3", package: "python3-venv" };

/// Installs what is missing where we may, else says how.
pub(crate) fn need(programs: &[&Program]) -> Result<()> {
    let missing: Vec<&str> =
        programs.iter().filter(|it| find(it.name).is_none()).map(|it| it.package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.join(" ");
    let command = format!("apt-get update && apt-get install -y --no-install-recommends {names}");
    if which("apt-get").is_none() {
        bail!("{names} must be installed; this is no Debian or Ubuntu, so do it by hand");
    }
    if !is_root() {
        bail!("{names} must be installed: sudo sh -c '{command}'");
    }
    let step = Step::begin(format!("installing {names}"));
    let apt = || {
        let mut apt = Command::new("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive").stdout(Stdio::null()).stdin(Stdio::null());
        // Debian would start a cluster of its own beside ours.
        apt.env("RUNLEVEL", "1");
        apt
    };
    run(apt().args(["update", "-q"]))?;
    run(apt().args(["install", "-yq", "--no-install-recommends"]).args(&missing))?;
    step.done(&format!("installed {names}"));
    match programs.iter().find(|it| find(it.name).is_none()) {
        Some(program) => bail!("{} was installed but has no `{}`", program.package, program.name),
        None => Ok(()),
    }
}

/// Finds a program on the path or, for PostgreSQL's, in Debian's folders, newest first.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    which(name).or_else(|| {
        let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
        let mut found: Vec<(u32, PathBuf)> = versions
            .filter_map(|it| {
                let folder = it.ok()?;
                let version = folder.file_name().to_str()?.parse().ok()?;
                Some((version, folder.path().join("bin").join(name)))
            })
            .filter(|(_, program)| program.is_file())
            .collect();
        found.sort();
        found.pop().map(|(_, program)| program)
    })
}

pub(crate) fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|it| std::os::unix::fs::MetadataExt::uid(&it) == 0)
}
