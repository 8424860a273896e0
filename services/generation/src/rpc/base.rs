//! What revisions start from.

use api::sartiq::generation::v1 as pb;
use server::Caller;
use types::id::PredictionId;

use crate::error::{Error, Result};
use crate::{Generation as Service, store};

/// The predictions that `inputs` revise, and the pictures to start from.
pub(super) async fn bases(
    service: &Service,
    caller: &Caller,
    inputs: &[pb::GenerationInput],
    path: &impl Fn(usize) -> String,
) -> Result<Vec<Option<(PredictionId, String)>>> {
    let (mut wanted, mut wrong) = (Vec::new(), Vec::new());
    for (index, input) in inputs.iter().enumerate() {
        let mut complain = |name: &str, sentence: &str| {
            wrong.push((format!("{}.{name}", path(index)), sentence.to_owned()));
        };
        let parent = match input.parent_prediction_id.as_str() {
            "" => None,
            id => match id.parse::<PredictionId>() {
                Ok(id) => Some(id),
                Err(_) => {
                    complain("parent_prediction_id", "is not an id");
                    None
                }
            },
        };
        match (input.parent_prediction_id.is_empty(), input.note.trim().is_empty()) {
            (true, false) => {
                complain("note", "belongs to a revision; name the prediction to revise");
            }
            (false, true) => complain("note", "is required for a revision"),
            _ => (),
        }
        wanted.push(parent);
    }
    if !wrong.is_empty() {
        return Err(Error::Fields(wrong));
    }
    let ids: Vec<_> = wanted.iter().flatten().copied().collect();
    let found = match ids.is_empty() {
        true => Vec::new(),
        false => store::prediction::find(&service.db, caller.organization()?, &ids).await?,
    };
    let mut bases = Vec::new();
    for (index, id) in wanted.into_iter().enumerate() {
        let Some(id) = id else {
            bases.push(None);
            continue;
        };
        let base = found.iter().find(|it| it.id == id).ok_or(Error::PredictionNotFound(id))?;
        let mut complain = |sentence: &str| {
            wrong.push((format!("{}.parent_prediction_id", path(index)), sentence.to_owned()));
        };
        match base.media_id {
            _ if base.shot_id.to_string() != inputs[index].shot_id => {
                complain("is a prediction of another shot");
            }
            None => complain("is not ready"),
            Some(media) => bases.push(Some((id, media.to_string()))),
        }
    }
    if wrong.is_empty() { Ok(bases) } else { Err(Error::Fields(wrong)) }
}
