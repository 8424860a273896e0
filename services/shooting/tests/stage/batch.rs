//! Requests that decide about many pictures, and what became of them.

use api::sartiq::shooting::v1::decision::Kind;
use api::sartiq::shooting::v1::*;
use testkit::request_id;

/// An approval of a picture.
pub(crate) fn approval(id: &str) -> DecisionInput {
    DecisionInput {
        prediction_id: id.to_owned(),
        kind: Kind::Approve.into(),
        ..DecisionInput::default()
    }
}

/// A rejection of a picture for its colour.
pub(crate) fn rejection(id: &str) -> DecisionInput {
    DecisionInput { kind: Kind::Reject.into(), reason: RejectReason::Colour.into(), ..approval(id) }
}

/// Returns a request that decides all of it.
pub(crate) fn decide(decisions: impl IntoIterator<Item = DecisionInput>) -> BatchDecideRequest {
    let decisions = decisions.into_iter().collect();
    BatchDecideRequest { request_id: request_id(), decisions }
}

/// Returns a request that undoes all decisions among `results`, in their order.
pub(crate) fn undo_all<'a>(
    results: impl IntoIterator<Item = &'a DecisionResult>,
) -> BatchUndoDecisionsRequest {
    let ids = results.into_iter().filter_map(|it| it.decision.as_ref()).map(|it| it.id.clone());
    BatchUndoDecisionsRequest { request_id: request_id(), decision_ids: ids.collect() }
}

/// The state of the shot of each item, or why it was refused.
pub(crate) fn outcomes(results: &[DecisionResult]) -> Vec<String> {
    let outcome = |it: &DecisionResult| match (&it.error, &it.shot, &it.decision) {
        (None, Some(shot), Some(_)) => shot.state().as_str_name().to_owned(),
        (Some(error), None, None) => error.reason.clone(),
        _ => format!("{it:?}"),
    };
    results.iter().map(outcome).collect()
}
