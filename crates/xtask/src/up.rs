//! `cargo xtask up`: the whole mesh on this machine, until Ctrl-C.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::binaries::Profile;
use crate::console::{Step, say};
use crate::folder::Folder;
use crate::mesh::{self, Mesh, Options};
use crate::stores::Given;
use crate::{packages, postgres, signals, workspace};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Forgets everything that was kept, and begins anew.
    #[arg(long)]
    reset: bool,

    /// Builds optimised binaries: slower to build, faster to run.
    #[arg(long)]
    release: bool,

    /// Starts the binaries as they are.
    #[arg(long)]
    no_build: bool,

    /// Services not to start, because you run them yourself, on the same ports.
    #[arg(long, value_delimiter = ',')]
    without: Vec<String>,

    /// Where browsers and tools find it.
    #[arg(long, default_value_t = 8080)]
    port: u16,

    /// The folder that holds everything.
    #[arg(long, default_value = ".data")]
    data: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    signals::listen()?;
    let folder = Folder::open(&arguments.data)?;
    if arguments.reset {
        postgres::forget(&folder.path("postgres"))?;
        folder.wipe()?;
        say("everything that was kept is gone");
    }
    let given = Given::read()?;
    given.check()?;
    packages::need(&given.programs())?;
    let profile = if arguments.release { Profile::Release } else { Profile::Debug };
    if !arguments.no_build {
        profile.build()?;
    }
    if signals::stop() {
        return Ok(());
    }
    let started = Mesh::start(Options {
        folder,
        profile,
        port: Some(arguments.port),
        given,
        is_durable: true,
        may_build_web: !arguments.no_build,
        without: arguments.without.clone(),
    });
    let mut mesh = match started {
        Ok(mesh) => mesh,
        Err(_) if signals::stop() => return Ok(()),
        Err(error) => return Err(error),
    };
    if let Err(error) = seed(&mesh, profile) {
        say(&format!("without the demonstration's organization: {error:#}"));
    }
    banner(&mesh);
    let watched = mesh.watch(|| !signals::stop());
    mesh.stop();
    watched
}

/// Makes the demonstration's organization; the mesh is of use without.
pub(crate) fn seed(mesh: &Mesh, profile: Profile) -> Result<()> {
    let binary = profile.built("demo")?;
    let step = Step::begin("making the demonstration's organization");
    let mut demo = Command::new(binary);
    demo.arg("seed").envs(mesh.env.iter().cloned()).current_dir(workspace::root());
    workspace::read(&mut demo)?;
    step.done("the demonstration's organization is there");
    Ok(())
}

fn banner(mesh: &Mesh) {
    let what = if mesh.has_web { "open" } else { "gRPC and gRPC-Web at" };
    say("");
    say(&format!("  {what}  {}", mesh.url));
    say(&format!("  sign in as  {}  with  {}", mesh.email, mesh.password));
    say(&format!("  data in  {}", mesh.folder().root().display()));
    say(&format!("  logs in  {}", mesh::logs(mesh.folder()).display()));
    say("");
    say("Ctrl-C stops it; what it has stored is kept.");
}
