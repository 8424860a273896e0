//! The pictures that requests name, as generation knows them.

use std::collections::BTreeMap;

use api::sartiq::generation::v1::prediction::State;
use api::sartiq::generation::v1::{BatchGetPredictionsRequest, Prediction};
use server::Caller;
use tonic::{Code, Status};
use tonic_types::StatusExt;
use types::id::{GenerationId, PredictionId, ShotId};

use crate::error::{Error, Noun, Result};
use crate::{Studio, store};

/// How many pictures generation gives at a time.
const BATCH: usize = 100;

/// What a picture is of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin {
    pub(super) shot: ShotId,
    /// None if an event told of the picture before.
    pub(super) generation: Option<GenerationId>,
}

/// What each picture is of. None of those that are not there or not ready.
pub(super) type Origins = BTreeMap<PredictionId, Result<Origin>>;

/// Finds what each of `ids` is of, and which of them are not there or not ready.
///
/// Fails only where generation cannot say.
pub(super) async fn find(
    studio: &Studio,
    caller: &Caller,
    ids: &[PredictionId],
) -> Result<Origins> {
    // Events told of these already: what is ready stays ready, so there is no need to ask.
    let known = store::prediction::find_shots(&studio.db, caller.organization()?, ids).await?;
    let unknown: Vec<_> = ids.iter().filter(|it| !known.contains_key(it)).copied().collect();
    let known = known.into_iter().map(|(id, shot)| (id, Ok(Origin { shot, generation: None })));
    let mut origins: Origins = known.collect();
    for ids in unknown.chunks(BATCH) {
        let mut found = BTreeMap::new();
        for prediction in ask(studio, caller, ids).await? {
            found.insert(prediction.id.parse::<PredictionId>()?, prediction);
        }
        for id in ids {
            origins.insert(*id, origin(*id, found.get(id))?);
        }
    }
    Ok(origins)
}

/// Says what a picture is of. Fails only where generation says it in a way that cannot be read.
fn origin(id: PredictionId, found: Option<&Prediction>) -> Result<Result<Origin>> {
    Ok(match found {
        Some(prediction) if prediction.state() == State::Ready => Ok(Origin {
            shot: prediction.shot_id.parse()?,
            generation: Some(prediction.generation_id.parse()?),
        }),
        Some(_) => Err(Error::PredictionNotReady(id)),
        None => Err(Error::NotFound(Noun::Prediction, vec![id.uuid()])),
    })
}

/// Asks generation for those of `ids` that it has.
async fn ask(studio: &Studio, caller: &Caller, ids: &[PredictionId]) -> Result<Vec<Prediction>> {
    let mut ids = ids.to_vec();
    while !ids.is_empty() {
        let request =
            BatchGetPredictionsRequest { ids: ids.iter().map(PredictionId::to_string).collect() };
        let mut client = studio.predictions.clone();
        match client.batch_get_predictions(caller.call(request)).await {
            Ok(reply) => return Ok(reply.into_inner().predictions),
            // It gives all or none, so it is asked again for the others.
            Err(status) => {
                let missing = missing(&status);
                let n_asked = ids.len();
                ids.retain(|it| !missing.contains(it));
                if ids.len() == n_asked {
                    return Err(Error::of_generation(status));
                }
            }
        }
    }
    Ok(Vec::new())
}

/// Returns the pictures that generation says it does not have.
fn missing(status: &Status) -> Vec<PredictionId> {
    if status.code() != Code::NotFound {
        return Vec::new();
    }
    let info = status.get_details_error_info();
    let text = info.and_then(|it| it.metadata.get("ids").cloned()).unwrap_or_default();
    text.split(',').filter_map(|it| it.parse().ok()).collect()
}
