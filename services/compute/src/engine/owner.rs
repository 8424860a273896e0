//! The owner: takes what happened, decides in memory, writes one transaction, acts.
//!
//! While a transaction is being written, what happens next gathers; the busier the engine, the more
//! of it shares a commit. Decisions are made by one task, so that they cannot race.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use api::sartiq::provider::v1::RunAccepted;
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio_util::sync::CancellationToken;
use types::id::OrganizationId;

use super::Engine;
use super::batch::{Batch, Committed};
use super::flow::Flow;
use super::metric::Waiting;
use super::runner::{Attempt, Input};
use crate::attempt::Phase;
use crate::demand;
use crate::lane::Lane;
use crate::queue::{Entry, Queue};
use crate::route::{LaneName, Routes};
use crate::store::commit::Handle;
use crate::store::signal::Signal;

/// How many inputs share a transaction at most.
const TURN: usize = 500;

/// How often tasks are looked for that nobody woke.
pub(super) const SWEEP: Duration = Duration::from_secs(30);

/// How long a stopping owner waits for providers to say whether they took what was sent.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// How often the same inputs are tried before they are given up; what they told is found out anew.
const TRIES: u32 = 5;

/// How many signals are remembered, to tell those that are read again.
const REMEMBERED: usize = 50_000;

/// Why a turn did not come to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// Another owner has taken over.
    #[error("another owner has taken over")]
    Deposed,
    /// Memory and store disagree.
    #[error("a task was not where it was thought to be")]
    Conflict,
    /// The store.
    #[error("store")]
    Store(#[from] sqlx::Error),
}

impl Trouble {
    /// Tells whether it is the store that is away, and not what is asked of it.
    fn is_passing(&self) -> bool {
        matches!(self, Self::Store(error) if pg::is_transient(error))
    }
}

/// An attempt that runs.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) attempt: Attempt,
    pub(super) flow: i64,
    pub(super) lane: LaneName,
    /// How far it is, as far as this process knows.
    pub(super) phase: Phase,
    /// When this process got it.
    pub(super) begun: Instant,
    pub(super) reserved_micros: i64,
    pub(super) runner: Option<AbortHandle>,
}

impl Run {
    /// Tells whether the provider is known to have taken it.
    pub(super) fn has_handle(&self) -> bool {
        self.phase != Phase::Prepared
    }
}

/// Who dispatches, with all that needs to be known for it.
pub(super) struct Owner {
    pub(super) engine: Engine,
    pub(super) epoch: i64,
    pub(super) queue: Queue,
    pub(super) flows: HashMap<i64, Flow>,
    /// By task.
    pub(super) running: HashMap<i64, Run>,
    /// Runs of cancelled tasks that have no handle to be cancelled by yet.
    pub(super) orphans: HashMap<Attempt, Run>,
    pub(super) lanes: HashMap<LaneName, Lane>,
    /// Tasks that wait for their time.
    pub(super) timers: BTreeMap<(Instant, i64), Entry>,
    pub(super) routes: watch::Receiver<Arc<Routes>>,
    pub(super) runners: JoinSet<()>,
    /// Cancellations that are under way.
    pub(super) cancelling: Arc<Mutex<HashSet<Attempt>>>,
    pub(super) has_cancellations: bool,
    /// Whether there may be tasks to be cancelled.
    pub(super) has_task_cancellations: bool,
    /// When the first lane that rests can be asked again.
    pub(super) lanes_due: Option<Instant>,
    pub(super) sweep_due: Instant,
    pub(super) is_stopping: bool,
    /// Attempts whose runners were gone at the last sweep, though nobody said that they had ended.
    pub(super) silent: HashSet<Attempt>,
    seen: [HashSet<Signal>; 2],
    waiting: Waiting,
}

impl Owner {
    pub(super) fn new(engine: Engine, epoch: i64) -> Self {
        let routes = engine.providers.routes();
        Self {
            engine,
            epoch,
            queue: Queue::default(),
            flows: HashMap::new(),
            running: HashMap::new(),
            orphans: HashMap::new(),
            lanes: HashMap::new(),
            timers: BTreeMap::new(),
            routes,
            runners: JoinSet::new(),
            cancelling: Arc::default(),
            has_cancellations: true,
            has_task_cancellations: true,
            lanes_due: None,
            sweep_due: Instant::now() + SWEEP,
            is_stopping: false,
            silent: HashSet::new(),
            seen: Default::default(),
            waiting: Waiting::new(),
        }
    }

