//! `cargo xtask demo`: the `demo` binary, told where the running mesh is.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::binaries::Profile;
use crate::workspace::{self, cargo, root};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The data folder of the mesh.
    #[arg(long, default_value = ".data")]
    data: PathBuf,

    /// Photos of products and what to do with them; `cargo xtask demo -- --help` tells. Without
    /// any, the photos in `tests/data`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let book = root().join(&arguments.data).join("mesh");
    let mesh = fs::read_to_string(&book)
        .with_context(|| format!("no mesh was started on {}", arguments.data.display()))
        .context("start one with `cargo xtask up`")?;
    let env = mesh.lines().filter_map(|it| it.split_once('='));
    // What the caller's environment says goes first.
    let env = env.filter(|(name, _)| std::env::var_os(name).is_none());
    let mut demo = Command::new(binary(Profile::Debug)?);
    demo.arg("run").args(&arguments.arguments);
    if arguments.arguments.is_empty() {
        let photos = root().join("tests/data/photos");
        let (coffee, astronaut) = (photos.join("coffee.png"), photos.join("astronaut.png"));
        demo.args([&coffee, &astronaut]).arg("--subject").arg(&astronaut);
    }
    workspace::run(demo.envs(env))
}

fn binary(profile: Profile) -> Result<PathBuf> {
    if !profile.binary("demo").is_file() {
        workspace::run(cargo().args(["build", "--workspace", "--bins"]))?;
    }
    profile.built("demo")
}
