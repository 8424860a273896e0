//! Decisions: one picture of each shot is approved, a second one rejected, and one decision undone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use api::sartiq::generation::v1::Prediction;
use api::sartiq::shooting::v1::review_service_client::ReviewServiceClient;
use api::sartiq::shooting::v1::shot_service_client::ShotServiceClient;
use api::sartiq::shooting::v1::{
    ApprovePredictionRequest, GetShotRequest, RejectPredictionRequest, RejectReason,
    RevisePredictionRequest, UndoDecisionRequest, shot,
};

use crate::client::{Client, request_id};

/// The predictions of each shot, in the order they were made.
pub(crate) fn by_shot(predictions: &[Prediction]) -> BTreeMap<String, Vec<Prediction>> {
    let mut shots = BTreeMap::<_, Vec<_>>::new();
    for prediction in predictions {
        shots.entry(prediction.shot_id.clone()).or_default().push(prediction.clone());
    }
    shots
}

/// Saves each picture under its shot and index.
pub(crate) async fn save(
    client: &Client,
    predictions: &[Prediction],
    folder: &Path,
) -> Result<Vec<PathBuf>> {
    tokio::fs::create_dir_all(folder).await?;
    let mut saved = Vec::new();
    for prediction in predictions {
        let bytes = client.download(&format!("/files/{}", prediction.media_id)).await?;
        let kind = pixels::sniff(&bytes).context("the mesh served something that is no picture")?;
        let name = format!("{}_{}.{}", prediction.shot_id, prediction.index + 1, kind.extension());
        let path = folder.join(name);
        tokio::fs::write(&path, &bytes).await?;
        saved.push(path);
    }
    Ok(saved)
}

/// Asks for a revision of the first picture. Answers the generation that makes it.
pub(crate) async fn revise(client: &Client, prediction: &Prediction, note: &str) -> Result<String> {
    let mut reviews = ReviewServiceClient::new(client.signed.clone());
    let request = RevisePredictionRequest {
        request_id: request_id(),
        prediction_id: prediction.id.clone(),
        note: note.to_owned(),
    };
    Ok(reviews.revise_prediction(request).await?.into_inner().generation_id)
}

/// Decides on every shot. Answers how many pictures were approved.
pub(crate) async fn decide(client: &Client, predictions: &[Prediction]) -> Result<usize> {
    let mut reviews = ReviewServiceClient::new(client.signed.clone());
    let shots = by_shot(predictions);
    for (number, (shot_id, pictures)) in shots.iter().enumerate() {
        let (first, rest) = pictures.split_first().context("a shot without pictures")?;
        for picture in rest {
            let request = RejectPredictionRequest {
                request_id: request_id(),
                prediction_id: picture.id.clone(),
                reason: RejectReason::Composition.into(),
                note: "one picture is enough".to_owned(),
            };
            reviews.reject_prediction(request).await?;
        }
        reviews.approve_prediction(approve(first)).await?;
        if number == 0 {
            // Everything can be taken back.
            let undo = UndoDecisionRequest { request_id: request_id(), shot_id: shot_id.clone() };
            reviews.undo_decision(undo).await?;
            reviews.approve_prediction(approve(first)).await?;
        }
        let mut service = ShotServiceClient::new(client.signed.clone());
        let request = GetShotRequest { id: shot_id.clone() };
        let shot = service.get_shot(request).await?.into_inner().shot.context("no shot")?;
        anyhow::ensure!(
            shot.state() == shot::State::Approved && shot.selected_prediction_id == first.id,
            "shot {shot_id} is not approved with the chosen picture"
        );
    }
    Ok(shots.len())
}

fn approve(prediction: &Prediction) -> ApprovePredictionRequest {
    ApprovePredictionRequest { request_id: request_id(), prediction_id: prediction.id.clone() }
}
