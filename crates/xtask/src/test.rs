//! `cargo xtask test`: everything that can be tested on one machine.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};

use crate::binaries::Profile;
use crate::console::{Step, say};
use crate::folder::Folder;
use crate::mesh::{Mesh, Options};
use crate::ports::Ports;
use crate::postgres::{self, Postgres};
use crate::process::Process;
use crate::secrets::{Book, random};
use crate::stores::Given;
use crate::tally::Tally;
use crate::workspace::{self, cargo, which};
use crate::{clients, faults, packages, prepare, redis, services, signals, up};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Only tests and clients with this in their name; `faults` are among them.
    filter: Option<String>,

    /// Leaves out the programs that use a running mesh.
    #[arg(long)]
    no_clients: bool,

    /// Leaves out the faults: six to nine minutes in which everything is killed, frozen and starved.
    #[arg(long)]
    no_faults: bool,

    /// Builds, breaks the mesh for so many minutes while generations flow, and tests nothing else.
    #[arg(long, value_name = "MINUTES", conflicts_with_all = ["filter", "no_faults"])]
    soak: Option<f64>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    signals::listen()?;
    packages::need(&[&packages::POSTGRES, &packages::REDIS])?;
    if let Some(minutes) = arguments.soak {
        return soak(minutes);
    }
    let mut tally = Tally::default();
    if arguments.filter.is_none() {
        let formatted = cargo().args(["fmt", "--all", "--check"]).stdout(Stdio::null()).status()?;
        tally.check("the sources are formatted (cargo fmt)", formatted.success());
    }
    // Built with the tests' own features, once, and used by the mesh below as well.
    let built = cargo().args(["build", "--workspace", "--all-targets"]).status()?.success();
    tally.check("everything builds (cargo build)", built);
    if built {
        if arguments.filter.is_none() {
            let mut clippy = cargo();
            clippy.args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]);
            tally.check("nothing is odd in the sources (cargo clippy)", clippy.status()?.success());
        }
        let unknown = services::unknown(Profile::Debug)?;
        tally.check("services know the settings they are given", unknown.is_empty());
        for line in unknown {
            say(&format!("  {line}"));
        }
        tally.add(unit(&Servers::start()?, arguments.filter.as_deref())?);
    }
    if built && !arguments.no_clients && !signals::stop() {
        tally.add(outside(arguments.filter.as_deref())?);
    }
    let is_asked = arguments.filter.as_deref().is_none_or(|it| it == "faults");
    if built && is_asked && !arguments.no_faults && !signals::stop() {
        tally.add(faults::run(None)?);
    }
    // Last: it makes cargo believe that the services have changed.
    if built && arguments.filter.is_none() && !signals::stop() {
        let name = "the queries are what a real database says (cargo xtask prepare --check)";
        match prepare::refresh(true) {
            Ok(()) => tally.check(name, true),
            Err(error) => tally.check(&format!("{name}: {error:#}"), false),
        }
    }
    finish(tally)
}

/// Breaks the mesh for as long as asked for.
fn soak(minutes: f64) -> Result<()> {
    if !cargo().args(["build", "--workspace", "--bins"]).status()?.success() {
        bail!("it does not build");
    }
    finish(faults::run(Some(minutes))?)
}

fn finish(tally: Tally) -> Result<()> {
    say(&format!("{} passed, {} failed", tally.passed, tally.failed));
    if tally.failed != 0 {
        bail!("{} failed", tally.failed);
    }
    if tally.passed == 0 {
        bail!("no test has such a name");
    }
    Ok(())
}

/// Rust's tests, by nextest if it is there.
fn unit(servers: &Servers, filter: Option<&str>) -> Result<Tally> {
    let has_nextest = which("cargo-nextest").is_some();
    let mut tests = cargo();
    if has_nextest {
        tests.args(["nextest", "run", "--workspace", "--no-fail-fast", "--no-tests=pass"]);
    } else {
        tests.args(["test", "--workspace", "--all-targets", "--no-fail-fast"]);
    }
    tests.args(filter).env("DATABASE_URL", &servers.database_url);
    tests.env("REDIS_URL", &servers.redis_url).stdin(Stdio::null());
    // Each prints its counts where the other prints its progress.
    let mut child = if has_nextest {
        tests.stderr(Stdio::piped()).spawn()
    } else {
        tests.stdout(Stdio::piped()).spawn()
    }
    .context("cannot run the tests")?;
    let output: Box<dyn std::io::Read> = match (child.stderr.take(), child.stdout.take()) {
        (Some(stderr), _) => Box::new(stderr),
        (None, Some(stdout)) => Box::new(stdout),
        (None, None) => bail!("the tests have no output"),
    };
    let mut tally = Tally::default();
    for line in BufReader::new(output).lines() {
        let line = line?;
        let is_sum = if has_nextest {
            line.trim_start().starts_with("Summary [")
        } else {
            line.starts_with("test result:")
        };
        if is_sum {
            tally.add(Tally::read(&line).unwrap_or_default());
        }
        say(&line);
    }
    let is_well = child.wait()?.success();
    if !is_well && tally.failed == 0 {
        tally.failed = 1;
    }
    Ok(tally)
}

