//! The events of one run, numbered, monotone and not too many.

use std::time::{Duration, SystemTime};

use api::sartiq::provider::v1::run_event::Event;
use api::sartiq::provider::v1::{RunEvent, RunProgress, RunQueued};
use tokio::sync::mpsc::Sender;
use tokio::time::Instant;
use tonic::Status;

/// Progress is told no more often than this; what is skipped is told by what follows.
const PACE: Duration = Duration::from_millis(250);

/// The caller is gone and nobody reads the events any more.
#[derive(Debug)]
pub(crate) struct Gone;

/// Where the events of one run go.
#[derive(Debug)]
pub(crate) struct Feed {
    run_id: String,
    events: Sender<Result<RunEvent, Status>>,
    sequence: u64,
    position: Option<Option<u32>>,
    progress: RunProgress,
    has_begun: bool,
    told_at: Option<Instant>,
}

impl Feed {
    /// Starts at the first event.
    pub(crate) fn new(run_id: String, events: Sender<Result<RunEvent, Status>>) -> Self {
        let progress = RunProgress::default();
        Self {
            run_id,
            events,
            sequence: 0,
            position: None,
            progress,
            has_begun: false,
            told_at: None,
        }
    }

    /// Waits until nobody reads the events any more.
    pub(crate) async fn gone(&self) {
        self.events.closed().await;
    }

    /// Tells `event`.
    pub(crate) async fn tell(&mut self, event: Event) -> Result<(), Gone> {
        self.sequence += 1;
        let event = RunEvent {
            run_id: self.run_id.clone(),
            sequence: self.sequence,
            time: Some(SystemTime::now().into()),
            event: Some(event),
        };
        self.events.send(Ok(event)).await.map_err(|_| Gone)
    }

    /// Ends the events with a status: the run could not be followed.
    pub(crate) async fn refuse(&mut self, status: Status) -> Result<(), Gone> {
        self.events.send(Err(status)).await.map_err(|_| Gone)
    }

    /// Tells that the run waits, unless that is known or work has begun already.
    pub(crate) async fn queued(&mut self, position: Option<u32>) -> Result<(), Gone> {
        if self.has_begun || self.position == Some(position) || self.is_too_soon() {
            return Ok(());
        }
        self.position = Some(position);
        self.tell(Event::Queued(RunQueued { position })).await
    }

    /// Tells how far the run is, unless nothing is new; says whether it did. Percents never go down.
    pub(crate) async fn progress(
        &mut self,
        percent: Option<u32>,
        message: Option<String>,
    ) -> Result<bool, Gone> {
        // `None` is less than any number.
        let percent = self.progress.percent.max(percent.map(|it| it.min(100)));
        let message = message.unwrap_or_else(|| self.progress.message.clone());
        let progress = RunProgress { percent, message };
        if (self.has_begun && progress == self.progress) || self.is_too_soon() {
            return Ok(false);
        }
        self.has_begun = true;
        self.progress = progress.clone();
        self.tell(Event::Progress(progress)).await?;
        Ok(true)
    }

    fn is_too_soon(&mut self) -> bool {
        let now = Instant::now();
        if self.told_at.is_some_and(|it| now.duration_since(it) < PACE) {
            return true;
        }
        self.told_at = Some(now);
        false
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn percents_never_go_down_and_repeats_are_not_told() -> Result<(), Gone> {
        let (events, mut told) = mpsc::channel(16);
        let mut feed = Feed::new("r".into(), events);
        for percent in [Some(10), Some(10), Some(5), None, Some(300)] {
            feed.progress(percent, None).await?;
            tokio::time::advance(PACE).await;
        }
        feed.queued(Some(1)).await?;
        drop(feed);
        let mut percents = Vec::new();
        while let Some(Ok(event)) = told.recv().await {
            if let Some(Event::Progress(it)) = event.event {
                percents.push((event.sequence, it.percent));
            }
        }
        assert_eq!(percents, [(1, Some(10)), (2, Some(100))]);
        Ok(())
    }

    #[tokio::test(start_paused = true)]
    async fn progress_is_told_at_most_four_times_a_second() -> Result<(), Gone> {
        let (events, mut told) = mpsc::channel(64);
        let mut feed = Feed::new("r".into(), events);
        for percent in 0..100 {
            feed.progress(Some(percent), None).await?;
            tokio::time::advance(Duration::from_millis(10)).await;
        }
        drop(feed);
        let mut count = 0;
        while told.recv().await.is_some() {
            count += 1;
        }
        assert_eq!(count, 4);
        Ok(())
    }
}
