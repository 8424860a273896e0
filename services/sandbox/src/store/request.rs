//! Requests from submission to outcome, and whose turn it is.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::address::Endpoint;
use crate::ledger;
use crate::model::Order;
use crate::refusal::Refusal;

/// The most requests that are remembered; finished ones go first, oldest first.
const MOST_REQUESTS: usize = 20_000;

/// The most bytes of inputs that are remembered: an input may carry pictures inline.
const MOST_INPUT_BYTES: usize = 1 << 30;

/// One request.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) id: String,
    pub(crate) endpoint: Endpoint,
    pub(crate) order: Order,
    /// The address under which the caller reached the sandbox.
    pub(crate) base_url: String,
    pub(crate) webhook: Option<String>,
    /// The longest that it may wait for its turn.
    pub(crate) start_timeout: Option<Duration>,
    pub(crate) is_low_priority: bool,
    pub(crate) client_reference: Option<String>,
    pub(crate) mischief: Mischief,
    pub(crate) cancel: CancellationToken,
    pub(crate) submitted: Instant,
    progress: Mutex<Progress>,
    // Counts changes, for those who wait for one.
    changed: watch::Sender<u64>,
}

/// Faults that were decided at submission and strike later.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mischief {
    pub(crate) fail_late: Option<Refusal>,
    pub(crate) never_finishes: bool,
    pub(crate) slower_by: Duration,
    pub(crate) nsfw: bool,
    pub(crate) expired_result: bool,
    pub(crate) n_webhooks: u32,
    pub(crate) lost: bool,
}

/// How far a request is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress {
    pub(crate) phase: Phase,
    pub(crate) logs: Vec<Log>,
    pub(crate) started: Option<Instant>,
    pub(crate) finished: Option<Instant>,
    pub(crate) webhooks_delivered: u32,
}

/// The phases, in order. A request that waits may be done at once: cancelled, or late.
#[derive(Clone, Debug, Default)]
pub(crate) enum Phase {
    #[default]
    Queued,
    Running,
    Done(Arc<Outcome>),
}

/// How a request ended.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// With a result.
    Success { output: Value, units: f64 },
    /// Without one.
    Failure(Refusal),
}

/// One line of a runner's log.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Log {
    pub(crate) message: String,
    pub(crate) level: &'static str,
    pub(crate) source: &'static str,
    pub(crate) timestamp: String,
}

/// What a request is made of.
pub(crate) struct Draft {
    pub(crate) endpoint: Endpoint,
    pub(crate) order: Order,
    pub(crate) base_url: String,
    pub(crate) webhook: Option<String>,
    pub(crate) start_timeout: Option<Duration>,
    pub(crate) is_low_priority: bool,
    pub(crate) client_reference: Option<String>,
    pub(crate) mischief: Mischief,
}

impl Request {
    pub(crate) fn new(draft: Draft) -> Arc<Self> {
        Arc::new(Self {
            id: uuid::Uuid::new_v4().to_string(),
            endpoint: draft.endpoint,
            order: draft.order,
            base_url: draft.base_url,
            webhook: draft.webhook,
            start_timeout: draft.start_timeout,
            is_low_priority: draft.is_low_priority,
            client_reference: draft.client_reference,
            mischief: draft.mischief,
            cancel: CancellationToken::new(),
            submitted: Instant::now(),
            progress: Mutex::default(),
            changed: watch::Sender::new(0),
        })
    }

    /// How far it is now.
    pub(crate) fn progress(&self) -> Progress {
        self.progress.lock().expect("no holder panics").clone()
    }

    /// Changes it and wakes those who wait.
    pub(crate) fn update<T>(&self, change: impl FnOnce(&mut Progress) -> T) -> T {
        let changed = change(&mut self.progress.lock().expect("no holder panics"));
        self.changed.send_modify(|it| *it += 1);
        changed
    }

    /// Writes a line into its log.
    pub(crate) fn log(&self, message: impl Into<String>) {
        let log = Log {
            message: message.into(),
            level: "INFO",
            source: "USER",
            timestamp: ledger::now(),
        };
        self.update(|it| it.logs.push(log));
    }

    /// Ends it, once; `false` where it had ended before. `before` runs when it is certain and
    /// nobody can see it yet.
    pub(crate) fn finish(&self, outcome: Outcome, before: impl FnOnce()) -> bool {
        self.update(|it| {
            if matches!(it.phase, Phase::Done(_)) {
                return false;
            }
            before();
            it.phase = Phase::Done(Arc::new(outcome));
            it.finished = Some(Instant::now());
            true
        })
    }

    /// Its outcome, once there is one.
    pub(crate) fn outcome(&self) -> Option<Arc<Outcome>> {
        match &self.progress.lock().expect("no holder panics").phase {
            Phase::Done(outcome) => Some(outcome.clone()),
            _ => None,
        }
    }