/// The clients of another make, against a mesh of their own.
fn outside(filter: Option<&str>) -> Result<Tally> {
    let clients = clients::all(filter)?;
    let mut tally = Tally::default();
    if clients.is_empty() {
        return Ok(tally);
    }
    let mut installed = Vec::new();
    for client in &clients {
        match client.install() {
            Ok(python) => installed.push((client, python)),
            Err(error) => tally.check(&format!("client {}: {error:#}", client.name), false),
        }
    }
    let path = scratch("mesh");
    let folder = Folder::open(&path)?;
    let mesh = Mesh::start(Options {
        folder,
        profile: Profile::Debug,
        port: None,
        given: Given::default(),
        is_durable: false,
        may_build_web: clients.iter().any(clients::Client::needs_web),
        without: Vec::new(),
    });
    let mut mesh = match mesh {
        Ok(mesh) => mesh,
        Err(error) => {
            tally.check(&format!("the mesh starts: {error:#}"), false);
            return Ok(tally);
        }
    };
    if let Err(error) = up::seed(&mesh, Profile::Debug) {
        tally.check(&format!("the demonstration's organization: {error:#}"), false);
    }
    for (client, python) in installed {
        let env = mesh.env.clone();
        // Beside the watch: clients may kill services, to see what is lost.
        let counted = thread::scope(|scope| {
            let running = scope.spawn(|| client.run(&python, &env));
            mesh.watch(|| !running.is_finished())?;
            running.join().map_err(|_| anyhow!("the client {} panicked", client.name))?
        });
        tally.add(counted?);
    }
    mesh.stop();
    postgres::forget(&path.join("postgres"))?;
    fs::remove_dir_all(&path)?;
    Ok(tally)
}

/// A PostgreSQL and a Redis that are thrown away.
struct Servers {
    database_url: String,
    redis_url: String,
    path: PathBuf,
    processes: Vec<Process>,
}

impl Servers {
    fn start() -> Result<Self> {
        let step = Step::begin("starting a database and a Redis for the tests");
        let path = scratch("servers");
        fs::create_dir_all(&path)?;
        let mut ports = Ports::new(Book::open(path.join("ports"))?);
        let postgres =
            Postgres::prepare(&path.join("postgres"), ports.of("postgres", 93)?, random(16)?)?;
        let redis_port = ports.of("redis", 94)?;
        let specs = [
            postgres.spec(path.join("postgres.log"), false)?,
            redis::spec(&path.join("redis"), redis_port, path.join("redis.log"))?,
        ];
        let mut processes = Vec::new();
        for spec in specs {
            processes.push(Process::start(spec)?);
        }
        wait(&processes)?;
        step.done("a database and a Redis for the tests are ready");
        let database_url = postgres.admin_url("postgres");
        let redis_url = format!("redis://127.0.0.1:{redis_port}");
        Ok(Self { database_url, redis_url, path, processes })
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        for process in &mut self.processes {
            process.stop(Duration::from_secs(4));
        }
        // Leftovers harm nobody; the next `cargo clean` takes them.
        let _ = postgres::forget(&self.path.join("postgres"));
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Waits until all answer.
pub(crate) fn wait(processes: &[Process]) -> Result<()> {
    for process in processes {
        let mut tries = 0;
        while !process.is_well() {
            signals::pause(Duration::from_millis(50))?;
            tries += 1;
            if tries == 600 {
                bail!("{} does not start: {}", process.spec.name, process.last_words());
            }
        }
    }
    Ok(())
}

/// A folder of this run alone.
fn scratch(name: &str) -> PathBuf {
    let pid = std::process::id();
    workspace::target().join("xtask").join(format!("{name}-{pid}"))
}
