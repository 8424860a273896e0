//! A private Redis.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::health::Health;
use crate::packages;
use crate::process::Spec;

/// How to run it below a folder, keeping what it is told.
pub(crate) fn spec(folder: &Path, port: u16, log: PathBuf) -> Result<Spec> {
    fs::create_dir_all(folder)?;
    let program = packages::find("redis-server").context("redis-server is missing; install it")?;
    let port_text = port.to_string();
    let arguments = [
        "--port",
        &port_text,
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--appendonly",
        "yes",
        "--daemonize",
        "no",
        "--dir",
    ];
    let mut arguments: Vec<_> = arguments.into_iter().map(Into::into).collect();
    arguments.push(folder.as_os_str().to_owned());
    Ok(Spec {
        name: "redis".to_owned(),
        program,
        arguments,
        env: Vec::new(),
        user: None,
        log,
        pid: None,
        port,
        health: Health::Redis,
        stop: "TERM",
    })
}
