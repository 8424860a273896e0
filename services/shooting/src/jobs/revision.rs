//! Starts the generation of a revision, once for each decision.
//!
//! The call that asks for a revision tries first; the job that was stored with the decision tries
//! until generation has answered. Both use the same request id, so all tries are one generation.

use ::jobs::{Attempt, Failure, Job};
use api::sartiq::generation::v1::{
    CancelGenerationRequest, GenerationInput, StartGenerationRequest,
};
use serde::{Deserialize, Serialize};
use server::Caller;
use types::id::{DecisionId, GenerationId, OrganizationId};
use uuid::Uuid;

use crate::decision::Decision;
use crate::error::{Error, Result, is_passing};
use crate::rpc::batch::Batch;
use crate::rpc::change::Change;
use crate::shot::Purpose;
use crate::{Studio, store};

/// The job.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct StartRevision {
    organization_id: Uuid,
    decision_id: Uuid,
}

impl StartRevision {
    /// Returns the job that starts the generation of a decision.
    pub(crate) fn new(organization: OrganizationId, decision: DecisionId) -> Self {
        Self { organization_id: organization.uuid(), decision_id: decision.uuid() }
    }
}

impl Job for StartRevision {
    const NAME: &'static str = "start_revision";
    // Weeks: the shot waits for it.
    const ATTEMPTS: u32 = 1000;
    type State = Studio;

    async fn run(&self, studio: &Studio, _: &Attempt) -> Result<(), Failure> {
        let organization = self.organization_id.into();
        let caller = Caller::background(organization);
        match start(studio, &caller, organization, self.decision_id.into()).await {
            // The decision was withdrawn, so there is nothing left to do.
            Err(Error::Refused(status)) => {
                tracing::warn!(decision.id = %self.decision_id, %status, "revision refused");
                Ok(())
            }
            result => Ok(result?),
        }
    }

    async fn give_up(&self, studio: &Studio) -> Result<(), Failure> {
        let organization = self.organization_id.into();
        let decision = self.decision_id.into();
        let found = store::decision::find(&studio.db, organization, &[decision]).await?;
        let is_open = |it: &&Decision| it.generation_id.is_none() && it.undone_at.is_none();
        if let Some(decision) = found.iter().find(is_open) {
            let caller = Caller::background(organization);
            withdraw(studio, &caller, organization, decision).await?;
        }
        Ok(())
    }
}

/// Starts the generation of a revision unless it has started or was undone.
///
/// Fails with [`Error::GenerationUnavailable`] where another try may succeed. A decision that
/// generation refuses for good is undone, and the refusal is handed on.
pub(crate) async fn start(
    studio: &Studio,
    caller: &Caller,
    organization: OrganizationId,
    id: DecisionId,
) -> Result<()> {
    let found = store::decision::find(&studio.db, organization, &[id]).await?;
    let Some(decision) = found.into_iter().next() else { return Ok(()) };
    if decision.generation_id.is_some() || decision.undone_at.is_some() {
        return Ok(());
    }
    // Whoever tries, it is the one who decided that starts it.
    let caller = Caller { user_id: Some(decision.user_id), ..caller.clone() };
    let request = StartGenerationRequest {
        request_id: derived(id, "start"),
        generation: Some(GenerationInput {
            shot_id: decision.shot_id.into(),
            parent_prediction_id: decision.prediction_id.into(),
            note: decision.note.clone(),
            ..GenerationInput::default()
        }),
    };
    match studio.generations.clone().start_generation(caller.call(request)).await {
        Ok(reply) => {
            let generation = reply.into_inner().generation.unwrap_or_default().id.parse()?;
            record(studio, &caller, organization, &decision, generation).await
        }
        Err(status) if is_passing(&status) => Err(Error::GenerationUnavailable(Box::new(status))),
        Err(status) => {
            withdraw(studio, &caller, organization, &decision).await?;
            Err(status.into())
        }
    }
}

/// Notes that a revision has started.
async fn record(
    studio: &Studio,
    caller: &Caller,
    organization: OrganizationId,
    decision: &Decision,
    generation: GenerationId,
) -> Result<()> {
    let mut tx = studio.db.begin().await?;
    let mut change = Change { studio, tx: &mut tx, caller, organization };
    let (_, shot) = change.open(decision.shot_id).await?;
    store::decision::set_generation(&mut *change.tx, organization, decision.id, generation).await?;
    change.started(shot, generation, Purpose::Revision).await?;
    let now = store::decision::find_one(&mut *change.tx, organization, decision.id).await?;
    studio.outbox.commit(tx).await?;
    if now.undone_at.is_some() {
        // It was undone while it was being started. What it costs now is little.
        let request = CancelGenerationRequest {
            request_id: derived(decision.id, "cancel"),
            id: generation.into(),
        };
        let cancelled = studio.generations.clone().cancel_generation(caller.call(request)).await;
        cancelled.map_err(Error::of_generation)?;
    }
    Ok(())
}

/// Undoes a decision that can never start.
async fn withdraw(
    studio: &Studio,
    caller: &Caller,
    organization: OrganizationId,
    decision: &Decision,
) -> Result<()> {
    let mut tx = studio.db.begin().await?;
    let mut change = Change { studio, tx: &mut tx, caller, organization };
    let mut batch = Batch::open(&mut change, &[decision.shot_id]).await?;
    let latest = store::decision::latest(&mut *change.tx, organization, decision.shot_id).await?;
    match latest {
        Some(latest) if latest.id == decision.id => {
            let id = latest.id;
            let places = store::decision::find_places(&mut *change.tx, organization, &[id]).await?;
            batch.undo(&latest, places.get(&id).copied().unwrap_or_default())?;
            batch.write(&mut change).await?;
        }
        // It was undone meanwhile.
        _ => {}
    }
    studio.outbox.commit(tx).await?;
    Ok(())
}

/// Returns a request id that is the same for each try.
fn derived(decision: DecisionId, what: &str) -> String {
    Uuid::new_v5(&decision.uuid(), what.as_bytes()).to_string()
}
