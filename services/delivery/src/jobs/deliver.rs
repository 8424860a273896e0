//! Delivering an export: one run of it, from where the last one got to.
//!
//! A run has a number, and whatever it writes down carries it: a process that was believed dead and goes on
//! writes nothing any more. An export that cannot go on ends its run and plans the next.

use std::time::Duration;

use ::jobs::{Attempt, Enqueue, Failure, Job};
use serde::{Deserialize, Serialize};
use server::{Caller, Span, Trace};
use time::OffsetDateTime;
use types::id::{ExportId, OrganizationId};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::export::{Export, State};
use crate::jobs::{bucket, settle, zip};
use crate::store::Transaction;
use crate::target::{self, Target};
use crate::{Delivery, store};

/// What is said of an export whose target refused us before.
const REFUSED: &str = "the target refuses the credentials; test it to go on";

/// The job.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Deliver {
    organization_id: Uuid,
    export_id: Uuid,
}

/// Why a run ends before its export does.
#[derive(Debug)]
pub(super) enum Stop {
    /// Another run goes on, or the export was cancelled.
    Overtaken,
    /// Something of ours is away, or a file is to be tried again.
    Later(String),
    /// The target is away.
    Waiting(String),
    /// The target refuses us.
    Refused(Box<Target>, String),
    /// Nothing that is left can be delivered.
    Hopeless(String),
    /// Something went wrong that says nothing about the export.
    Broken(Error),
}

impl Stop {
    /// What traces call it.
    fn name(&self) -> &'static str {
        match self {
            Self::Overtaken => "overtaken",
            Self::Later(_) => "later",
            Self::Waiting(_) => "waiting",
            Self::Refused(..) => "refused",
            Self::Hopeless(_) => "hopeless",
            Self::Broken(_) => "broken",
        }
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Broken(error)
    }
}

impl Deliver {
    pub(crate) fn new(organization: OrganizationId, id: ExportId) -> Self {
        Self { organization_id: organization.uuid(), export_id: id.uuid() }
    }

    pub(crate) fn of(export: &Export) -> Self {
        Self::new(export.organization_id, export.id)
    }

    /// Plans a run, now or after a pause. One that is planned already is at most brought forward.
    pub(crate) async fn enqueue(
        &self,
        delivery: &Delivery,
        tx: &mut Transaction,
        pause: Option<Duration>,
    ) -> Result<()> {
        let unique_key = Some(self.export_id.to_string());
        let run_at = pause.map(|it| OffsetDateTime::now_utc() + it);
        Ok(delivery.queue.enqueue_with(tx, self, Enqueue { unique_key, run_at }).await?)
    }

    /// Begins a run. None if there is nothing to do.
    async fn begin(&self, delivery: &Delivery) -> Result<Option<Export>> {
        let (organization, id) = (self.organization_id.into(), self.export_id.into());
        let mut tx = delivery.db.begin().await?;
        let mut export = store::export::lock(&mut tx, organization, id).await?;
        if export.state.is_final() {
            return Ok(None);
        }
        if let Some(target) = export.target_id {
            let state = store::target::hold(&mut *tx, organization, target).await?;
            if state == target::State::Refused {
                // Whoever tests the target plans the next run.
                settle::pause(delivery, &mut tx, &export, State::Waiting, REFUSED).await?;
                delivery.outbox.commit(tx).await?;
                return Ok(None);
            }
        }
        export.run = store::export::start(&mut *tx, organization, id).await?;
        export.state = State::Delivering;
        tx.commit().await?;
        Ok(Some(export))
    }

    /// Runs the export, as a part of what asked for it.
    async fn deliver(delivery: &Delivery, export: &Export) -> Result<(), Stop> {
        let mut span = Span::begin("deliver", Trace::stored(export.traceparent.as_deref()));
        span.note("export.id", export.id.to_string());
        let caller = Caller::background(export.organization_id).within(span.trace());
        let run = async {
            match export.target_id {
                None => zip::deliver(delivery, &caller, export).await,
                Some(target) => bucket::deliver(delivery, &caller, export, target).await,
            }
        };
        let run = span.cover(run).await;
        if let Err(stop) = &run {
            span.fail(stop.name());
        }
        run
    }
}

impl Job for Deliver {
    const NAME: &'static str = "deliver";
    // Every step has a time limit of its own; this one only ends what hangs for a reason nobody thought of.
    const TIMEOUT: Duration = Duration::from_secs(6 * 60 * 60);

    type State = Delivery;

    async fn run(&self, delivery: &Delivery, _: &Attempt) -> Result<(), Failure> {
        let Some(export) = self.begin(delivery).await? else { return Ok(()) };
        match Self::deliver(delivery, &export).await {
            Ok(()) | Err(Stop::Overtaken) => Ok(()),
            Err(Stop::Later(problem)) => {
                Ok(settle::plan(delivery, &export, State::Delivering, &problem).await?)
            }
            Err(Stop::Waiting(problem)) => {
                Ok(settle::plan(delivery, &export, State::Waiting, &problem).await?)
            }
            Err(Stop::Refused(target, problem)) => {
                Ok(settle::refused(delivery, &export, &target, &problem).await?)
            }
            Err(Stop::Hopeless(problem)) => Ok(settle::give_up(delivery, &export, &problem).await?),
            Err(Stop::Broken(error)) => Err(error.into()),
        }
    }

    async fn give_up(&self, delivery: &Delivery) -> Result<(), Failure> {
        let (organization, id) = (self.organization_id.into(), self.export_id.into());
        Ok(settle::abandon(delivery, organization, id, "it could not be finished").await?)
    }
}
