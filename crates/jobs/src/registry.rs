//! The jobs that a worker knows, their types forgotten.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::BoxFuture;
use serde_json::Value;

use crate::{Attempt, Failure, Job};

type Run<S> =
    Box<dyn Fn(Value, S, Attempt) -> BoxFuture<'static, Result<(), Failure>> + Send + Sync>;
type GiveUp<S> = Box<dyn Fn(Value, S) -> BoxFuture<'static, Result<(), Failure>> + Send + Sync>;

/// One job that a worker knows.
pub(crate) struct Known<S> {
    pub(crate) attempts: u32,
    pub(crate) timeout: Duration,
    pub(crate) run: Run<S>,
    pub(crate) give_up: GiveUp<S>,
    /// For a job that comes back by itself.
    pub(crate) periodic: Option<Periodic>,
}

/// A job that comes back by itself.
pub(crate) struct Periodic {
    pub(crate) every: Duration,
    pub(crate) payload: Result<Value, serde_json::Error>,
}

/// All of them by name.
pub(crate) type Registry<S> = BTreeMap<&'static str, Known<S>>;

pub(crate) fn known<J: Job>(periodic: Option<Periodic>) -> Known<J::State> {
    Known {
        attempts: J::ATTEMPTS,
        timeout: J::TIMEOUT,
        run: Box::new(|payload, state, attempt| {
            Box::pin(async move {
                // What cannot be read now cannot be read later, short of another release; a
                // person decides.
                let job: J = serde_json::from_value(payload)
                    .map_err(|error| Failure::GiveUp(error.into()))?;
                job.run(&state, &attempt).await
            })
        }),
        give_up: Box::new(|payload, state| {
            Box::pin(async move {
                // Of what cannot be read nobody knows who waits for it.
                match serde_json::from_value::<J>(payload) {
                    Ok(job) => job.give_up(&state).await,
                    Err(_) => Ok(()),
                }
            })
        }),
        periodic,
    }
}
