//! What the mesh can do, and what that costs: measured from outside, on services as processes, with a
//! PostgreSQL that writes to the disk.
//!
//! A benchmark is no test: it fails only if it cannot measure.

pub mod adapter;
mod door;
mod event;
mod idle;
mod load;
mod machine;
mod picture;
mod product;
mod report;
mod stage;
mod up;
mod usage;
mod workflow;

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub use report::Report;

use crate::Result;
use stage::Stage;

/// What is measured.
#[derive(Clone, Debug)]
pub struct Options {
    /// Only parts with this in their name; all without.
    pub filter: Option<String>,
    /// The program that starts the mesh; without one that is not measured.
    pub xtask: Option<PathBuf>,
}

/// The parts, in their order: what nobody has used yet is measured first.
pub const PARTS: [&str; 8] =
    ["idle", "door", "products", "events", "uploads", "generations", "workflows", "up"];

/// Measures.
pub async fn run(options: &Options) -> Result<Report> {
    let is_wanted = |part: &str| options.filter.as_ref().is_none_or(|it| part.contains(&**it));
    let mut report = Report::default();
    if PARTS.iter().any(|it| *it != "up" && is_wanted(it)) {
        let stage = Stage::start().await?;
        for part in PARTS.into_iter().filter(|it| is_wanted(it)) {
            report.add(match part {
                "idle" => idle::rows(&stage).await?,
                "door" => door::rows(&stage).await?,
                "products" => product::rows(&stage).await?,
                "events" => event::rows(&stage).await?,
                "uploads" => picture::uploads(&stage).await?,
                "generations" => picture::generations(&stage).await?,
                "workflows" => workflow::rows(&stage).await?,
                _ => Vec::new(),
            });
        }
    }
    if let Some(xtask) = &options.xtask
        && is_wanted("up")
    {
        report.add(up::rows(xtask).await?);
    }
    Ok(report)
}

/// The time of day, as far as the machine knows; all processes know the same.
fn clock() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
