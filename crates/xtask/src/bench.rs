//! `cargo xtask bench`: what the mesh can do on this machine, and what that costs.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::binaries::Profile;
use crate::{packages, signals, workspace};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Only parts with this in their name: idle, door, products, events, uploads, generations,
    /// workflows, up.
    filter: Option<String>,

    /// Where the figures go, as JSON.
    #[arg(long, default_value = "target/bench.json")]
    json: PathBuf,

    /// Measures the optimised binaries as they are.
    #[arg(long)]
    no_build: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    signals::listen()?;
    packages::need(&[&packages::POSTGRES, &packages::REDIS])?;
    if !arguments.no_build {
        Profile::Release.build()?;
    }
    if signals::stop() {
        return Ok(());
    }
    let this = std::env::current_exe().context("cannot find this program")?;
    let mut bench = Command::new(Profile::Release.built("bench")?);
    bench.current_dir(workspace::root()).args(&arguments.filter);
    bench.arg("--json").arg(std::path::absolute(&arguments.json)?).arg("--xtask").arg(this);
    workspace::run(&mut bench)
}
