//! How far a run is, told at most twice a second.

use std::time::Duration;

use api::sartiq::event::v1::TaskProgress;
use api::sartiq::event::v1::event::Payload;
use events::{Draft, Progress};
use tokio::time::Instant;
use types::id::OrganizationId;

/// How often progress is told at most.
const PACE: Duration = Duration::from_millis(500);

/// Tells the progress of one run.
#[derive(Debug)]
pub(super) struct Teller {
    progress: Progress,
    organization: OrganizationId,
    /// What has been told, or is to be when its time comes.
    last: TaskProgress,
    is_told: bool,
    next: Instant,
}

impl Teller {
    pub(super) fn new(
        progress: Progress,
        organization: OrganizationId,
        about: TaskProgress,
    ) -> Self {
        Self { progress, organization, last: about, is_told: true, next: Instant::now() }
    }

    /// Notes a change, and tells it unless something was told just now.
    pub(super) fn note(&mut self, change: impl FnOnce(&mut TaskProgress)) {
        change(&mut self.last);
        self.is_told = false;
        if self.next <= Instant::now() {
            self.tell();
        }
    }

    /// Waits until something is to be told, and tells it.
    pub(super) async fn due(&mut self) {
        if self.is_told {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep_until(self.next).await;
        self.tell();
    }

    fn tell(&mut self) {
        self.is_told = true;
        self.next = Instant::now() + PACE;
        self.progress.tell(Draft::new(self.organization, Payload::TaskProgress(self.last.clone())));
    }
}
