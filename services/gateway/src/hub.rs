//! One reader of all streams, for all who subscribe.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use api::sartiq::event::v1::Event;
use events::{Error, Stream};
use futures::StreamExt;
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;
use types::id::OrganizationId;

/// The services that publish.
pub(crate) const SOURCES: [&str; 6] =
    ["catalog", "compute", "delivery", "generation", "media", "shooting"];

/// How many events a subscriber may be behind before it has to come back with its cursor.
const BEHIND: usize = 1024;

/// What subscribers get.
pub(crate) type Told = Arc<Event>;

/// Reads each stream once and tells each organization what is its own.
#[derive(Debug)]
pub(crate) struct Hub {
    stream: Stream,
    listeners: Mutex<HashMap<String, broadcast::Sender<Told>>>,
    /// How far the streams were read; none before they were.
    heads: watch::Sender<Option<BTreeMap<String, i64>>>,
}

impl Hub {
    pub(crate) fn new(stream: Stream) -> Self {
        Self { stream, listeners: Mutex::default(), heads: watch::Sender::new(None) }
    }

    pub(crate) fn stream(&self) -> &Stream {
        &self.stream
    }

    /// Listens to what happens in `organization` from now on.
    pub(crate) fn listen(&self, organization: OrganizationId) -> broadcast::Receiver<Told> {
        let mut listeners = self.listeners.lock().expect("nobody panics with the lock");
        listeners
            .entry(organization.to_string())
            .or_insert_with(|| broadcast::Sender::new(BEHIND))
            .subscribe()
    }

    /// How far the streams were read. Waits until they were, for as long as a client would.
    pub(crate) async fn heads(&self) -> Option<BTreeMap<String, i64>> {
        let mut heads = self.heads.subscribe();
        let known = tokio::time::timeout(Duration::from_secs(3), heads.wait_for(Option::is_some));
        known.await.ok()?.ok()?.clone()
    }

    fn tell(&self, event: Event) {
        let mut listeners = self.listeners.lock().expect("nobody panics with the lock");
        let Some(sender) = listeners.get(&event.organization_id) else { return };
        let organization = event.organization_id.clone();
        // Fails if the last listener has left.
        if sender.send(Arc::new(event)).is_err() {
            listeners.remove(&organization);
        }
    }

    /// Reads the durable events until told to stop.
    pub(crate) async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            tokio::select! {
                () = shutdown.cancelled() => return,
                result = self.follow() => interrupted(result).await,
            }
        }
    }

    /// Reads the ephemeral events until told to stop.
    pub(crate) async fn run_progress(self: Arc<Self>, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            tokio::select! {
                () = shutdown.cancelled() => return,
                result = self.follow_progress() => interrupted(result).await,
            }
        }
    }

    async fn follow_progress(&self) -> Result<(), Error> {
        let mut events = std::pin::pin!(self.stream.progress().await?);
        while let Some(event) = events.next().await {
            self.tell(event);
        }
        Ok(())
    }

    async fn follow(&self) -> Result<(), Error> {
        // After an interruption the reading goes on where it stopped, so that listeners miss nothing.
        let known = self.heads.borrow().clone();
        let from = match known {
            Some(heads) => heads,
            None => self.ends().await?,
        };
        let mut tail = self.stream.tail(from.clone()).await?;
        self.heads.send_replace(Some(from));
        loop {
            let events = tail.next().await?;
            if events.is_empty() {
                continue;
            }
            for event in events {
                self.tell(event);
            }
            self.heads.send_replace(Some(tail.after().clone()));
        }
    }

    async fn ends(&self) -> Result<BTreeMap<String, i64>, Error> {
        let mut ends = BTreeMap::new();
        for source in SOURCES {
            ends.insert(source.to_owned(), self.stream.ends(source).await?.1);
        }
        Ok(ends)
    }
}

/// Says why reading stopped, and waits a moment before it begins again.
async fn interrupted(result: Result<(), Error>) {
    if let Err(error) = result {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        tracing::warn!(%error, cause, "events interrupted");
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
}
