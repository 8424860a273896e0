//! Decisions: one picture of each shot is approved, the others rejected, and one decision undone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use api::sartiq::generation::v1::Prediction;
use api::sartiq::shooting::v1::decision::Kind;
use api::sartiq::shooting::v1::review_service_client::ReviewServiceClient;
use api::sartiq::shooting::v1::shot_service_client::ShotServiceClient;
use api::sartiq::shooting::v1::{
    BatchDecideRequest, DecisionInput, DecisionResult, GetShotRequest, RejectReason,
    RevisePredictionRequest, UndoDecisionRequest, shot,
};

use crate::client::{Client, Signed, request_id};

/// How many decisions a call takes.
const BATCH: usize = 500;

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
    let mut decisions = Vec::new();
    for pictures in shots.values() {
        let (first, rest) = pictures.split_first().context("a shot without pictures")?;
        decisions.extend(rest.iter().map(|it| input(it, Kind::Reject)));
        decisions.push(input(first, Kind::Approve));
    }
    let mut made = Vec::new();
    for decisions in decisions.chunks(BATCH) {
        made.extend(batch(&mut reviews, decisions).await?);
    }
    // Everything can be taken back.
    let last = made.last().and_then(|it| it.decision.as_ref()).context("nothing to decide on")?;
    let undo = UndoDecisionRequest { request_id: request_id(), shot_id: last.shot_id.clone() };
    reviews.undo_decision(undo).await?;
    batch(&mut reviews, decisions.last().map(std::slice::from_ref).unwrap_or_default()).await?;

    let mut service = ShotServiceClient::new(client.signed.clone());
    for (shot_id, pictures) in &shots {
        let request = GetShotRequest { id: shot_id.clone() };
        let shot = service.get_shot(request).await?.into_inner().shot.context("no shot")?;
        anyhow::ensure!(
            shot.state() == shot::State::Approved
                && pictures.first().is_some_and(|it| it.id == shot.selected_prediction_id),
            "shot {shot_id} is not approved with the chosen picture"
        );
    }
    Ok(shots.len())
}

/// Makes decisions in one call. Fails if one of them is refused.
async fn batch(
    reviews: &mut ReviewServiceClient<Signed>,
    decisions: &[DecisionInput],
) -> Result<Vec<DecisionResult>> {
    let request = BatchDecideRequest { request_id: request_id(), decisions: decisions.to_vec() };
    let results = reviews.batch_decide(request).await?.into_inner().results;
    if let Some(error) = results.iter().find_map(|it| it.error.as_ref()) {
        anyhow::bail!("{}", error.message);
    }
    Ok(results)
}

fn input(prediction: &Prediction, kind: Kind) -> DecisionInput {
    let (reason, note) = match kind {
        Kind::Reject => (RejectReason::Composition, "one picture is enough"),
        _ => (RejectReason::Unspecified, ""),
    };
    DecisionInput {
        prediction_id: prediction.id.clone(),
        kind: kind.into(),
        reason: reason.into(),
        note: note.to_owned(),
    }
}
