//! Review RPCs.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ::jobs::Enqueue;
use api::sartiq::shooting::v1 as pb;
use pg::Page;
use pg::replay::{self, Replay};
use server::{Caller, Role};
use time::OffsetDateTime;
use types::Findings;
use types::id::{DecisionId, PredictionId, ShotId, UserId};

use crate::decision::{Decision, Kind, Verdict};
use crate::error::{Error, Noun, Result};
use crate::jobs::revision::{self, StartRevision};
use crate::rpc::batch::{Batch, Outcome};
use crate::rpc::change::Change;
use crate::rpc::prediction::Origins;
use crate::rpc::{ids, prediction, wire};
use crate::shot::Shot;
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
    let (kind, note) = (Kind::Approve, String::new());
    let verdict = Verdict { prediction_id, kind, reason: None, note, user_id };
    let origins = prediction::find(studio, &caller, &[prediction_id]).await?;
    let mut tx = studio.db.begin().await?;
    let reply = replay::once(&mut tx, &replay, async |tx| {
        let mut change = Change { studio, tx, caller: &caller, organization };
        let (decision, shot) = decide_one(&mut change, verdict, origins).await?;
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
    let input = pb::DecisionInput {
        prediction_id: request.prediction_id.clone(),
        kind: pb::decision::Kind::Reject.into(),
        reason: request.reason,
        note: request.note.clone(),
    };
    let mut findings = Findings::default();
    let verdict = wire::verdict(input, user_id, "", &mut findings)?;
    findings.end()?;
    let origins = prediction::find(studio, &caller, &[verdict.prediction_id]).await?;
    let mut tx = studio.db.begin().await?;
    let reply = replay::once(&mut tx, &replay, async |tx| {
        let mut change = Change { studio, tx, caller: &caller, organization };
        let (decision, shot) = decide_one(&mut change, verdict, origins).await?;
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
            let (kind, note) = (Kind::Revise, request.note.trim().to_owned());
            let verdict = Verdict { prediction_id, kind, reason: None, note, user_id };
            let origins = prediction::find(studio, &caller, &[prediction_id]).await?;
            let mut tx = studio.db.begin().await?;
            let reply = replay::once(&mut tx, &replay, async |tx| {
                let mut change = Change { studio, tx, caller: &caller, organization };
                let (decision, shot) = decide_one(&mut change, verdict, origins).await?;
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
    let decision = store::decision::find_one(&studio.db, organization, id).await?;
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
        let batch = Batch::open(&mut change, &[id]).await?;
        batch.check_open(id)?;
        let latest = store::decision::latest(&mut *change.tx, organization, id).await?;
        let latest = latest.ok_or(Error::NothingToUndo(id))?;
        let undone = undo_all(&mut change, batch, &[latest.id]).await?;
        let (decision, shot) = only(undone)?;
        let (decision, shot) = (Some(decision.into()), Some(shot.into()));
        Ok::<_, Error>(pb::UndoDecisionResponse { decision, shot })
    })
    .await?;
    studio.outbox.commit(tx).await?;
    Ok(reply)
}

pub(super) async fn batch_decide(
    studio: &Studio,
    caller: Caller,
    request: pb::BatchDecideRequest,
) -> Result<pb::BatchDecideResponse> {
    let (organization, user_id) = (caller.organization()?, caller.user()?);
    let replay = Replay::of(SCHEMA, organization, "BatchDecide", &request.request_id, &request)?;
    // As above.
    if let Some(reply) = replay.known(&studio.db).await? {
        return Ok(reply);
    }
    let verdicts = verdicts(request.decisions, user_id)?;
    let ids: Vec<_> = verdicts.iter().map(|it| it.prediction_id).collect();
    let origins = prediction::find(studio, &caller, &ids).await?;
    let mut tx = studio.db.begin().await?;
    let reply = replay::once(&mut tx, &replay, async |tx| {
        let mut change = Change { studio, tx, caller: &caller, organization };
        let outcomes = decide_all(&mut change, verdicts, origins).await?;
        let results = outcomes.into_iter().map(wire::result).collect();
        Ok::<_, Error>(pb::BatchDecideResponse { results })
    })
    .await?;
    studio.outbox.commit(tx).await?;
    Ok(reply)
}

pub(super) async fn batch_undo(
    studio: &Studio,
    caller: Caller,
    request: pb::BatchUndoDecisionsRequest,
) -> Result<pb::BatchUndoDecisionsResponse> {
    let organization = caller.organization()?;
    let replay =
        Replay::of(SCHEMA, organization, "BatchUndoDecisions", &request.request_id, &request)?;
    let ids: Vec<DecisionId> = ids(&request.decision_ids)?;
    let mut tx = studio.db.begin().await?;
    let reply = replay::once(&mut tx, &replay, async |tx| {
        let mut change = Change { studio, tx, caller: &caller, organization };
        let found = store::decision::find(&mut *change.tx, organization, &ids).await?;
        let shots: BTreeSet<_> = found.iter().map(|it| it.shot_id).collect();
        let batch = Batch::open(&mut change, &shots.into_iter().collect::<Vec<_>>()).await?;
        let outcomes = undo_all(&mut change, batch, &ids).await?;
        let results = outcomes.into_iter().map(wire::result).collect();
        Ok::<_, Error>(pb::BatchUndoDecisionsResponse { results })
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

/// Reads what is decided, each about another picture.
fn verdicts(inputs: Vec<pb::DecisionInput>, user_id: UserId) -> Result<Vec<Verdict>> {
    let (mut findings, mut first) = (Findings::default(), BTreeMap::new());
    let mut verdicts = Vec::with_capacity(inputs.len());
    for (nth, input) in inputs.into_iter().enumerate() {
        let path = format!("decisions[{nth}].");
        let verdict = wire::verdict(input, user_id, &path, &mut findings)?;
        let before = *first.entry(verdict.prediction_id).or_insert(nth);
        if before != nth {
            let sentence = format!("is that of `decisions[{before}]` already");
            findings.add(format!("{path}prediction_id"), sentence);
        }
        verdicts.push(verdict);
    }
    findings.end()?;
    Ok(verdicts)
}

async fn decide_one(
    change: &mut Change<'_>,
    verdict: Verdict,
    origins: Origins,
) -> Result<(Decision, Shot)> {
    only(decide_all(change, vec![verdict], origins).await?)
}

/// Decides as each of `verdicts` says, in their order.
async fn decide_all(
    change: &mut Change<'_>,
    verdicts: Vec<Verdict>,
    mut origins: Origins,
) -> Result<Vec<Outcome>> {
    let shots: BTreeSet<_> = origins.values().flatten().map(|it| it.shot).collect();
    let mut batch = Batch::open(change, &shots.into_iter().collect::<Vec<_>>()).await?;
    // Pictures may be decided on before their events have come.
    batch.ready(change, &origins).await?;
    let ids: Vec<_> = verdicts.iter().map(|it| it.prediction_id).collect();
    let earlier = store::decision::find_kinds(&mut *change.tx, change.organization, &ids).await?;
    let decided: Vec<_> = verdicts
        .into_iter()
        .map(|verdict| {
            let id = verdict.prediction_id;
            let missing = || Err(Error::NotFound(Noun::Prediction, vec![id.uuid()]));
            let origin = origins.remove(&id).unwrap_or_else(missing)?;
            batch.check_open(origin.shot)?;
            batch.decide(origin.shot, verdict, earlier.get(&id).copied())
        })
        .collect();
    outcomes(change, batch, decided).await
}

/// Undoes each of `ids`, in their order.
async fn undo_all(
    change: &mut Change<'_>,
    mut batch: Batch,
    ids: &[DecisionId],
) -> Result<Vec<Outcome>> {
    let organization = change.organization;
    let found = store::decision::find(&mut *change.tx, organization, ids).await?;
    let found: BTreeMap<_, _> = found.into_iter().map(|it| (it.id, it)).collect();
    let places = store::decision::find_places(&mut *change.tx, organization, ids).await?;
    let may_undo_all = matches!(change.caller.role, Some(Role::Owner | Role::Admin));
    let undone: Vec<_> = ids
        .iter()
        .map(|id| {
            let decision = found.get(id).zip(places.get(id));
            let missing = || Error::NotFound(Noun::Decision, vec![id.uuid()]);
            let (decision, place) = decision.ok_or_else(missing)?;
            batch.check_open(decision.shot_id)?;
            if change.caller.user_id != Some(decision.user_id) && !may_undo_all {
                return Err(Error::DecisionOfAnother);
            }
            batch.undo(decision, *place)
        })
        .collect();
    outcomes(change, batch, undone).await
}

/// Writes `batch`, and says what became of each item of it.
async fn outcomes(
    change: &mut Change<'_>,
    batch: Batch,
    items: Vec<Result<DecisionId>>,
) -> Result<Vec<Outcome>> {
    let mut written = batch.write(change).await?;
    let mut outcome = |id| written.remove(&id).expect("what a batch did not refuse, it wrote");
    Ok(items.into_iter().map(|it| it.map(&mut outcome)).collect())
}

/// Returns what became of the only item.
fn only(outcomes: Vec<Outcome>) -> Outcome {
    outcomes.into_iter().next().expect("one was asked for")
}
