//! What a job is to this crate, and what this crate tells it.

use std::error::Error;
use std::future::Future;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Something to be done. Its fields are stored as JSON; they should be ids, not state.
pub trait Job: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The name in the table. Never changed while rows of it exist.
    const NAME: &'static str;

    /// How often it may fail before it is given up; with the default pauses three to four hours.
    /// A try whose process died is none that failed.
    const ATTEMPTS: u32 = 20;

    /// How long one try may take.
    const TIMEOUT: Duration = Duration::from_secs(300);

    /// What it works with: the service.
    type State: Clone + Send + Sync + 'static;

    /// Does it. Must bear being done twice.
    fn run(
        &self,
        state: &Self::State,
        attempt: &Attempt,
    ) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Does what is left to do when it is given up, whyever: whoever waits for it is told. Must bear
    /// being done twice, and avoid what [`run`](Self::run) does, which may have ended processes.
    fn give_up(&self, _: &Self::State) -> impl Future<Output = Result<(), Failure>> + Send {
        std::future::ready(Ok(()))
    }
}

/// Which try this is.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The row's key.
    pub job_id: Uuid,
    /// One for the first, and one more than those that failed. Tries that were cut short, by a stop or
    /// by the end of the process, are not counted.
    pub number: u32,
    /// Cancelled when the process is about to stop; long jobs should return an error then.
    pub shutdown: CancellationToken,
}

/// Why a job is not done. `?` on any error makes one that is tried again.
#[derive(Debug)]
pub enum Failure {
    /// Try again after the usual pause.
    Retry(Box<dyn Error + Send + Sync>),
    /// Try again after this long, as whoever refused has asked.
    RetryAfter(Duration, Box<dyn Error + Send + Sync>),
    /// No try can succeed.
    GiveUp(Box<dyn Error + Send + Sync>),
}

impl<E: Error + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Retry(error.into())
    }
}

impl Failure {
    pub(crate) fn error(&self) -> &(dyn Error + Send + Sync) {
        match self {
            Self::Retry(error) | Self::RetryAfter(_, error) | Self::GiveUp(error) => &**error,
        }
    }
}
