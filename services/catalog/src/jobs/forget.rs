//! Forgets the answers that nobody asks for again.

use ::jobs::{Attempt, Failure, Job};
use pg::replay;
use serde::{Deserialize, Serialize};

use crate::{Catalog, SCHEMA};

/// The job.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Forget {}

impl Job for Forget {
    const NAME: &'static str = "forget";
    type State = Catalog;

    async fn run(&self, catalog: &Catalog, _: &Attempt) -> Result<(), Failure> {
        replay::forget(&catalog.db, SCHEMA, replay::LIFE).await?;
        Ok(())
    }
}
