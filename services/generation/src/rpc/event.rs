//! What generation tells the mesh.

use api::sartiq::event::v1::event::Payload;
use api::sartiq::event::v1::{GenerationChanged, PredictionChanged};
use events::Draft;
use types::Money;
use types::id::{MediaId, PredictionId};

use crate::generation::{Generation, Kind, State};
use crate::problem::Problem;
use crate::rpc::wire;

/// Drafts the event that tells that `generation` is where it is.
pub(crate) fn generation(generation: &Generation) -> Draft {
    let cost = Money::new(generation.tally.cost_micros, &*generation.quote.currency);
    let (error_reason, error_message) = match &generation.problem {
        Some(problem) => (problem.reason.clone(), problem.message.clone()),
        None => Default::default(),
    };
    let changed = GenerationChanged {
        generation_id: generation.id.into(),
        shot_id: generation.shot_id.into(),
        shooting_id: generation.shooting_id.into(),
        workflow_id: generation.workflow_id.map(Into::into).unwrap_or_default(),
        revision: generation.kind == Kind::Revision,
        requested_count: generation.requested_count,
        ready_count: generation.tally.ready,
        failed_count: generation.tally.failed,
        cost: Some(wire::amount(&cost)),
        error_reason,
        error_message,
    };
    let payload = match generation.state {
        State::Pending | State::Processing => Payload::GenerationStarted(changed),
        State::Completed => Payload::GenerationCompleted(changed),
        State::Failed => Payload::GenerationFailed(changed),
        State::Cancelled => Payload::GenerationCancelled(changed),
    };
    Draft::new(generation.organization_id, payload)
}

/// Drafts the event that tells that a prediction is ready.
pub(crate) fn ready(
    generation: &Generation,
    id: PredictionId,
    index: i32,
    media: MediaId,
    placeholder: Vec<u8>,
) -> Draft {
    let changed = PredictionChanged {
        media_id: media.into(),
        placeholder: placeholder.into(),
        ..changed(generation, id, index)
    };
    Draft::new(generation.organization_id, Payload::PredictionReady(changed))
}

/// Drafts the event that tells that a prediction failed.
pub(crate) fn failed(
    generation: &Generation,
    id: PredictionId,
    index: i32,
    problem: &Problem,
) -> Draft {
    let changed = PredictionChanged {
        error_message: problem.message.clone(),
        ..changed(generation, id, index)
    };
    Draft::new(generation.organization_id, Payload::PredictionFailed(changed))
}

/// Drafts the event that tells that a prediction was cancelled.
pub(crate) fn cancelled(generation: &Generation, id: PredictionId, index: i32) -> Draft {
    let changed = changed(generation, id, index);
    Draft::new(generation.organization_id, Payload::PredictionCancelled(changed))
}

fn changed(generation: &Generation, id: PredictionId, index: i32) -> PredictionChanged {
    PredictionChanged {
        prediction_id: id.into(),
        generation_id: generation.id.into(),
        shot_id: generation.shot_id.into(),
        shooting_id: generation.shooting_id.into(),
        index,
        ..PredictionChanged::default()
    }
}
