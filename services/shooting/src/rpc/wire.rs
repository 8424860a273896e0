//! Shootings, looks, shots and decisions, as the wire knows them.

use api::sartiq::shooting::v1 as pb;
use server::{Fault, timestamp};
use types::Findings;
use types::id::UserId;

use crate::decision::{Decision, Kind, Reason, Verdict};
use crate::error::Result;
use crate::look::Look;
use crate::rpc::batch::Outcome;
use crate::shooting::{Counts, Shooting, State};
use crate::shot::{self, Shot};

impl From<Shooting> for pb::Shooting {
    fn from(shooting: Shooting) -> Self {
        Self {
            id: shooting.id.into(),
            etag: shooting.version.etag(),
            state: pb::shooting::State::from(shooting.state).into(),
            name: shooting.content.name,
            brief: shooting.content.brief,
            look_count: count(shooting.n_looks),
            shots: Some(shooting.shots.into()),
            create_time: Some(timestamp(shooting.created_at)),
            update_time: Some(timestamp(shooting.updated_at)),
        }
    }
}

impl From<Counts> for pb::ShotCounts {
    fn from(counts: Counts) -> Self {
        Self {
            planned: count(counts.planned),
            generating: count(counts.generating),
            to_review: count(counts.to_review),
            revision_requested: count(counts.revision_requested),
            approved: count(counts.approved),
            rejected: count(counts.rejected),
        }
    }
}

impl From<State> for pb::shooting::State {
    fn from(state: State) -> Self {
        match state {
            State::Draft => Self::Draft,
            State::InProduction => Self::InProduction,
            State::InReview => Self::InReview,
            State::Approved => Self::Approved,
            State::Archived => Self::Archived,
        }
    }
}

impl From<Look> for pb::Look {
    fn from(look: Look) -> Self {
        let content = look.content;
        Self {
            id: look.id.into(),
            etag: look.version.etag(),
            shooting_id: look.shooting_id.into(),
            name: content.name,
            product_id: content.product_id.into(),
            subject_id: content.subject_id.into(),
            style_id: content.style_id.into(),
            guideline_ids: content.guideline_ids.into_iter().map(Into::into).collect(),
            shot_type_ids: content.shot_type_ids.into_iter().map(Into::into).collect(),
            create_time: Some(timestamp(look.created_at)),
            update_time: Some(timestamp(look.updated_at)),
        }
    }
}

impl From<Shot> for pb::Shot {
    fn from(shot: Shot) -> Self {
        Self {
            id: shot.id.into(),
            shooting_id: shot.shooting_id.into(),
            look_id: shot.look_id.into(),
            shot_type_id: shot.shot_type_id.into(),
            state: pb::shot::State::from(shot.state).into(),
            revision_number: shot.revision_number,
            selected_prediction_id: shot.selected.map(Into::into).unwrap_or_default(),
            generation_id: shot.generation_id.map(Into::into).unwrap_or_default(),
            create_time: Some(timestamp(shot.created_at)),
            update_time: Some(timestamp(shot.updated_at)),
        }
    }
}

impl From<shot::State> for pb::shot::State {
    fn from(state: shot::State) -> Self {
        match state {
            shot::State::Planned => Self::Planned,
            shot::State::Generating => Self::Generating,
            shot::State::ToReview => Self::ToReview,
            shot::State::RevisionRequested => Self::RevisionRequested,
            shot::State::Approved => Self::Approved,
            shot::State::Rejected => Self::Rejected,
        }
    }
}

/// Returns the state that a filter names. None for all.
pub(super) fn filter(state: pb::shot::State) -> Option<shot::State> {
    match state {
        pb::shot::State::Unspecified => None,
        pb::shot::State::Planned => Some(shot::State::Planned),
        pb::shot::State::Generating => Some(shot::State::Generating),
        pb::shot::State::ToReview => Some(shot::State::ToReview),
        pb::shot::State::RevisionRequested => Some(shot::State::RevisionRequested),
        pb::shot::State::Approved => Some(shot::State::Approved),
        pb::shot::State::Rejected => Some(shot::State::Rejected),
    }
}

