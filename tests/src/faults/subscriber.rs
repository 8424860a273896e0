//! Somebody who listens to everything, loses the connection again and again, and keeps a journal.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use api::sartiq::event::v1::event::Payload;
use api::sartiq::event::v1::event_service_client::EventServiceClient;
use api::sartiq::event::v1::subscribe_response::Message;
use api::sartiq::event::v1::{Event, SubscribeRequest, SubscribeResponse};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tonic::{Code, Streaming};

use super::flow::Client;
use super::plan::Dice;
use super::record::Told;
use crate::{Result, until};

/// How long a stream may be silent, which says that it is alive every 15 seconds.
const SILENCE: Duration = Duration::from_secs(20);

/// Listens until it is stopped.
#[derive(Debug)]
pub(super) struct Subscriber {
    journal: Arc<Mutex<Journal>>,
    nudge: Arc<Notify>,
    is_away: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

/// What it was told.
#[derive(Clone, Debug, Default)]
pub(super) struct Journal {
    pub(super) told: Vec<Told>,
    pub(super) connections: usize,
    pub(super) refused: Vec<String>,
    cursor: String,
}

/// Begins to listen from now on.
pub(super) fn start(client: Client, start: Instant, seed: u64) -> Subscriber {
    let journal = Arc::<Mutex<Journal>>::default();
    let nudge = Arc::<Notify>::default();
    let (is_away, stop) = (Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
    let listening = Listening {
        client,
        start,
        dice: Dice::new(!seed),
        journal: journal.clone(),
        nudge: nudge.clone(),
        is_away: is_away.clone(),
        stop: stop.clone(),
    };
    Subscriber { journal, nudge, is_away, stop, task: tokio::spawn(listening.run()) }
}

impl Subscriber {
    /// Waits until it is heard.
    pub(super) async fn listening(&self) -> Result {
        until(20, async || Ok((!self.journal().cursor.is_empty()).then_some(()))).await
    }

    /// Drops the connection.
    pub(super) fn hang_up(&self) {
        self.is_away.store(true, Ordering::Relaxed);
        self.nudge.notify_one();
    }

    /// Comes back with the last cursor.
    pub(super) fn come_back(&self) {
        self.is_away.store(false, Ordering::Relaxed);
    }

    /// What it was told so far.
    pub(super) fn journal(&self) -> Journal {
        self.journal.lock().expect("nobody panics with the lock").clone()
    }

    /// The last position that it was told of `source`.
    pub(super) fn at(&self, source: &str) -> Option<i64> {
        let journal = self.journal.lock().expect("nobody panics with the lock");
        journal.told.iter().rev().find(|it| it.source == source).map(|it| it.position)
    }

    /// Ends it.
    pub(super) async fn stop(self) -> Result<Journal> {
        self.come_back();
        self.stop.store(true, Ordering::Relaxed);
        self.nudge.notify_one();
        self.task.await?;
        Ok(std::mem::take(&mut *self.journal.lock().expect("nobody panics with the lock")))
    }
}

struct Listening {
    client: Client,
    start: Instant,
    dice: Dice,
    journal: Arc<Mutex<Journal>>,
    nudge: Arc<Notify>,
    is_away: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
}

impl Listening {
    async fn run(mut self) {
        while !self.stop.load(Ordering::Relaxed) {
            if self.is_away.load(Ordering::Relaxed) {
                sleep(Duration::from_millis(10)).await;
            } else if let Some(stream) = self.connect().await {
                self.listen(stream).await;
            }
        }
    }

    async fn connect(&self) -> Option<Streaming<SubscribeResponse>> {
        let mut events = EventServiceClient::new(self.client.actor().signed);
        let cursor = self.journal.lock().expect("nobody panics with the lock").cursor.clone();
        let request = SubscribeRequest { cursor };
        match timeout(Duration::from_secs(5), events.subscribe(request)).await {
            Ok(Ok(stream)) => {
                self.journal.lock().expect("nobody panics with the lock").connections += 1;
                Some(stream.into_inner())
            }
            answer => {
                if let Ok(Err(status)) = answer
                    && matches!(status.code(), Code::OutOfRange | Code::InvalidArgument)
                {
                    let mut journal = self.journal.lock().expect("nobody panics with the lock");
                    let time = self.start.elapsed().as_secs_f64();
                    journal.refused.push(format!("after {time:.1} s: {status}"));
                }
                sleep(Duration::from_millis(200)).await;
                None
            }
        }
    }

    async fn listen(&mut self, mut stream: Streaming<SubscribeResponse>) {
        let end = Instant::now() + self.dice.pause(300, 6_000);
        loop {
            let message = tokio::select! {
                () = sleep_until(end) => return,
                () = self.nudge.notified() => return,
                message = timeout(SILENCE, stream.message()) => message,
            };
            let Ok(Ok(Some(SubscribeResponse { message, cursor }))) = message else { return };
            let mut journal = self.journal.lock().expect("nobody panics with the lock");
            journal.cursor = cursor;
            if let Some(Message::Event(event)) = message
                && 0 < event.position
            {
                let connection = journal.connections;
                let time = self.start.elapsed().as_secs_f64();
                journal.told.push(Told { time, connection, ..read(event) });
            }
        }
    }
}

fn read(event: Event) -> Told {
    let (name, subject, sequence) = match event.payload {
        Some(Payload::GenerationStarted(it)) => ("generation_started", it.generation_id, 0),
        Some(Payload::GenerationCompleted(it)) => ("generation_ended", it.generation_id, 0),
        Some(Payload::GenerationFailed(it)) => ("generation_ended", it.generation_id, 0),
        Some(Payload::GenerationCancelled(it)) => ("generation_ended", it.generation_id, 0),
        Some(Payload::PredictionReady(it)) => ("prediction_ready", it.prediction_id, 0),
        Some(Payload::PredictionFailed(it)) => ("prediction_failed", it.prediction_id, 0),
        Some(Payload::TaskStarted(it)) => ("task_started", it.workflow_id, it.workflow_sequence),
        Some(Payload::TaskCompleted(it)) => ("task_ended", it.workflow_id, it.workflow_sequence),
        Some(Payload::TaskFailed(it)) => ("task_ended", it.workflow_id, it.workflow_sequence),
        Some(Payload::TaskRetrying(it)) => ("task_retrying", it.workflow_id, it.workflow_sequence),
        Some(Payload::WorkflowEnded(it)) => {
            ("workflow_ended", it.workflow_id, it.workflow_sequence)
        }
        _ => ("other", String::new(), 0),
    };
    Told {
        source: event.source,
        request: event.request_id,
        position: event.position,
        name,
        subject,
        sequence,
        ..Told::default()
    }
}
