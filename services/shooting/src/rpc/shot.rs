//! Shot RPCs.

use std::collections::BTreeSet;

use api::sartiq::shooting::v1 as pb;
use pg::Page;
use server::Caller;
use types::id::{ShootingId, ShotId};

use crate::error::{Error, Noun, Result};
use crate::rpc::{ids, wire};
use crate::{Studio, store};

pub(super) async fn get(
    studio: &Studio,
    caller: Caller,
    request: pb::GetShotRequest,
) -> Result<pb::GetShotResponse> {
    let id = request.id.parse()?;
    let shot = store::shot::find_one(&studio.db, caller.organization()?, id).await?;
    Ok(pb::GetShotResponse { shot: Some(shot.into()) })
}

pub(super) async fn batch_get(
    studio: &Studio,
    caller: Caller,
    request: pb::BatchGetShotsRequest,
) -> Result<pb::BatchGetShotsResponse> {
    let organization = caller.organization()?;
    let ids: Vec<ShotId> = ids(&request.ids)?;
    let found = store::shot::find(&studio.db, organization, &ids).await?;
    let (mut shots, mut missing) = (Vec::new(), Vec::new());
    for id in &ids {
        match found.iter().find(|it| it.id == *id) {
            Some(shot) => shots.push(shot.clone()),
            None => missing.push(id.uuid()),
        }
    }
    if !missing.is_empty() {
        return Err(Error::NotFound(Noun::Shot, missing));
    }
    let looks: BTreeSet<_> = shots.iter().map(|it| it.look_id).collect();
    let looks: Vec<_> = looks.into_iter().collect();
    let looks = store::look::find(&studio.db, organization, &looks).await?;
    Ok(pb::BatchGetShotsResponse {
        shots: shots.into_iter().map(Into::into).collect(),
        looks: looks.into_iter().map(Into::into).collect(),
    })
}

pub(super) async fn list(
    studio: &Studio,
    caller: Caller,
    request: pb::ListShotsRequest,
) -> Result<pb::ListShotsResponse> {
    let organization = caller.organization()?;
    let shooting: ShootingId = request.shooting_id.parse()?;
    let state = wire::filter(request.state());
    store::shooting::find_one(&studio.db, organization, shooting).await?;
    let arguments = ("shot", organization, shooting, request.state);
    let page = Page::parse(request.page_size, &request.page_token, arguments)?;
    let found = store::shot::list(&studio.db, organization, shooting, state, &page).await?;
    let (shots, next_page_token) = page.cut(found, |it| {
        // The two columns that the list is sorted by.
        vec![it.look_id.to_string(), it.position.to_string()]
    });
    let shots = shots.into_iter().map(Into::into).collect();
    Ok(pb::ListShotsResponse { shots, next_page_token })
}
