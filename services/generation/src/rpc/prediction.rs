//! Prediction RPCs.

use api::sartiq::generation::v1 as pb;
use events::{Connection, Draft};
use pg::Page;
use pg::replay::{self, Replay};
use server::Caller;
use types::id::{OrganizationId, PredictionId, ShootingId, ShotId};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::prediction::{Prediction, State};
use crate::rpc::{event, wire};
use crate::store::prediction::Scope;
use crate::{Generation as Service, SCHEMA, jobs, store};

pub(super) async fn get(
    service: &Service,
    caller: Caller,
    request: pb::GetPredictionRequest,
) -> Result<pb::GetPredictionResponse> {
    let id: PredictionId = request.id.parse()?;
    let found = store::prediction::find(&service.db, caller.organization()?, &[id]).await?;
    let prediction = found.first().ok_or(Error::PredictionNotFound(id))?;
    Ok(pb::GetPredictionResponse { prediction: Some(wire::prediction(prediction)) })
}

pub(super) async fn batch_get(
    service: &Service,
    caller: Caller,
    request: pb::BatchGetPredictionsRequest,
) -> Result<pb::BatchGetPredictionsResponse> {
    let ids: Vec<PredictionId> =
        request.ids.iter().map(|it| it.parse()).collect::<Result<_, _>>()?;
    let found = store::prediction::find(&service.db, caller.organization()?, &ids).await?;
    let (mut predictions, mut missing) = (Vec::with_capacity(ids.len()), Vec::new());
    for id in ids {
        match found.iter().find(|it| it.id == id) {
            Some(prediction) => predictions.push(wire::prediction(prediction)),
            None => missing.push(id),
        }
    }
    if !missing.is_empty() {
        return Err(Error::PredictionsNotFound(missing));
    }
    Ok(pb::BatchGetPredictionsResponse { predictions })
}

pub(super) async fn list(
    service: &Service,
    caller: Caller,
    request: pb::ListPredictionsRequest,
) -> Result<pb::ListPredictionsResponse> {
    let organization = caller.organization()?;
    let mut wrong = Vec::new();
    let shot = wire::optional_id("shot_id", &request.shot_id, &mut wrong).map(ShotId::from);
    let shooting =
        wire::optional_id("shooting_id", &request.shooting_id, &mut wrong).map(ShootingId::from);
    let scope = match (shot, shooting) {
        (Some(shot), _) => Some(Scope::Shot { shot, shooting }),
        (None, shooting) => shooting.map(Scope::Shooting),
    };
    if wrong.is_empty() && scope.is_none() {
        wrong.push(("shot_id".to_owned(), "is required unless `shooting_id` is set".to_owned()));
    }
    let (Some(scope), true) = (scope, wrong.is_empty()) else {
        return Err(Error::Fields(wrong));
    };
    let arguments = ("prediction", organization, shot, shooting);
    let page = Page::parse(request.page_size, &request.page_token, arguments)?;
    let (before, limit) = (page.after()?.unwrap_or(Uuid::max()), page.limit());
    let found = store::prediction::list(&service.db, organization, scope, before, limit).await?;
    let (found, next_page_token) = page.cut(found, |it| vec![it.id]);
    let predictions = found.iter().map(wire::prediction).collect();
    Ok(pb::ListPredictionsResponse { predictions, next_page_token })
}

pub(super) async fn cancel(
    service: &Service,
    caller: Caller,
    request: pb::CancelPredictionRequest,
) -> Result<pb::CancelPredictionResponse> {
    let organization = caller.organization()?;
    let id: PredictionId = request.id.parse()?;
    let method = "CancelPrediction";
    let replay = Replay::of(SCHEMA, organization, method, &request.request_id, &request)?;
    let mut tx = service.db.begin().await?;
    let reply = replay::once(&mut tx, &replay, async |tx| {
        let found = find(&mut *tx, organization, id).await?;
        store::generation::lock(&mut *tx, found.generation_id).await?;
        // Again, for it may have changed before the lock was held.
        let before = find(&mut *tx, organization, id).await?;
        if before.state != State::Cancelled {
            if !before.state.may_become(State::Cancelled) {
                return Err(Error::PredictionFinal(before.state));
            }
            let told = stop(service, &mut *tx, organization, &before).await?;
            let told: Vec<_> = told.into_iter().map(|it| it.caused_by(&caller)).collect();
            service.outbox.publish(&mut *tx, &told).await?;
        }
        let now = find(&mut *tx, organization, id).await?;
        Ok(pb::CancelPredictionResponse { prediction: Some(wire::prediction(&now)) })
    })
    .await?;
    service.outbox.commit(tx).await?;
    service.queue.poke();
    if let Some(prediction) = &reply.prediction {
        service.changed(prediction.generation_id.parse()?);
    }
    Ok(reply)
}

/// Cancels a prediction whose generation is locked, and ends that with the last one. Answers what is
/// to be told of it.
async fn stop(
    service: &Service,
    db: &mut Connection,
    organization: OrganizationId,
    prediction: &Prediction,
) -> Result<Vec<Draft>> {
    let (id, index) = (prediction.generation_id, prediction.index);
    let found = store::generation::find(&mut *db, organization, &[id]).await?;
    let generation = found.first().ok_or(Error::GenerationNotFound(id))?;
    store::prediction::set_state(&mut *db, id, index, State::Cancelled, None).await?;
    service.queue.enqueue(&mut *db, &jobs::Cancel::new(id)).await?;
    let mut told = vec![event::cancelled(generation, prediction.id, index)];
    told.extend(jobs::settle(service, db, generation).await?);
    Ok(told)
}

async fn find(
    db: &mut Connection,
    organization: OrganizationId,
    id: PredictionId,
) -> Result<Prediction> {
    let found = store::prediction::find(db, organization, &[id]).await?;
    found.into_iter().next().ok_or(Error::PredictionNotFound(id))
}