    /// Counts its changes.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }
}

/// Every request, and the line in which they wait.
#[derive(Debug)]
pub(crate) struct Requests {
    n_workers: usize,
    desk: Mutex<Desk>,
}

#[derive(Debug, Default)]
struct Desk {
    known: HashMap<String, Arc<Request>>,
    // Oldest first.
    order: VecDeque<String>,
    normal: VecDeque<Arc<Request>>,
    low: VecDeque<Arc<Request>>,
    // Of all that are known.
    input_bytes: usize,
    n_running: usize,
}

impl Requests {
    pub(crate) fn new(n_workers: usize) -> Self {
        Self { n_workers: n_workers.max(1), desk: Mutex::default() }
    }

    /// Remembers a request and puts it at the end of its line; `false` where there is no room.
    /// `before` runs when it is certain and nobody can take it yet.
    pub(crate) fn add(&self, request: &Arc<Request>, before: impl FnOnce()) -> bool {
        let mut desk = self.desk.lock().expect("no holder panics");
        let n_bytes = request.order.input_bytes();
        while desk.order.len() >= MOST_REQUESTS || desk.input_bytes + n_bytes > MOST_INPUT_BYTES {
            if !desk.forget(|it| it.outcome().is_some(), 1) {
                return false;
            }
        }
        before();
        desk.input_bytes += n_bytes;
        desk.known.insert(request.id.clone(), request.clone());
        desk.order.push_back(request.id.clone());
        let line = if request.is_low_priority { &mut desk.low } else { &mut desk.normal };
        line.push_back(request.clone());
        true
    }

    /// Takes the next in line where a worker is free. Whoever takes it calls [`Self::release`].
    pub(crate) fn take(&self) -> Option<Arc<Request>> {
        let mut desk = self.desk.lock().expect("no holder panics");
        if desk.n_running >= self.n_workers {
            return None;
        }
        let next = desk.normal.pop_front().or_else(|| desk.low.pop_front())?;
        desk.n_running += 1;
        Some(next)
    }

    /// Frees a worker.
    pub(crate) fn release(&self) {
        self.desk.lock().expect("no holder panics").n_running -= 1;
    }

    /// Takes a request out of its line; `false` where it does not wait.
    pub(crate) fn leave_line(&self, id: &str) -> bool {
        let mut desk = self.desk.lock().expect("no holder panics");
        let before = desk.normal.len() + desk.low.len();
        desk.normal.retain(|it| it.id != id);
        desk.low.retain(|it| it.id != id);
        desk.normal.len() + desk.low.len() < before
    }

    /// How many are before it.
    pub(crate) fn position(&self, id: &str) -> usize {
        let desk = self.desk.lock().expect("no holder panics");
        desk.normal.iter().chain(&desk.low).position(|it| it.id == id).unwrap_or(0)
    }

    /// The request of this id, if it was made to this application.
    pub(crate) fn find(&self, application: &str, id: &str) -> Option<Arc<Request>> {
        let desk = self.desk.lock().expect("no holder panics");
        desk.known.get(id).filter(|it| it.endpoint.application == application).cloned()
    }

    /// The newest request to an endpoint.
    pub(crate) fn newest(&self, endpoint: &str) -> Option<Arc<Request>> {
        let desk = self.desk.lock().expect("no holder panics");
        desk.order
            .iter()
            .rev()
            .filter_map(|it| desk.known.get(it))
            .find(|it| it.endpoint.id == endpoint)
            .cloned()
    }

    /// Every request, oldest first.
    pub(crate) fn all(&self) -> Vec<Arc<Request>> {
        let desk = self.desk.lock().expect("no holder panics");
        desk.order.iter().filter_map(|it| desk.known.get(it)).cloned().collect()
    }

    /// Forgets one.
    pub(crate) fn forget(&self, id: &str) {
        let mut desk = self.desk.lock().expect("no holder panics");
        desk.forget(|it| it.id == id, 1);
    }

    /// Forgets what ended longer ago than `age`.
    pub(crate) fn sweep(&self, age: Duration) {
        let is_old = |it: &Request| it.progress().finished.is_some_and(|it| it.elapsed() >= age);
        self.desk.lock().expect("no holder panics").forget(is_old, usize::MAX);
    }
}

impl Desk {
    /// Forgets at most so many, oldest first; `false` where none was due.
    fn forget(&mut self, is_due: impl Fn(&Request) -> bool, most: usize) -> bool {
        let mut left = most;
        let (known, input_bytes) = (&mut self.known, &mut self.input_bytes);
        self.order.retain(|id| {
            if left == 0 {
                return true;
            }
            let Some(request) = known.get(id) else { return false };
            if !is_due(request) {
                return true;
            }
            left -= 1;
            *input_bytes -= request.order.input_bytes();
            known.remove(id);
            false
        });
        left < most
    }
}