    /// Dispatches until told to stop, or until another owner has taken over.
    pub(super) async fn run(
        &mut self,
        received: &mut mpsc::Receiver<Input>,
        shutdown: &CancellationToken,
    ) -> Result<(), Trouble> {
        let mut inputs = Vec::new();
        let mut is_loaded = false;
        let mut last_words = None;
        let (mut pause, mut troubles) = (Duration::from_millis(50), 0_u32);
        loop {
            if self.is_stopping && self.is_quiet(last_words) {
                return Ok(());
            }
            let turned = match is_loaded {
                false => self.reload(&mut inputs).await,
                true => Ok(()),
            };
            let turned = match turned {
                Ok(()) => self.turn(&mut inputs).await,
                trouble => trouble,
            };
            match turned {
                Ok(()) => {
                    (is_loaded, pause, troubles) = (true, Duration::from_millis(50), 0);
                    inputs.clear();
                }
                Err(Trouble::Deposed) => return Err(Trouble::Deposed),
                Err(trouble) => {
                    // Whether it was written is unknown: the store is asked, then it is decided anew.
                    let error: &dyn std::error::Error = &trouble;
                    tracing::warn!(%trouble, cause = ?error.source(), "turn is repeated");
                    is_loaded = false;
                    if !trouble.is_passing() {
                        troubles += 1;
                        if troubles.is_multiple_of(TRIES) {
                            tracing::error!(inputs = inputs.len(), "inputs are given up");
                            inputs.clear();
                        }
                    }
                    tokio::time::sleep(pause).await;
                    pause = (2 * pause).min(Duration::from_secs(2));
                    continue;
                }
            }
            let due = tokio::time::Instant::from_std(self.due());
            tokio::select! {
                _ = received.recv_many(&mut inputs, TURN) => (),
                _ = self.routes.changed() => (),
                () = tokio::time::sleep_until(due) => (),
                _ = self.runners.join_next(), if !self.runners.is_empty() => (),
                () = shutdown.cancelled(), if !self.is_stopping => {
                    self.is_stopping = true;
                    last_words = Some(Instant::now() + LAST_WORDS);
                }
            }
        }
    }

    /// Tells whether a stopping owner has nothing to wait for.
    fn is_quiet(&self, last_words: Option<Instant>) -> bool {
        let is_waited_for = self.running.values().chain(self.orphans.values());
        last_words.is_some_and(|it| it <= Instant::now())
            || is_waited_for.into_iter().all(|it| it.has_handle())
    }

    fn due(&self) -> Instant {
        let timer = self.timers.first_key_value().map(|((at, _), _)| *at);
        let soon = self.is_stopping.then(|| Instant::now() + Duration::from_millis(100));
        let now = self.has_task_cancellations.then(Instant::now);
        let due = [timer, self.lanes_due, soon, now].into_iter().flatten().min();
        due.map_or(self.sweep_due, |it| it.min(self.sweep_due))
    }

    async fn turn(&mut self, inputs: &mut Vec<Input>) -> Result<(), Trouble> {
        self.learn(inputs).await?;
        let mut batch = Batch::default();
        for input in inputs.iter() {
            self.take(input, &mut batch);
        }
        self.ring();
        let claimed = match self.stop(&mut batch).await {
            Ok(()) => self.claim(&mut batch).await,
            trouble => trouble,
        };
        let committed = match claimed {
            Ok(()) => batch.commit(&self.engine, self.epoch, &self.flows).await,
            Err(trouble) => Err(trouble),
        };
        match committed {
            Ok(committed) => self.act(batch, committed, inputs),
            Err(trouble) => {
                // They still run; whether that is wanted is decided anew.
                let dropped = batch.dropped.into_iter();
                self.running.extend(dropped.map(|it| (it.attempt.task, it)));
                return Err(trouble);
            }
        }
        if self.has_cancellations {
            self.has_cancellations = false;
            self.cancel().await?;
        }
        if self.sweep_due <= Instant::now() {
            self.sweep_due = Instant::now() + SWEEP;
            self.sweep().await?;
        }
        self.post();
        self.waiting.count(&self.queue);
        Ok(())
    }

    /// Notes what happened to an attempt.
    fn take(&mut self, input: &Input, batch: &mut Batch) {
        match input {
            Input::Told(_) => (),
            Input::Accepted { attempt, handle, .. } => self.accepted(*attempt, handle, batch),
            Input::Awaiting(attempt) => batch.awaiting.push(*attempt),
            Input::Ended { attempt, handle, outcome } => {
                if let Some(handle) = handle {
                    self.accepted(*attempt, handle, batch);
                    if let Some(run) = self.running.get_mut(&attempt.task)
                        && run.attempt == *attempt
                    {
                        run.phase = Phase::Submitted;
                    }
                }
                self.ended(*attempt, outcome, batch);
            }
        }
    }

