//! Review RPCs.

use std::time::Duration;

use ::jobs::Enqueue;
use api::sartiq::event::v1::event::Payload;
use api::sartiq::shooting::v1 as pb;
use pg::Page;
use pg::replay::{self, Replay};
use server::{Caller, Role};
use time::OffsetDateTime;
use types::Findings;
use types::id::{DecisionId, PredictionId, ShotId};

use crate::decision::{Decision, Kind};
use crate::error::{Error, Noun, Result};
use crate::jobs::revision::{self, StartRevision};
use crate::rpc::change::Change;
use crate::rpc::prediction::Origin;
use crate::rpc::{prediction, wire};
use crate::shot::{Cause, Shot};
use crate::store::decision::Verdict;
use crate::{SCHEMA, Studio, store};

/// How long the call that asks for a revision has to start it before a job tries.
const HEAD_START: Duration = Duration::from_secs(3);

pub(super) async fn approve(
    studio: &Studio,
    caller: Caller,
    request: pb::ApprovePredictionRequest,
) -> Result<pb::ApprovePredictionResponse> {
    let (organization, user_id) = (caller.organization()?, caller.user()?);
    let replay =
        Replay::of(SCHEMA, organization, "ApprovePrediction", &request.request_id, &request)?;
    // Who asks again is answered even if generation is away.
    if let Some(reply) = replay.known(&studio.db).await? {
        return Ok(reply);
    }
    let prediction_id: PredictionId = request.prediction_id.parse()?;
    let origin = prediction::find(studio, &caller, prediction_id).await?;
    let mut tx = studio.db.begin().await?;
    let reply = replay::once(&mut tx, &replay, async |tx| {
        let mut change = Change { studio, tx, caller: &caller, organization };
        let kind = Kind::Approve;
        let verdict = Verdict { prediction_id, kind, reason: None, note: "", user_id };
        let (decision, shot) = decide(&mut change, origin, &verdict).await?;
        let (decision, shot) = (Some(decision.into()), Some(shot.into()));
        Ok::<_, Error>(pb::ApprovePredictionResponse { decision, shot })
    })
    .await?;
    studio.outbox.commit(tx).await?;
    Ok(reply)
}

pub(super) async fn reject(
    studio: &Studio,
    caller: Caller,
    request: pb::RejectPredictionRequest,
) -> Result<pb::RejectPredictionResponse> {
    let (organization, user_id) = (caller.organization()?, caller.user()?);
    let replay =
        Replay::of(SCHEMA, organization, "RejectPrediction", &request.request_id, &request)?;
    // As above.
    if let Some(reply) = replay.known(&studio.db).await? {
        return Ok(reply);
    }
    let note = request.note.trim();
    if request.reason() == pb::RejectReason::Other && note.is_empty() {
        let sentence = "must say why, since the reason is another one";
        return Err(Findings::of("note", sentence).into());
    }
    let reason = Some(wire::reason(request.reason()));
    let prediction_id: PredictionId = request.prediction_id.parse()?;
    let origin = prediction::find(studio, &caller, prediction_id).await?;
    let mut tx = studio.db.begin().await?;
    let reply = replay::once(&mut tx, &replay, async |tx| {
        let mut change = Change { studio, tx, caller: &caller, organization };
        let verdict = Verdict { prediction_id, kind: Kind::Reject, reason, note, user_id };
        let (decision, shot) = decide(&mut change, origin, &verdict).await?;
        let (decision, shot) = (Some(decision.into()), Some(shot.into()));
        Ok::<_, Error>(pb::RejectPredictionResponse { decision, shot })
    })
    .await?;
    studio.outbox.commit(tx).await?;
    Ok(reply)
}

pub(super) async fn revise(
    studio: &Studio,
    caller: Caller,
    request: pb::RevisePredictionRequest,
) -> Result<pb::RevisePredictionResponse> {
    let (organization, user_id) = (caller.organization()?, caller.user()?);
    let replay =
        Replay::of(SCHEMA, organization, "RevisePrediction", &request.request_id, &request)?;
    let prediction_id: PredictionId = request.prediction_id.parse()?;
    let known = replay.known(&studio.db).await?;
    let reply: pb::RevisePredictionResponse = match known {
        Some(reply) => reply,
        None => {
            let origin = prediction::find(studio, &caller, prediction_id).await?;
            let mut tx = studio.db.begin().await?;
            let reply = replay::once(&mut tx, &replay, async |tx| {
                let mut change = Change { studio, tx, caller: &caller, organization };
                let note = request.note.trim();
                let kind = Kind::Revise;
                let verdict = Verdict { prediction_id, kind, reason: None, note, user_id };
                let (decision, shot) = decide(&mut change, origin, &verdict).await?;
                // Whatever becomes of this process, what was decided will start.
                let later = Some(OffsetDateTime::now_utc() + HEAD_START);
                let how = Enqueue { run_at: later, ..Enqueue::default() };
                let job = StartRevision::new(organization, decision.id);
                studio.queue.enqueue_with(&mut *change.tx, &job, how).await?;
                let (decision, shot) = (Some(decision.into()), Some(shot.into()));
                let generation_id = String::new();
                Ok::<_, Error>(pb::RevisePredictionResponse { decision, shot, generation_id })
            })
            .await?;
            studio.outbox.commit(tx).await?;
            reply
        }
    };
    // Also for who asks again: what was answered then may have started since, or start now.
    let id: DecisionId = reply.decision.map(|it| it.id).unwrap_or_default().parse()?;
    match revision::start(studio, &caller, organization, id).await {
        // The decision is kept, and the job starts the generation later.
        Ok(()) | Err(Error::GenerationUnavailable(_)) => {}
        Err(error) => return Err(error),
    }
    let decision = store::decision::find(&studio.db, organization, id).await?;
    let decision =
        decision.ok_or_else(|| Error::NotFound(Noun::Prediction, vec![prediction_id.uuid()]))?;
    let shot = store::shot::find_one(&studio.db, organization, decision.shot_id).await?;
    let generation_id = decision.generation_id.map(Into::into).unwrap_or_default();
    let (decision, shot) = (Some(decision.into()), Some(shot.into()));
    Ok(pb::RevisePredictionResponse { decision, shot, generation_id })
}

