//! The gate: only what is approved goes out, whatever a caller says.

use std::collections::HashMap;
use std::future::Future;

use api::sartiq::generation::v1::BatchGetPredictionsRequest;
use api::sartiq::media::v1::{BatchGetMediaRequest, Media};
use api::sartiq::shooting::v1::shot::State as ShotState;
use api::sartiq::shooting::v1::{BatchGetShotsRequest, ListShotsRequest, Look, Shot};
use futures::{StreamExt, TryStreamExt, stream};
use pixels::Kind;
use server::Caller;
use types::id::{ExportItemId, ShootingId, ShotId};

use crate::Delivery;
use crate::error::{Error, Result};
use crate::filename::Names;
use crate::format::Format;
use crate::item::{Item, State};

/// How many are asked for at a time.
const BATCH: usize = 100;

/// How many batches are asked for at the same time.
const AT_ONCE: usize = 4;

/// How many shots one export may have.
const MOST: usize = 5000;

/// Returns the items of an export of the approved shots of a shooting: of those that are `named`, or of all.
pub(super) async fn pass(
    delivery: &Delivery,
    caller: &Caller,
    shooting: ShootingId,
    named: &[ShotId],
    format: Format,
) -> Result<Vec<Item>> {
    let ids: Vec<String> = match named {
        [] => approved(delivery, caller, shooting).await?,
        named => named.iter().map(|it| it.to_string()).collect(),
    };
    let (shots, looks) = shots(delivery, caller, &ids).await?;
    let is_approved = |it: &Shot| {
        it.shooting_id == shooting.to_string()
            && it.state() == ShotState::Approved
            && !it.selected_prediction_id.is_empty()
    };
    if !named.is_empty() {
        let at_fault = shots.iter().zip(named).enumerate().filter(|(_, (it, _))| !is_approved(it));
        let at_fault: Vec<_> = at_fault.map(|(index, (_, id))| (index, *id)).collect();
        if !at_fault.is_empty() {
            return Err(Error::ShotNotApproved(at_fault));
        }
    }
    // Of all shots, one may have been undone since they were listed.
    let shots: Vec<Shot> = shots.into_iter().filter(is_approved).collect();
    if shots.is_empty() {
        return Err(Error::NothingApproved);
    }
    let pictures = pictures(delivery, caller, &shots).await?;
    let mut names = Names::default();
    let mut items = Vec::with_capacity(shots.len());
    for (shot, media) in shots.iter().zip(pictures) {
        let look = looks.get(&shot.look_id);
        let position = look.and_then(|look| {
            look.shot_type_ids.iter().position(|shot_type| *shot_type == shot.shot_type_id)
        });
        let name = look.map_or("look", |it| it.name.as_str());
        let made = Kind::from_media_type(&media.media_type).unwrap_or(Kind::Png);
        let extension = format.of(made).extension();
        items.push(Item {
            id: ExportItemId::generate(),
            shot_id: shot.id.parse()?,
            prediction_id: shot.selected_prediction_id.parse()?,
            media_id: media.id.parse()?,
            filename: names.take(name, position.unwrap_or_default() + 1, extension),
            state: State::Pending,
            attempt_count: 0,
            forgiven_count: 0,
            problem: String::new(),
            prepared: None,
            receipt: None,
        });
    }
    Ok(items)
}

/// Lists the approved shots of a shooting.
async fn approved(
    delivery: &Delivery,
    caller: &Caller,
    shooting: ShootingId,
) -> Result<Vec<String>> {
    let mut client = delivery.clients.shots.clone();
    let mut ids = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListShotsRequest {
            shooting_id: shooting.into(),
            page_size: 200,
            page_token,
            state: ShotState::Approved.into(),
        };
        let page = client.list_shots(caller.call(request)).await?.into_inner();
        ids.extend(page.shots.into_iter().map(|it| it.id));
        if MOST < ids.len() {
            let sentence = format!("must name the shots: the shooting has more than {MOST}");
            return Err(Error::field("shot_ids", sentence));
        }
        if page.next_page_token.is_empty() {
            return Ok(ids);
        }
        page_token = page.next_page_token;
    }
}

/// Reads shots, in the order of `ids`, and their looks.
async fn shots(
    delivery: &Delivery,
    caller: &Caller,
    ids: &[String],
) -> Result<(Vec<Shot>, HashMap<String, Look>)> {
    let replies = batches(ids, |ids| async move {
        let mut client = delivery.clients.shots.clone();
        Ok(client.batch_get_shots(caller.call(BatchGetShotsRequest { ids })).await?.into_inner())
    })
    .await?;
    let mut shots = Vec::with_capacity(ids.len());
    let mut looks = HashMap::new();
    for reply in replies {
        shots.extend(reply.shots);
        looks.extend(reply.looks.into_iter().map(|it| (it.id.clone(), it)));
    }
    Ok((shots, looks))
}

/// Reads the pictures that were approved, in the order of `shots`.
async fn pictures(delivery: &Delivery, caller: &Caller, shots: &[Shot]) -> Result<Vec<Media>> {
    let ids: Vec<_> = shots.iter().map(|it| it.selected_prediction_id.clone()).collect();
    let replies = batches(&ids, |ids| async move {
        let mut client = delivery.clients.predictions.clone();
        let call = caller.call(BatchGetPredictionsRequest { ids });
        Ok(client.batch_get_predictions(call).await?.into_inner().predictions)
    })
    .await?;
    let ids: Vec<_> = replies.into_iter().flatten().map(|it| it.media_id).collect();
    let replies = batches(&ids, |ids| async move {
        let mut client = delivery.clients.media.clone();
        let call = caller.call(BatchGetMediaRequest { ids });
        Ok(client.batch_get_media(call).await?.into_inner().media)
    })
    .await?;
    Ok(replies.into_iter().flatten().collect())
}

/// Asks for many in batches, and returns the answers in their order.
async fn batches<R, F>(ids: &[String], ask: impl Fn(Vec<String>) -> F) -> Result<Vec<R>>
where
    F: Future<Output = Result<R>>,
{
    let asked: Vec<F> = ids.chunks(BATCH).map(|chunk| ask(chunk.to_vec())).collect();
    stream::iter(asked).buffered(AT_ONCE).try_collect().await
}
