//! Between the nouns and the contract.

use api::sartiq::generation::v1 as pb;
use api::sartiq::r#type::v1 as money;
use prost::Message;
use prost_types::Duration;
use server::timestamp;
use types::Money;
use uuid::Uuid;

use crate::error::Result;
use crate::generation::{Generation, Kind, State};
use crate::prediction::{self, Prediction};
use crate::problem::Problem;

/// The currency of quotes and costs. Providers price in it, and nothing is converted.
pub(crate) const CURRENCY: &str = "USD";

pub(crate) fn generation(generation: &Generation, progress_percent: i32) -> Result<pb::Generation> {
    let percent = if generation.state.is_final() { 100 } else { progress_percent.min(99) };
    Ok(pb::Generation {
        id: generation.id.into(),
        state: state(generation.state).into(),
        kind: kind(generation.kind).into(),
        shot_id: generation.shot_id.into(),
        shooting_id: generation.shooting_id.into(),
        parent_prediction_id: generation.parent_prediction_id.map(Into::into).unwrap_or_default(),
        note: generation.note.clone(),
        workflow_id: generation.workflow_id.map(Into::into).unwrap_or_default(),
        requested_count: generation.requested_count,
        ready_count: generation.tally.ready,
        failed_count: generation.tally.failed,
        progress_percent: percent,
        configuration: Some(pb::Configuration::decode(generation.configuration.as_slice())?),
        quoted_cost: Some(amount(&generation.quote)),
        cost: Some(amount(&Money::new(generation.tally.cost_micros, &*generation.quote.currency))),
        error: generation.problem.as_ref().map(error),
        create_time: Some(timestamp(generation.created_at)),
        end_time: generation.ended_at.map(timestamp),
    })
}

pub(crate) fn prediction(prediction: &Prediction) -> pb::Prediction {
    let made = &prediction.made;
    let is_ready = prediction.state == prediction::State::Ready;
    pb::Prediction {
        id: prediction.id.into(),
        generation_id: prediction.generation_id.into(),
        shot_id: prediction.shot_id.into(),
        index: prediction.index,
        state: prediction_state(prediction.state).into(),
        media_id: prediction.media_id.map(Into::into).unwrap_or_default(),
        seed: made.seed,
        provider: made.provider.clone(),
        model: made.model.clone(),
        prompt: made.prompt.clone(),
        timing: is_ready.then(|| pb::PredictionTiming {
            queue: made.queue.and_then(duration),
            run: made.run.and_then(duration),
            post: made.post.and_then(duration),
        }),
        cost: Some(amount(&Money::new(made.cost_micros, CURRENCY))),
        error: prediction.problem.as_ref().map(error),
        create_time: Some(timestamp(prediction.created_at)),
        ready_time: prediction.ready_at.map(timestamp),
    }
}

pub(crate) fn amount(money: &Money) -> money::Money {
    money::Money { micros: money.micros, currency: money.currency.clone() }
}

fn duration(of: std::time::Duration) -> Option<Duration> {
    Duration::try_from(of).ok()
}

fn error(problem: &Problem) -> pb::GenerationError {
    pb::GenerationError {
        reason: problem.reason.clone(),
        message: problem.message.clone(),
        retryable: problem.is_retryable,
    }
}

fn state(state: State) -> pb::generation::State {
    match state {
        State::Pending => pb::generation::State::Pending,
        State::Processing => pb::generation::State::Processing,
        State::Completed => pb::generation::State::Completed,
        State::Failed => pb::generation::State::Failed,
        State::Cancelled => pb::generation::State::Cancelled,
    }
}

/// Returns the states that a list is narrowed to, as they are stored; all of them for none.
pub(super) fn states(chosen: impl Iterator<Item = pb::generation::State>) -> Vec<String> {
    let chosen: Vec<_> = chosen.collect();
    let is_chosen = |it: &State| chosen.is_empty() || chosen.contains(&state(*it));
    State::ALL.into_iter().filter(is_chosen).map(|it| it.as_str().to_owned()).collect()
}

fn kind(kind: Kind) -> pb::generation::Kind {
    match kind {
        Kind::Initial => pb::generation::Kind::Initial,
        Kind::Revision => pb::generation::Kind::Revision,
    }
}

fn prediction_state(state: prediction::State) -> pb::prediction::State {
    match state {
        prediction::State::Expected => pb::prediction::State::Expected,
        prediction::State::Rendering => pb::prediction::State::Rendering,
        prediction::State::PostProcessing => pb::prediction::State::PostProcessing,
        prediction::State::Ready => pb::prediction::State::Ready,
        prediction::State::Failed => pb::prediction::State::Failed,
        prediction::State::Cancelled => pb::prediction::State::Cancelled,
    }
}

/// Reads an id that may be left out. What is wrong with it goes to `wrong`.
pub(super) fn optional_id(
    field: &str,
    text: &str,
    wrong: &mut Vec<(String, String)>,
) -> Option<Uuid> {
    if text.is_empty() {
        return None;
    }
    let id = text.parse().ok();
    if id.is_none() {
        wrong.push((field.to_owned(), "is not an id".to_owned()));
    }
    id
}
