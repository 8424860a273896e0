//! Guideline RPCs.

use api::sartiq::catalog::v1 as pb;
use pg::Page;
use pg::replay::{self, Replay};
use server::{Caller, timestamp};
use types::Mask;
use types::id::GuidelineId;

use crate::batch;
use crate::error::{Error, Result};
use crate::guideline::{Content, Guideline};
use crate::rpc::ids;
use crate::{Catalog, SCHEMA, store};

pub(super) async fn create(
    catalog: &Catalog,
    caller: Caller,
    request: pb::CreateGuidelineRequest,
) -> Result<pb::CreateGuidelineResponse> {
    let organization = caller.organization()?;
    let replay =
        Replay::of(SCHEMA, organization, "CreateGuideline", &request.request_id, &request)?;
    let content = content(request.guideline.unwrap_or_default());
    content.check()?;
    let mut tx = catalog.db.begin().await?;
    let reply = replay::once(&mut tx, &replay, async |tx| {
        let guideline =
            store::guideline::insert(tx, organization, GuidelineId::generate(), &content).await?;
        Ok::<_, Error>(pb::CreateGuidelineResponse { guideline: Some(guideline.into()) })
    })
    .await?;
    tx.commit().await?;
    Ok(reply)
}

pub(super) async fn get(
    catalog: &Catalog,
    caller: Caller,
    request: pb::GetGuidelineRequest,
) -> Result<pb::GetGuidelineResponse> {
    let id = request.id.parse()?;
    let found = store::guideline::find(&catalog.db, caller.organization()?, &[id]).await?;
    Ok(pb::GetGuidelineResponse { guideline: Some(batch::one(id, found)?.into()) })
}

pub(super) async fn batch_get(
    catalog: &Catalog,
    caller: Caller,
    request: pb::BatchGetGuidelinesRequest,
) -> Result<pb::BatchGetGuidelinesResponse> {
    let ids: Vec<GuidelineId> = ids(&request.ids)?;
    let found = store::guideline::find(&catalog.db, caller.organization()?, &ids).await?;
    let guidelines = batch::in_order(&ids, &found, |it| it.id)?;
    Ok(pb::BatchGetGuidelinesResponse {
        guidelines: guidelines.into_iter().map(Into::into).collect(),
    })
}

pub(super) async fn list(
    catalog: &Catalog,
    caller: Caller,
    request: pb::ListGuidelinesRequest,
) -> Result<pb::ListGuidelinesResponse> {
    let organization = caller.organization()?;
    let page = Page::parse(request.page_size, &request.page_token, ("guideline", organization))?;
    let found = store::guideline::list(&catalog.db, organization, &page).await?;
    let (guidelines, next_page_token) = page.cut(found, |it| vec![it.id]);
    let guidelines = guidelines.into_iter().map(Into::into).collect();
    Ok(pb::ListGuidelinesResponse { guidelines, next_page_token })
}

pub(super) async fn update(
    catalog: &Catalog,
    caller: Caller,
    request: pb::UpdateGuidelineRequest,
) -> Result<pb::UpdateGuidelineResponse> {
    let organization = caller.organization()?;
    let replay =
        Replay::of(SCHEMA, organization, "UpdateGuideline", &request.request_id, &request)?;
    let id: GuidelineId = request.id.parse()?;
    let mask = Mask::parse(&request.update_mask.unwrap_or_default().paths, Content::FIELDS)?;
    let new = content(request.guideline.unwrap_or_default());
    let mut tx = catalog.db.begin().await?;
    let reply = replay::once(&mut tx, &replay, async |tx| {
        let mut guideline = store::guideline::lock(&mut *tx, organization, id).await?;
        guideline.version.check(&request.etag)?;
        if guideline.content.apply(new, &mask) {
            guideline.content.check()?;
            guideline = store::guideline::update(tx, organization, id, &guideline.content).await?;
        }
        Ok::<_, Error>(pb::UpdateGuidelineResponse { guideline: Some(guideline.into()) })
    })
    .await?;
    tx.commit().await?;
    Ok(reply)
}

fn content(input: pb::GuidelineInput) -> Content {
    Content {
        name: input.name.trim().to_owned(),
        rules: input.rules.iter().map(|it| it.trim().to_owned()).collect(),
    }
}

impl From<Guideline> for pb::Guideline {
    fn from(guideline: Guideline) -> Self {
        let content = guideline.content;
        Self {
            id: guideline.id.into(),
            etag: guideline.version.etag(),
            name: content.name,
            rules: content.rules,
            create_time: Some(timestamp(guideline.created_at)),
            update_time: Some(timestamp(guideline.updated_at)),
        }
    }
}
