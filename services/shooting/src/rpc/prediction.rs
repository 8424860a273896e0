//! The pictures that requests name, as generation knows them.

use api::sartiq::generation::v1::GetPredictionRequest;
use api::sartiq::generation::v1::prediction::State;
use server::Caller;
use tonic::Code;
use types::id::{GenerationId, PredictionId, ShotId};

use crate::error::{Error, Noun, Result};
use crate::{Studio, store};

/// What a picture is of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin {
    pub(super) shot: ShotId,
    /// None if an event told of the picture before.
    pub(super) generation: Option<GenerationId>,
}

/// Finds what a picture is of. Fails unless it is there and ready.
pub(super) async fn find(studio: &Studio, caller: &Caller, id: PredictionId) -> Result<Origin> {
    // An event told of it already: what is ready stays ready, so there is no need to ask.
    let known = store::prediction::find_shot(&studio.db, caller.organization()?, id).await?;
    if let Some(shot) = known {
        return Ok(Origin { shot, generation: None });
    }
    let request = caller.call(GetPredictionRequest { id: id.into() });
    let prediction = match studio.predictions.clone().get_prediction(request).await {
        Ok(reply) => reply.into_inner().prediction.unwrap_or_default(),
        Err(status) if status.code() == Code::NotFound => {
            return Err(Error::NotFound(Noun::Prediction, vec![id.uuid()]));
        }
        Err(status) => return Err(Error::of_generation(status)),
    };
    match prediction.state() {
        State::Ready => Ok(Origin {
            shot: prediction.shot_id.parse()?,
            generation: Some(prediction.generation_id.parse()?),
        }),
        _ => Err(Error::PredictionNotReady(id)),
    }
}
