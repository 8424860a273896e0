//! Forgets the answers that nobody asks for again.

use ::jobs::{Attempt, Failure, Job};
use pg::replay;
use serde::{Deserialize, Serialize};

use crate::{Generation, SCHEMA};

/// The job.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Forget {}

impl Job for Forget {
    const NAME: &'static str = "forget";
    type State = Generation;

    async fn run(&self, generation: &Generation, _: &Attempt) -> Result<(), Failure> {
        replay::forget(&generation.db, SCHEMA, replay::LIFE).await?;
        Ok(())
    }
}
