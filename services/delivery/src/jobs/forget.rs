//! Forgets the answers that nobody asks for again.

use ::jobs::{Attempt, Failure, Job};
use pg::replay;
use serde::{Deserialize, Serialize};

use crate::{Delivery, SCHEMA};

/// The job.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Forget {}

impl Job for Forget {
    const NAME: &'static str = "forget";
    type State = Delivery;

    async fn run(&self, delivery: &Delivery, _: &Attempt) -> Result<(), Failure> {
        replay::forget(&delivery.db, SCHEMA, replay::LIFE).await?;
        Ok(())
    }
}
