//! The mesh in bad weather: runs the harness of `tests/faults.rs` and reads what it counted.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::console::say;
use crate::tally::Tally;
use crate::{signals, workspace};

/// Generations and faults that each minute has to see at least, where a run is longer than usual.
const LEAST_PER_MINUTE: (f64, f64) = (30.0, 6.0);

/// Runs it as long as it takes to mean something or, if told to soak, for so many minutes.
pub(crate) fn run(soak: Option<f64>) -> Result<Tally> {
    let mut harness = Command::new(workspace::target().join("debug/faults"));
    harness.current_dir(workspace::root());
    harness.arg("--folder").arg(workspace::target().join("faults"));
    if let Some(minutes) = soak {
        let (generations, faults) = LEAST_PER_MINUTE;
        let minutes_text = minutes.to_string();
        harness.args(["--minutes", &minutes_text, "--most-minutes", &minutes_text]);
        harness.args(["--least-generations", &format!("{:.0}", minutes * generations)]);
        harness.args(["--least-faults", &format!("{:.0}", minutes * faults)]);
    }
    let mut child = harness
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run the fault harness")?;
    let output = child.stdout.take().context("the fault harness has no output")?;
    let mut tally = Tally::default();
    for line in BufReader::new(output).lines() {
        let line = line?;
        // The sum comes last, and nothing before it looks like one.
        tally = Tally::read(&line).unwrap_or(tally);
        say(&line);
    }
    if !child.wait()?.success() && tally.failed == 0 && !signals::stop() {
        tally.failed = 1;
    }
    Ok(tally)
}