impl From<Decision> for pb::Decision {
    fn from(decision: Decision) -> Self {
        let reason = decision.reason.map_or(pb::RejectReason::Unspecified, Into::into);
        Self {
            id: decision.id.into(),
            shot_id: decision.shot_id.into(),
            prediction_id: decision.prediction_id.into(),
            kind: pb::decision::Kind::from(decision.kind).into(),
            reason: reason.into(),
            note: decision.note,
            user_id: decision.user_id.into(),
            generation_id: decision.generation_id.map(Into::into).unwrap_or_default(),
            create_time: Some(timestamp(decision.created_at)),
            undo_time: decision.undone_at.map(timestamp),
        }
    }
}

impl From<Kind> for pb::decision::Kind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Approve => Self::Approve,
            Kind::Reject => Self::Reject,
            Kind::Revise => Self::Revise,
        }
    }
}

impl From<Reason> for pb::RejectReason {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Garment => Self::Garment,
            Reason::Colour => Self::Colour,
            Reason::Anatomy => Self::Anatomy,
            Reason::Subject => Self::Subject,
            Reason::Composition => Self::Composition,
            Reason::Quality => Self::Quality,
            Reason::Other => Self::Other,
        }
    }
}

/// Returns what a request decides. What is wrong with it is added to `findings`, under `path`.
pub(super) fn verdict(
    input: pb::DecisionInput,
    user_id: UserId,
    path: &str,
    findings: &mut Findings,
) -> Result<Verdict> {
    let note = input.note.trim().to_owned();
    let is_approval = input.kind() == pb::decision::Kind::Approve;
    match (is_approval, input.reason()) {
        (true, pb::RejectReason::Unspecified) => {}
        (true, _) => findings.add(format!("{path}reason"), "must not be given for an approval"),
        (false, pb::RejectReason::Unspecified) => {
            findings.add(format!("{path}reason"), "must be chosen for a rejection");
        }
        (false, pb::RejectReason::Other) if note.is_empty() => {
            let sentence = "must say why, since the reason is another one";
            findings.add(format!("{path}note"), sentence);
        }
        (false, _) => {}
    }
    if is_approval && !note.is_empty() {
        findings.add(format!("{path}note"), "must be empty for an approval");
    }
    Ok(Verdict {
        prediction_id: input.prediction_id.parse()?,
        // The contract refuses any other kind before it comes here.
        kind: if is_approval { Kind::Approve } else { Kind::Reject },
        reason: reason(input.reason()),
        note,
        user_id,
    })
}

/// Returns the reason that a request gives.
fn reason(reason: pb::RejectReason) -> Option<Reason> {
    match reason {
        pb::RejectReason::Unspecified => None,
        pb::RejectReason::Garment => Some(Reason::Garment),
        pb::RejectReason::Colour => Some(Reason::Colour),
        pb::RejectReason::Anatomy => Some(Reason::Anatomy),
        pb::RejectReason::Subject => Some(Reason::Subject),
        pb::RejectReason::Composition => Some(Reason::Composition),
        pb::RejectReason::Quality => Some(Reason::Quality),
        pb::RejectReason::Other => Some(Reason::Other),
    }
}

/// Says what became of one item of a batch.
pub(super) fn result(outcome: Outcome) -> pb::DecisionResult {
    match outcome {
        Ok((decision, shot)) => pb::DecisionResult {
            decision: Some(decision.into()),
            shot: Some(shot.into()),
            error: None,
        },
        Err(error) => {
            let (reason, message) = (error.reason().to_owned(), error.to_string());
            let error = Some(pb::DecisionError { reason, message });
            pb::DecisionResult { decision: None, shot: None, error }
        }
    }
}

fn count(n: i64) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}