pub(super) async fn undo(
    studio: &Studio,
    caller: Caller,
    request: pb::UndoDecisionRequest,
) -> Result<pb::UndoDecisionResponse> {
    let organization = caller.organization()?;
    let replay = Replay::of(SCHEMA, organization, "UndoDecision", &request.request_id, &request)?;
    let id: ShotId = request.shot_id.parse()?;
    let mut tx = studio.db.begin().await?;
    let reply = replay::once(&mut tx, &replay, async |tx| {
        let mut change = Change { studio, tx, caller: &caller, organization };
        let (shooting, shot) = change.open(id).await?;
        shooting.check_open()?;
        let decision = store::decision::latest(&mut *change.tx, organization, id).await?;
        let decision = decision.ok_or(Error::NothingToUndo(id))?;
        let may_undo_all = matches!(caller.role, Some(Role::Owner | Role::Admin));
        if caller.user_id != Some(decision.user_id) && !may_undo_all {
            return Err(Error::DecisionOfAnother);
        }
        let (decision, shot) = take_back(&mut change, shot, decision).await?;
        let (decision, shot) = (Some(decision.into()), Some(shot.into()));
        Ok::<_, Error>(pb::UndoDecisionResponse { decision, shot })
    })
    .await?;
    studio.outbox.commit(tx).await?;
    Ok(reply)
}

pub(super) async fn list(
    studio: &Studio,
    caller: Caller,
    request: pb::ListDecisionsRequest,
) -> Result<pb::ListDecisionsResponse> {
    let organization = caller.organization()?;
    let shot: ShotId = request.shot_id.parse()?;
    store::shot::find_one(&studio.db, organization, shot).await?;
    let arguments = ("decision", organization, shot);
    let page = Page::parse(request.page_size, &request.page_token, arguments)?;
    let found = store::decision::list(&studio.db, organization, shot, &page).await?;
    let (decisions, next_page_token) = page.cut(found, |it| vec![it.number]);
    let decisions = decisions.into_iter().map(Into::into).collect();
    Ok(pb::ListDecisionsResponse { decisions, next_page_token })
}

async fn decide(
    change: &mut Change<'_>,
    origin: Origin,
    verdict: &Verdict<'_>,
) -> Result<(Decision, Shot)> {
    let (shooting, mut shot) = change.open(origin.shot).await?;
    shooting.check_open()?;
    // The picture may be decided on before its event has come.
    if let Some(generation) = origin.generation {
        shot = change.ready(shot, generation, verdict.prediction_id).await?;
    }
    let organization = change.organization;
    let prediction = verdict.prediction_id;
    let known = store::decision::find_kind(&mut *change.tx, organization, prediction).await?;
    let cause = match verdict.kind {
        Kind::Approve if shot.selected == Some(prediction) => {
            return Err(Error::PredictionDecided(prediction));
        }
        Kind::Reject if known == Some(Kind::Reject) => {
            return Err(Error::PredictionDecided(prediction));
        }
        Kind::Approve => Cause::Approve(prediction),
        Kind::Reject => Cause::Reject(prediction),
        Kind::Revise => Cause::Revise,
    };
    // First the decision, so that it counts among the facts; a refusal rolls it back.
    let decision = store::decision::insert(&mut *change.tx, organization, &shot, verdict).await?;
    let facts = store::prediction::facts(&mut *change.tx, organization, shot.id).await?;
    let before = shot.state;
    shot.happen(cause, facts)?;
    shot.revision_number += i32::from(verdict.kind == Kind::Revise);
    change.tell_decision(Payload::DecisionMade, &decision, &shot).await?;
    let shot = change.write(before, shot).await?;
    Ok((decision, shot))
}

/// Undoes a decision and gives the shot back the state it had.
pub(crate) async fn take_back(
    change: &mut Change<'_>,
    mut shot: Shot,
    decision: Decision,
) -> Result<(Decision, Shot)> {
    let (organization, before) = (change.organization, shot.state);
    // First the decision, so that it counts among the facts no more; a refusal rolls it back.
    let decision = store::decision::undo(&mut *change.tx, organization, decision.id).await?;
    let facts = store::prediction::facts(&mut *change.tx, organization, shot.id).await?;
    decision.undo(&mut shot, facts)?;
    change.tell_decision(Payload::DecisionUndone, &decision, &shot).await?;
    let shot = change.write(before, shot).await?;
    Ok((decision, shot))
}
