//! Shot type RPCs.

use api::sartiq::catalog::v1 as pb;
use pg::Page;
use pg::replay::{self, Replay};
use server::{Caller, timestamp};
use types::Mask;
use types::id::ShotTypeId;

use crate::batch;
use crate::error::{Error, Result};
use crate::rpc::ids;
use crate::shot_type::{Content, Origin, ShotType};
use crate::{Catalog, SCHEMA, store};

pub(super) async fn create(
    catalog: &Catalog,
    caller: Caller,
    request: pb::CreateShotTypeRequest,
) -> Result<pb::CreateShotTypeResponse> {
    let organization = caller.organization()?;
    let replay = Replay::of(SCHEMA, organization, "CreateShotType", &request.request_id, &request)?;
    let content = content(request.shot_type.unwrap_or_default());
    content.check()?;
    let mut tx = catalog.db.begin().await?;
    let reply = replay::once(&mut tx, &replay, async |tx| {
        check_code(tx, &content).await?;
        let shot_type =
            store::shot_type::insert(tx, organization, ShotTypeId::generate(), &content).await?;
        Ok::<_, Error>(pb::CreateShotTypeResponse { shot_type: Some(shot_type.into()) })
    })
    .await?;
    tx.commit().await?;
    Ok(reply)
}

pub(super) async fn get(
    catalog: &Catalog,
    caller: Caller,
    request: pb::GetShotTypeRequest,
) -> Result<pb::GetShotTypeResponse> {
    let id = request.id.parse()?;
    let found = store::shot_type::find(&catalog.db, caller.organization()?, &[id]).await?;
    Ok(pb::GetShotTypeResponse { shot_type: Some(batch::one(id, found)?.into()) })
}

pub(super) async fn batch_get(
    catalog: &Catalog,
    caller: Caller,
    request: pb::BatchGetShotTypesRequest,
) -> Result<pb::BatchGetShotTypesResponse> {
    let ids: Vec<ShotTypeId> = ids(&request.ids)?;
    let found = store::shot_type::find(&catalog.db, caller.organization()?, &ids).await?;
    let shot_types = batch::in_order(&ids, &found, |it| it.id)?;
    Ok(pb::BatchGetShotTypesResponse {
        shot_types: shot_types.into_iter().map(Into::into).collect(),
    })
}

pub(super) async fn list(
    catalog: &Catalog,
    caller: Caller,
    request: pb::ListShotTypesRequest,
) -> Result<pb::ListShotTypesResponse> {
    let organization = caller.organization()?;
    let page = Page::parse(request.page_size, &request.page_token, ("shot_type", organization))?;
    let found = store::shot_type::list(&catalog.db, organization, &page).await?;
    let (shot_types, next_page_token) = page.cut(found, |it| {
        // The two columns that the list is sorted by.
        vec![(it.origin == Origin::System).to_string(), it.id.to_string()]
    });
    let shot_types = shot_types.into_iter().map(Into::into).collect();
    Ok(pb::ListShotTypesResponse { shot_types, next_page_token })
}

pub(super) async fn update(
    catalog: &Catalog,
    caller: Caller,
    request: pb::UpdateShotTypeRequest,
) -> Result<pb::UpdateShotTypeResponse> {
    let organization = caller.organization()?;
    let replay = Replay::of(SCHEMA, organization, "UpdateShotType", &request.request_id, &request)?;
    let id: ShotTypeId = request.id.parse()?;
    let mask = Mask::parse(&request.update_mask.unwrap_or_default().paths, Content::FIELDS)?;
    let new = content(request.shot_type.unwrap_or_default());
    let mut tx = catalog.db.begin().await?;
    let reply = replay::once(&mut tx, &replay, async |tx| {
        let mut shot_type = store::shot_type::lock(&mut *tx, organization, id).await?;
        shot_type.check_changeable()?;
        shot_type.version.check(&request.etag)?;
        if shot_type.content.apply(new, &mask) {
            shot_type.content.check()?;
            check_code(tx, &shot_type.content).await?;
            shot_type = store::shot_type::update(tx, organization, id, &shot_type.content).await?;
        }
        Ok::<_, Error>(pb::UpdateShotTypeResponse { shot_type: Some(shot_type.into()) })
    })
    .await?;
    tx.commit().await?;
    Ok(reply)
}

/// Fails if the system set uses the code: it is read by everybody, and one code is one thing.
async fn check_code(tx: &mut store::Transaction, content: &Content) -> Result<()> {
    match store::shot_type::is_system_code(tx, &content.code).await? {
        true => Err(Error::CodeTaken(content.code.clone())),
        false => Ok(()),
    }
}

fn content(input: pb::ShotTypeInput) -> Content {
    let content = Content {
        code: input.code,
        name: input.name.trim().to_owned(),
        framing: input.framing.trim().to_owned(),
        angle: input.angle.trim().to_owned(),
        pose: input.pose.trim().to_owned(),
        width_px: input.width_px,
        height_px: input.height_px,
        default_variants: input.default_variants,
    };
    content.complete()
}

impl From<ShotType> for pb::ShotType {
    fn from(shot_type: ShotType) -> Self {
        let content = shot_type.content;
        Self {
            id: shot_type.id.into(),
            etag: shot_type.version.etag(),
            code: content.code,
            name: content.name,
            framing: content.framing,
            angle: content.angle,
            pose: content.pose,
            width_px: content.width_px,
            height_px: content.height_px,
            default_variants: content.default_variants,
            system: shot_type.origin == Origin::System,
            create_time: Some(timestamp(shot_type.created_at)),
            update_time: Some(timestamp(shot_type.updated_at)),
        }
    }
}
