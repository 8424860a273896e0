//! Telling how far an export is, but not more often than anybody could look.

use std::time::{Duration, Instant};

use events::Progress;

use crate::Delivery;
use crate::export::{Export, Tally};
use crate::rpc::event;

/// How often at most.
const EVERY: Duration = Duration::from_millis(250);

/// Tells the progress of one export.
pub(super) struct Teller<'a> {
    progress: Option<&'a Progress>,
    export: &'a Export,
    told_at: Option<Instant>,
}

impl<'a> Teller<'a> {
    pub(super) fn new(delivery: &'a Delivery, export: &'a Export) -> Self {
        Self { progress: delivery.progress.get(), export, told_at: None }
    }

    /// Tells how far it is, unless that was told just now. The end is told by another event.
    pub(super) fn tell(&mut self, tally: Tally) {
        if self.told_at.is_some_and(|it| it.elapsed() < EVERY) {
            return;
        }
        self.told_at = Some(Instant::now());
        if let Some(progress) = self.progress {
            progress.tell(event::progress(self.export, tally));
        }
    }
}
