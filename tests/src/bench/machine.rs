//! What the machine gives while something is measured.
//!
//! It may work for others as well, of which nothing here knows: where a figure is off and these are too, it
//! need not be the mesh.

use std::hint::black_box;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use tokio::task::{JoinHandle, spawn_blocking};

use super::load::Times;
use super::report::Row;
use crate::Result;

/// How often it is tried.
const EVERY: Duration = Duration::from_millis(50);

/// How many numbers are sorted as the work that is always the same: it suffers, as services do, where a
/// core is shared with others.
const WORK: u64 = 16_384;

/// How many bytes are written: a page of PostgreSQL's log.
const PAGE: usize = 8192;

/// Tries it, for as long as it is held.
pub(super) struct Probe {
    /// Nothing is sent: it ends when this does.
    hold: mpsc::Sender<()>,
    trying: JoinHandle<Result<Machine>>,
}

/// How long its tries took.
pub(super) struct Machine {
    work: Times,
    write: Times,
}

impl Probe {
    /// Begins. Writes go to the disk of `folder`.
    pub(super) fn start(folder: &Path) -> Result<Self> {
        let file = tempfile::tempfile_in(folder)?;
        let (hold, held) = mpsc::channel();
        let trying = spawn_blocking(move || {
            let (mut work, mut write) = (Times::default(), Times::default());
            // Always the same disorder: steps of the golden ratio.
            let numbers: Vec<u64> =
                (0..WORK).map(|it| it.wrapping_mul(0x9E37_79B9_7F4A_7C15)).collect();
            let page = [1; PAGE];
            while let Err(mpsc::RecvTimeoutError::Timeout) = held.recv_timeout(EVERY) {
                let start = Instant::now();
                let mut sorted = numbers.clone();
                black_box(&mut sorted).sort_unstable();
                work.add(start.elapsed());
                let start = Instant::now();
                file.write_all_at(&page, 0)?;
                file.sync_data()?;
                write.add(start.elapsed());
            }
            Ok(Machine { work, write })
        });
        Ok(Self { hold, trying })
    }

    /// Ends.
    pub(super) async fn end(self) -> Result<Machine> {
        drop(self.hold);
        self.trying.await?
    }
}

impl Machine {
    pub(super) fn rows(&self, area: &'static str, setting: &str) -> Vec<Row> {
        let row = |name: &str, times: &Times, percent| {
            let name = format!("the machine, {name}: p{percent}");
            Row::new(area, setting, name, times.percentile(percent), "ms")
        };
        vec![
            row("the same work", &self.work, 50),
            row("the same work", &self.work, 99),
            row("a write to its disk", &self.write, 50),
            row("a write to its disk", &self.write, 99),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn tries_take_their_time() -> Result {
        let folder = tempfile::tempdir()?;
        let probe = Probe::start(folder.path())?;
        tokio::time::sleep(4 * EVERY).await;
        let machine = probe.end().await?;
        assert!(0 < machine.work.len() && machine.work.len() == machine.write.len());
        assert!(0.0 < machine.work.percentile(1) && 0.0 < machine.write.percentile(1));
        Ok(())
    }
}
