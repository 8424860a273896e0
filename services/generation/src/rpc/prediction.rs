//! Prediction RPCs.

use api::sartiq::generation::v1 as pb;
use pg::Page;
use server::Caller;
use types::id::{PredictionId, ShotId};

use crate::error::{Error, Result};
use crate::rpc::wire;
use crate::{Generation as Service, store};

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
    let predictions = ids.iter().map(|id| {
        let prediction = found.iter().find(|it| it.id == *id);
        prediction.map(wire::prediction).ok_or(Error::PredictionNotFound(*id))
    });
    Ok(pb::BatchGetPredictionsResponse { predictions: predictions.collect::<Result<_>>()? })
}

pub(super) async fn list(
    service: &Service,
    caller: Caller,
    request: pb::ListPredictionsRequest,
) -> Result<pb::ListPredictionsResponse> {
    let organization = caller.organization()?;
    let shot: ShotId = request.shot_id.parse()?;
    let arguments = ("prediction", organization, shot);
    let page = Page::parse(request.page_size, &request.page_token, arguments)?;
    let found =
        store::prediction::of_shot(&service.db, organization, shot, page.after()?, page.limit())
            .await?;
    let (found, next_page_token) = page.cut(found, |it| vec![it.id]);
    let predictions = found.iter().map(wire::prediction).collect();
    Ok(pb::ListPredictionsResponse { predictions, next_page_token })
}
