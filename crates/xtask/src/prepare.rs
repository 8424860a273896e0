//! `cargo xtask prepare`: `.sqlx/` from the migrations and the queries.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};

use crate::console::{Step, say};
use crate::ports::Ports;
use crate::postgres::{self, Postgres};
use crate::process::Process;
use crate::secrets::{Book, random};
use crate::workspace::{self, cargo, run as run_command};
use crate::{packages, signals, test};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Changes nothing, and fails if something would change.
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    signals::listen()?;
    refresh(arguments.check)
}

/// Asks a real database about every query, and compares with what is committed or replaces it.
pub(crate) fn refresh(is_check: bool) -> Result<()> {
    packages::need(&[&packages::POSTGRES])?;
    let scratch = workspace::target().join("xtask").join(format!("prepare-{}", std::process::id()));
    fs::create_dir_all(&scratch)?;
    let prepared = prepare(&scratch, is_check);
    postgres::forget(&scratch.join("postgres"))?;
    fs::remove_dir_all(&scratch)?;
    prepared
}

fn prepare(scratch: &Path, is_check: bool) -> Result<()> {
    let mut ports = Ports::new(Book::open(scratch.join("ports"))?);
    let database =
        Postgres::prepare(&scratch.join("postgres"), ports.of("postgres", 95)?, random(16)?)?;
    let mut process = Process::start(database.spec(scratch.join("postgres.log"), false)?)?;
    test::wait(std::slice::from_ref(&process))?;
    let services = services_with_tables()?;
    let step = Step::begin("migrating a scratch database");
    database.sql("postgres", "create database prepare")?;
    for service in &services {
        migrate(&database, service)?;
    }
    step.done(&format!("migrated {} schemas", services.len()));

    let fresh = scratch.join("sqlx");
    fs::create_dir_all(&fresh)?;
    for service in &services {
        // The macros write when they run, and run when their file is younger than what is built.
        let library = service.join("src/lib.rs");
        fs::File::options().append(true).open(&library)?.set_modified(SystemTime::now())?;
    }
    let mut check = cargo();
    check.args(["check", "--workspace", "--all-targets"]).env("SQLX_OFFLINE", "false");
    check.env("SQLX_OFFLINE_DIR", &fresh).env("DATABASE_URL", database.admin_url("prepare"));
    let checked =
        run_command(&mut check).context("the project does not compile against its migrations");
    process.stop(Duration::from_secs(4));
    checked?;
    settle(&fresh, &workspace::root().join(".sqlx"), is_check)
}

/// Compares what is new with what is committed, and replaces it if that is wanted.
fn settle(fresh: &Path, committed: &Path, is_check: bool) -> Result<()> {
    let (new, old) = (queries(fresh)?, queries(committed)?);
    if new == old {
        say(&format!(".sqlx holds the {} queries of the sources", new.len()));
        return Ok(());
    }
    let n_missing = new.keys().filter(|it| !old.contains_key(*it)).count();
    let n_stale = old.keys().filter(|it| !new.contains_key(*it)).count();
    if is_check {
        bail!(
            ".sqlx is not what the sources say: {n_missing} queries are missing, {n_stale} are \
             stale; run `cargo xtask prepare` and commit what it writes"
        );
    }
    fs::create_dir_all(committed)?;
    for name in old.keys() {
        fs::remove_file(committed.join(name))?;
    }
    for (name, text) in &new {
        fs::write(committed.join(name), text)?;
    }
    say(&format!(".sqlx is refreshed: {} queries, {n_missing} new, {n_stale} gone", new.len()));
    Ok(())
}

fn queries(folder: &Path) -> Result<BTreeMap<String, String>> {
    let mut queries = BTreeMap::new();
    let Ok(files) = fs::read_dir(folder) else { return Ok(queries) };
    for file in files {
        let file = file?;
        let name = file.file_name().to_string_lossy().into_owned();
        if name.starts_with("query-") && name.ends_with(".json") {
            queries.insert(name, fs::read_to_string(file.path())?);
        }
    }
    Ok(queries)
}

fn services_with_tables() -> Result<Vec<PathBuf>> {
    let mut services = Vec::new();
    for folder in fs::read_dir(workspace::root().join("services"))? {
        let path = folder?.path();
        if path.join("migrations").is_dir() {
            services.push(path);
        }
    }
    services.sort();
    Ok(services)
}

fn migrate(database: &Postgres, service: &Path) -> Result<()> {
    let schema = service.file_name().unwrap_or_default().to_string_lossy().replace('-', "_");
    database.sql("prepare", &format!("create schema if not exists {schema}"))?;
    let mut files: Vec<PathBuf> = fs::read_dir(service.join("migrations"))?
        .map(|it| it.map(|it| it.path()))
        .collect::<Result<_, _>>()?;
    files.sort();
    for file in files.iter().filter(|it| it.extension().is_some_and(|it| it == "sql")) {
        database.sql_file("prepare", file)?;
    }
    Ok(())
}