    fn accepted(&mut self, attempt: Attempt, handle: &RunAccepted, batch: &mut Batch) {
        batch.handles.push(Handle {
            task: attempt.task,
            number: attempt.number,
            vendor_job_id: handle.vendor_job_id.clone(),
            resume_token: handle.resume_token.to_vec(),
        });
        if let Some(lane) = self.run_of(attempt).map(|it| it.lane.clone()) {
            self.lane(&lane).answered(Instant::now());
        }
    }

    /// Does what was decided, now that it is durable.
    fn act(&mut self, batch: Batch, committed: Committed, inputs: &mut Vec<Input>) {
        // First, since one may have got its handle in this very turn.
        for run in batch.dropped {
            self.drop_run(run);
        }
        for input in inputs.drain(..) {
            if let Input::Accepted { attempt, go_on, .. } = input {
                let is_wanted = committed.submitted.contains(&(attempt.task, attempt.number))
                    && self.run_of(attempt).is_some();
                if let Some(run) = self.running.get_mut(&attempt.task)
                    && run.attempt == attempt
                {
                    run.phase = Phase::Submitted;
                }
                if let (false, Some(run)) = (is_wanted, self.orphans.remove(&attempt)) {
                    self.lane(&run.lane).end();
                }
                let _ = go_on.send(is_wanted);
            }
        }
        for (mut run, order) in batch.starts {
            if committed.lost.contains(&run.flow) {
                self.lane(&run.lane).end();
                continue;
            }
            run.runner = self.start(&run.lane, order);
            self.running.insert(run.attempt.task, run);
        }
        for flow in &committed.lost {
            if let Some(organization) = self.flows.get(flow).map(|it| it.organization) {
                self.purge(*flow, organization);
            }
        }
        for end in batch.task_ends.iter().filter(|it| !committed.lost.contains(&it.flow)) {
            end.count();
        }
        for flow in &batch.ended {
            self.flows.remove(flow);
        }
        self.has_cancellations |= committed.has_cancellations;
    }

    /// Forgets a workflow that was cancelled.
    pub(super) fn purge(&mut self, flow: i64, organization: OrganizationId) {
        self.queue.remove(flow, organization);
        self.timers.retain(|_, it| it.flow != flow);
        self.flows.remove(&flow);
        let runs: Vec<i64> =
            self.running.iter().filter(|(_, it)| it.flow == flow).map(|(task, _)| *task).collect();
        for task in runs {
            if let Some(run) = self.running.remove(&task) {
                self.drop_run(run);
            }
        }
        self.has_cancellations = true;
    }

    /// Stops following a run; one without a handle is followed until it has one to be cancelled by.
    fn drop_run(&mut self, run: Run) {
        if run.has_handle() {
            self.lane(&run.lane).end();
            if let Some(runner) = &run.runner {
                runner.abort();
            }
        } else {
            self.orphans.insert(run.attempt, run);
        }
    }

    /// Queues the tasks whose time has come.
    fn ring(&mut self) {
        let now = Instant::now();
        while let Some(timer) = self.timers.first_entry() {
            if now < timer.key().0 {
                break;
            }
            let entry = timer.remove();
            self.queue.push(entry);
        }
    }

    pub(super) fn lane(&mut self, name: &LaneName) -> &mut Lane {
        self.lanes.entry(name.clone()).or_default()
    }

    pub(super) fn run_of(&self, attempt: Attempt) -> Option<&Run> {
        self.running.get(&attempt.task).filter(|it| it.attempt == attempt)
    }

    /// Tells signals that are new from those that were read before.
    pub(super) fn is_news(&mut self, signal: Signal) -> bool {
        if self.seen.iter().any(|it| it.contains(&signal)) {
            return false;
        }
        if REMEMBERED < self.seen[0].len() {
            self.seen.swap(0, 1);
            self.seen[0].clear();
        }
        self.seen[0].insert(signal)
    }

    /// Shows how the lanes fare and who is wanted to those who ask.
    fn post(&self) {
        let now = Instant::now();
        let fares = self
            .lanes
            .iter()
            .map(|(name, lane)| (name.clone(), (lane.running(), lane.is_resting(now))));
        *self.engine.board.lock().expect("no holder panics") = fares.collect();
        let providers = self.engine.providers.list().iter().map(|it| it.name.clone());
        let running = self.lanes.iter().map(|(name, lane)| (name, lane.running()));
        let routes = self.routes.borrow().clone();
        self.engine.demands.count(demand::count(providers, self.queue.depths(), running, &routes));
    }
}
