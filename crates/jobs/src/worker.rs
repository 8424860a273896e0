//! The loop that takes jobs and runs them.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use sqlx::PgPool;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::backoff::{MOST_LOSSES, pause};
use crate::lease::{Lease, Leases, Tries};
use crate::registry::{Known, Periodic, Registry, known};
use crate::{Attempt, Failure, Job, Queue};

/// How often an idle worker looks for what other processes stored.
const LOOK: Duration = Duration::from_secs(1);

/// How much of an error is kept in the row.
const LONGEST_ERROR: usize = 2_000;

/// What becomes of a job after a try.
enum Verdict {
    Done,
    Again(Duration, Tries, String),
    Dead(Tries, String),
}

/// Runs the jobs of one queue.
pub struct Worker<S> {
    queue: Queue,
    leases: Leases,
    state: S,
    registry: Registry<S>,
    concurrency: usize,
    patience: Duration,
}

impl<S: Clone + Send + Sync + 'static> Worker<S> {
    /// Returns a worker that knows no job yet.
    pub fn new(queue: Queue, db: PgPool, state: S) -> Self {
        let leases = Leases { db, schema: queue.schema(), length: Duration::from_secs(30) };
        let patience = Duration::from_secs(5);
        Self { queue, leases, state, registry: Registry::new(), concurrency: 4, patience }
    }

    /// Teaches it a job. Rows of jobs it does not know are left for workers that do.
    pub fn job<J: Job<State = S>>(mut self) -> Self {
        self.registry.insert(J::NAME, known::<J>(None));
        self
    }

    /// Teaches it a job that comes back this long after it was done.
    ///
    /// One row stands for it, whatever the number of processes: who leases that row leads.
    /// Failures are retried with the usual pauses, never longer than the period, and for ever.
    pub fn periodic<J: Job<State = S>>(mut self, job: &J, every: Duration) -> Self {
        let periodic = Periodic { every, payload: serde_json::to_value(job) };
        self.registry.insert(J::NAME, known::<J>(Some(periodic)));
        self
    }

    /// How many jobs run at once; four by default.
    pub fn concurrency(mut self, concurrency: usize) -> Self {
        self.concurrency = concurrency.max(1);
        self
    }

    /// How long a job stays taken after its worker died; half a minute by default.
    pub fn lease(mut self, length: Duration) -> Self {
        self.leases.length = length;
        self
    }

    /// How long jobs may go on after the shutdown; five seconds by default. What has not ended
    /// then is dropped and put back, its try not counted.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Takes and runs jobs until `shutdown`, then waits for those that run.
    pub async fn run(self, shutdown: CancellationToken) {
        let worker = Arc::new(self);
        let mut running = JoinSet::new();
        let mut is_planted = false;
        while !shutdown.is_cancelled() {
            while running.try_join_next().is_some() {}
            if !is_planted {
                is_planted = worker.plant().await;
            }
            let taken = worker.take(worker.concurrency.saturating_sub(running.len())).await;
            let is_idle = taken.is_empty();
            for lease in taken {
                let (worker, shutdown) = (Arc::clone(&worker), shutdown.clone());
                running.spawn(async move { worker.attempt(lease, shutdown).await });
            }
            if running.len() >= worker.concurrency {
                tokio::select! {
                    _ = running.join_next() => {}
                    () = shutdown.cancelled() => {}
                }
            } else if is_idle {
                // Replicas that started together should not look together.
                let look = LOOK.mul_f64(1.0 + rand::random::<f64>() / 4.0);
                tokio::select! {
                    () = worker.queue.poked(look) => {}
                    () = shutdown.cancelled() => {}
                }
            }
        }
        // Each attempt watches the shutdown itself and ends within its patience.
        while running.join_next().await.is_some() {}
    }

    /// Runs what is due, and what becomes due by that, until nothing is; answers how many jobs
    /// that was. For tests, and for commands that do one thing.
    pub async fn run_due(self) -> usize {
        let mut n_jobs = 0;
        loop {
            let taken = self.take(1).await;
            let Some(lease) = taken.into_iter().next() else { return n_jobs };
            self.attempt(lease, CancellationToken::new()).await;
            n_jobs += 1;
        }
    }

    async fn take(&self, most: usize) -> Vec<Lease> {
        let names: Vec<&str> = self.registry.keys().copied().collect();
        match self.leases.take(&names, most as i64).await {
            Ok(taken) => taken,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "cannot take jobs");
                Vec::new()
            }
        }
    }

    async fn plant(&self) -> bool {
        for (name, known) in &self.registry {
            let Some(periodic) = &known.periodic else { continue };
            let planted = match &periodic.payload {
                Ok(payload) => self.leases.plant(name, payload, periodic.every).await,
                Err(error) => {
                    tracing::error!(job.name = name, %error, "a periodic job cannot be stored");
                    continue;
                }
            };
            if let Err(error) = planted {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(job.name = name, error, "cannot store a periodic job");
                return false;
            }
        }
        true
    }

    /// One try of one job, from lease to release.
    async fn attempt(&self, lease: Lease, shutdown: CancellationToken) {
        let span = tracing::info_span!(
            "job",
            job.name = lease.name,
            job.id = %lease.job_id,
            job.attempt = lease.attempts + 1
        );
        let Some(known) = self.registry.get(lease.name.as_str()) else { return };
        let released = async {
            if 0 < lease.losses {
                tracing::warn!(losses = lease.losses, "a job is taken over from a lost worker");
            }
            tokio::select! {
                verdict = self.verdict(known, &lease, &shutdown) => {
                    self.settle(known, &lease, verdict).await
                }
                () = self.lost(&lease) => Ok(false),
                () = overdue(&shutdown, self.patience) => {
                    self.leases.wait(&lease, Duration::ZERO, lease.tries(), None).await
                }
            }
        };
        match released.instrument(span.clone()).await {
            Ok(true) => {}
            Ok(false) => span.in_scope(|| tracing::warn!("the lease was lost")),
            // The row is still leased to us; when that ends, someone tries again.
            Err(error) => span.in_scope(|| {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "cannot record how a job ended");
            }),
        }
    }

    /// Runs the job, or gives it up, and says what follows from that.
    async fn verdict(
        &self,
        known: &Known<S>,
        lease: &Lease,
        shutdown: &CancellationToken,
    ) -> Verdict {
        let is_periodic = known.periodic.is_some();
        let (failure, tries) = if MOST_LOSSES <= lease.losses && !is_periodic {
            // It took its process with it each time; another would go the same way.
            let failure = Failure::GiveUp("the process ended during each of the last tries".into());
            (failure, lease.tries())
        } else {
            let Err(failure) = self.outcome(known, lease, shutdown).await else {
                return Verdict::Done;
            };
            (failure, Tries { attempts: lease.attempts.saturating_add(1), losses: 0 })
        };
        let error = shortened(types::chain(failure.error()));
        let attempts = tries.attempts.unsigned_abs();
        let gives_up = known.attempts <= attempts || matches!(failure, Failure::GiveUp(_));
        if gives_up && !is_periodic {
            return self.give_up(known, lease, tries, error).await;
        }
        let mut pause = match failure {
            Failure::RetryAfter(pause, _) => pause,
            _ => pause(attempts, rand::random()),
        };
        if let Some(periodic) = &known.periodic {
            pause = pause.min(periodic.every);
        }
        tracing::warn!(error, pause_ms = pause.as_millis(), "a job failed and will be tried again");
        Verdict::Again(pause, tries, error)
    }

    /// Lets the job tell that it is given up. That may fail in passing, or end the process as the job
    /// did, but not for ever.
    async fn give_up(
        &self,
        known: &Known<S>,
        lease: &Lease,
        mut tries: Tries,
        error: String,
    ) -> Verdict {
        tracing::error!(error, "a job is given up");
        let most = known.attempts.saturating_mul(2);
        if most <= tries.attempts.unsigned_abs() || 2 * MOST_LOSSES <= tries.losses {
            return Verdict::Dead(tries, error);
        }
        let given_up = (known.give_up)(lease.payload.clone(), self.state.clone());
        let Err(failure) = in_time(known.timeout, given_up).await else {
            return Verdict::Dead(tries, error);
        };
        // As one that failed: the count of its losses stays, lest it is run again.
        tries.attempts = tries.attempts.max(lease.attempts.saturating_add(1));
        let pause = pause(tries.attempts.unsigned_abs(), rand::random());
        let why = types::chain(failure.error());
        tracing::warn!(
            error = why,
            pause_ms = pause.as_millis(),
            "cannot tell that it is given up"
        );
        Verdict::Again(pause, tries, error)
    }

    async fn outcome(
        &self,
        known: &Known<S>,
        lease: &Lease,
        shutdown: &CancellationToken,
    ) -> Result<(), Failure> {
        let attempt = Attempt {
            job_id: lease.job_id,
            number: lease.attempts.unsigned_abs().saturating_add(1),
            shutdown: shutdown.clone(),
        };
        let run = (known.run)(lease.payload.clone(), self.state.clone(), attempt);
        in_time(known.timeout, run).await
    }

    async fn settle(
        &self,
        known: &Known<S>,
        lease: &Lease,
        verdict: Verdict,
    ) -> Result<bool, sqlx::Error> {
        match (verdict, &known.periodic) {
            (Verdict::Done, None) => self.leases.finish(lease).await,
            (Verdict::Done, Some(periodic)) => {
                self.leases.wait(lease, periodic.every, Tries::default(), None).await
            }
            (Verdict::Again(pause, tries, error), _) => {
                self.leases.wait(lease, pause, tries, Some(&error)).await
            }
            (Verdict::Dead(tries, error), _) => self.leases.bury(lease, tries, &error).await,
        }
    }

    /// Renews the lease for as long as that works; ends before it may be another's.
    async fn lost(&self, lease: &Lease) {
        let quarter = self.leases.length / 4;
        let mut renewed = Instant::now();
        loop {
            sleep(quarter).await;
            let now = Instant::now();
            match timeout(quarter, self.leases.renew(lease)).await {
                Ok(Ok(true)) => renewed = now,
                Ok(Ok(false)) => return,
                // Is there time for another try? If not, it must be let go while it is ours.
                Ok(Err(_)) | Err(_) if 3 * quarter < renewed.elapsed() + quarter => return,
                Ok(Err(error)) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "cannot renew the lease of a job");
                }
                Err(_) => tracing::warn!("renewing the lease of a job takes long"),
            }
        }
    }
}

impl<S> std::fmt::Debug for Worker<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker")
            .field("queue", &self.queue)
            .field("jobs", &self.registry.keys())
            .finish_non_exhaustive()
    }
}

/// Runs `work`, but no longer than `most`; a panic is a failure.
async fn in_time(
    most: Duration,
    work: impl Future<Output = Result<(), Failure>>,
) -> Result<(), Failure> {
    match timeout(most, AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => Err(Failure::Retry("the job panicked".into())),
        Err(_) => Err(Failure::Retry("the job took too long".into())),
    }
}

async fn overdue(shutdown: &CancellationToken, patience: Duration) {
    shutdown.cancelled().await;
    sleep(patience).await;
}

/// Cuts `text` to what is kept of it.
fn shortened(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(LONGEST_ERROR) {
        text.truncate(end);
    }
    text
}
