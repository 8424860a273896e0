//! Forgets the answers that nobody asks for again.

use ::jobs::{Attempt, Failure, Job};
use pg::replay;
use serde::{Deserialize, Serialize};

use crate::{SCHEMA, Studio};

/// The job.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Forget {}

impl Job for Forget {
    const NAME: &'static str = "forget";
    type State = Studio;

    async fn run(&self, studio: &Studio, _: &Attempt) -> Result<(), Failure> {
        replay::forget(&studio.db, SCHEMA, replay::LIFE).await?;
        Ok(())
    }
}
