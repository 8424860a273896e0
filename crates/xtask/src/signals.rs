//! Ctrl-C and SIGTERM.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

static COUNT: AtomicUsize = AtomicUsize::new(0);
static LISTENING: OnceLock<()> = OnceLock::new();

/// Begins to count them. From here on they end nothing by themselves.
pub(crate) fn listen() -> Result<()> {
    if LISTENING.set(()).is_ok() {
        ctrlc::set_handler(|| {
            COUNT.fetch_add(1, Ordering::SeqCst);
        })
        .context("cannot listen for Ctrl-C")?;
    }
    Ok(())
}

/// Whether to stop.
pub(crate) fn stop() -> bool {
    0 < COUNT.load(Ordering::SeqCst)
}

/// Whether to stop at once.
pub(crate) fn hurry() -> bool {
    1 < COUNT.load(Ordering::SeqCst)
}

/// Sleeps, unless told to stop.
pub(crate) fn pause(duration: Duration) -> Result<()> {
    let end = Instant::now() + duration;
    while Instant::now() < end {
        if stop() {
            bail!("stopped");
        }
        thread::sleep(Duration::from_millis(20).min(duration));
    }
    Ok(())
}
