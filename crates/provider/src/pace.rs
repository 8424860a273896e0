//! How often a vendor is asked.

use std::time::Duration;

use crate::config::Settings;

/// How much longer each wait is than the one before, in percent.
const GROWTH: u32 = 115;

/// The waits between questions: short at first, then longer, never in step with others.
#[derive(Debug)]
pub(crate) struct Pace {
    next: Duration,
    soonest: Duration,
    latest: Duration,
}

impl Pace {
    /// Starts with the shortest wait.
    pub(crate) fn new(settings: &Settings) -> Self {
        let soonest = settings.poll_soonest;
        Self { next: soonest, soonest, latest: settings.poll_latest.max(soonest) }
    }

    /// Returns how long to wait now.
    pub(crate) fn wait(&mut self) -> Duration {
        let wait = self.next;
        self.next = (wait * GROWTH / 100).min(self.latest);
        jitter(wait)
    }

    /// Starts over: something has happened, so more may happen soon.
    pub(crate) fn quicken(&mut self) {
        self.next = self.soonest;
    }
}

/// Spreads `wait` by a fifth either way, so that many waits do not end at once.
pub(crate) fn jitter(wait: Duration) -> Duration {
    wait.mul_f64(rand::random_range(0.8..1.2))
}
