//! Cancelling attempts at their providers, however often that takes.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use api::sartiq::provider::v1::CancelRequest;
use bytes::Bytes;
use server::Caller;
use tokio::sync::Semaphore;

use super::owner::{Owner, Trouble};
use super::runner::Attempt;
use super::{Engine, ended_by};
use crate::store::cancellation::{self, End, Row};
use crate::store::owner;

/// How many providers are asked at once.
const AT_ONCE: usize = 64;

/// How many cancellations are looked at.
const MOST: i64 = 10_000;

/// How long one answer is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How often a provider is asked that knows no better than to fail.
const TRIES: u32 = 200;

static SLOTS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(AT_ONCE)));

impl Owner {
    /// Starts the cancellations that were noted and are not under way.
    pub(super) async fn cancel(&mut self) -> Result<(), Trouble> {
        for row in cancellation::list(&self.engine.db, MOST).await? {
            let attempt = Attempt { task: row.task, number: row.number };
            let Some(token) = row.resume_token.clone() else {
                if !self.is_followed(attempt) {
                    // Nobody will ever learn what to cancel it by.
                    settle(&self.engine, self.epoch, attempt, End::InDoubt).await?;
                }
                continue;
            };
            if self.cancelling.lock().expect("no holder panics").insert(attempt) {
                let cancelling = self.cancelling.clone();
                let (engine, epoch) = (self.engine.clone(), self.epoch);
                self.runners.spawn(async move {
                    cancel(&engine, epoch, row, token.into()).await;
                    cancelling.lock().expect("no holder panics").remove(&attempt);
                });
            }
        }
        Ok(())
    }

    /// Tells whether an attempt without a handle may still get one.
    fn is_followed(&mut self, attempt: Attempt) -> bool {
        if self.run_of(attempt).is_some() {
            return true;
        }
        let is_over = |it: &super::owner::Run| {
            it.runner.as_ref().is_none_or(tokio::task::AbortHandle::is_finished)
        };
        match self.orphans.get(&attempt) {
            Some(run) if is_over(run) => {
                if let Some(run) = self.orphans.remove(&attempt) {
                    self.lane(&run.lane).end();
                }
                false
            }
            Some(_) => true,
            None => false,
        }
    }
}

/// Asks a provider to cancel until it answers.
async fn cancel(engine: &Engine, epoch: i64, row: Row, resume_token: Bytes) {
    let attempt = Attempt { task: row.task, number: row.number };
    let mut pause = FIRST_PAUSE;
    for _ in 0..TRIES {
        let Some(provider) = engine.providers.named(&row.provider) else {
            tracing::warn!(provider = row.provider, "a run is left to a provider that is gone");
            break;
        };
        let asked = async {
            let _slot = SLOTS.acquire().await;
            let message =
                CancelRequest { run_id: row.run_id.clone(), resume_token: resume_token.clone() };
            let mut request = Caller::background(row.organization).call(message);
            request.set_timeout(PATIENCE);
            provider.client().cancel(request).await
        };
        match asked.await {
            Ok(answer) => {
                let end = ended_by(answer.into_inner().result());
                tracing::info!(run.id = row.run_id, ?end, "run is cancelled");
                if let Err(trouble) = settle(engine, epoch, attempt, end).await {
                    // The row stays, and the provider is asked again, which does no harm.
                    tracing::warn!(%trouble, "a cancellation is not settled");
                }
                return;
            }
            Err(status) if is_final(&status) => {
                tracing::warn!(run.id = row.run_id, %status, "a run cannot be cancelled");
                break;
            }
            Err(_) => {
                tokio::time::sleep(pause).await;
                pause = (2 * pause).min(LONGEST_PAUSE);
            }
        }
    }
    let _ = settle(engine, epoch, attempt, End::Billable).await;
}

fn is_final(status: &tonic::Status) -> bool {
    matches!(status.code(), tonic::Code::InvalidArgument | tonic::Code::Unimplemented)
}

/// Writes how a cancellation ended, unless another owner has taken over.
async fn settle(engine: &Engine, epoch: i64, attempt: Attempt, end: End) -> Result<(), Trouble> {
    let mut tx = engine.db.begin().await?;
    if !owner::share(&mut *tx, epoch).await? {
        return Err(Trouble::Deposed);
    }
    cancellation::resolve(&mut tx, attempt.task, attempt.number, end).await?;
    tx.commit().await?;
    Ok(())
}
