//! Ephemeral events: how far something is. Whoever misses one sees the next.

use api::sartiq::event::v1::Event;
use prost::Message;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{Draft, Stream};

/// How many ephemeral events wait for Redis before further ones are dropped.
const WAITING: usize = 1024;

/// Tells ephemeral events.
#[derive(Clone, Debug)]
pub struct Progress {
    source: &'static str,
    queue: mpsc::Sender<Event>,
}

impl Progress {
    /// Returns what `source` tells its progress through, and the task that carries it.
    pub fn new(
        source: &'static str,
        stream: Stream,
        shutdown: CancellationToken,
    ) -> (Self, impl Future<Output = ()> + Send) {
        let (queue, events) = mpsc::channel(WAITING);
        (Self { source, queue }, carry(stream, events, shutdown))
    }

    /// Tells `draft`, unless Redis is behind: then it is dropped, for the next one tells more.
    pub fn tell(&self, draft: Draft) {
        let _ = self.queue.try_send(draft.into_event(self.source));
    }
}

async fn carry(stream: Stream, mut events: mpsc::Receiver<Event>, shutdown: CancellationToken) {
    let mut batch = Vec::new();
    loop {
        batch.clear();
        tokio::select! {
            () = shutdown.cancelled() => return,
            n = events.recv_many(&mut batch, 64) => if n == 0 { return },
        }
        if let Err(error) = publish(&stream, &batch).await {
            tracing::debug!(%error, events = batch.len(), "progress was not told");
        }
    }
}

async fn publish(stream: &Stream, events: &[Event]) -> Result<(), crate::Error> {
    let mut pipe = redis::pipe();
    for event in events {
        pipe.cmd("PUBLISH").arg(stream.ephemeral()).arg(event.encode_to_vec()).ignore();
    }
    Ok(pipe.query_async(&mut stream.connection().await?).await?)
}
