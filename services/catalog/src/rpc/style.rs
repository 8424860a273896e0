//! Style RPCs.

use api::sartiq::catalog::v1 as pb;
use pg::Page;
use pg::replay::{self, Replay};
use server::{Caller, timestamp};
use types::Mask;
use types::id::StyleId;

use crate::batch;
use crate::error::{Error, Result};
use crate::rpc::ids;
use crate::style::{Content, Style};
use crate::{Catalog, SCHEMA, store};

pub(super) async fn create(
    catalog: &Catalog,
    caller: Caller,
    request: pb::CreateStyleRequest,
) -> Result<pb::CreateStyleResponse> {
    let organization = caller.organization()?;
    let replay = Replay::of(SCHEMA, organization, "CreateStyle", &request.request_id, &request)?;
    let content = content(request.style.unwrap_or_default());
    content.check()?;
    let mut tx = catalog.db.begin().await?;
    let reply = replay::once(&mut tx, &replay, async |tx| {
        let style = store::style::insert(tx, organization, StyleId::generate(), &content).await?;
        Ok::<_, Error>(pb::CreateStyleResponse { style: Some(style.into()) })
    })
    .await?;
    tx.commit().await?;
    Ok(reply)
}

pub(super) async fn get(
    catalog: &Catalog,
    caller: Caller,
    request: pb::GetStyleRequest,
) -> Result<pb::GetStyleResponse> {
    let id = request.id.parse()?;
    let found = store::style::find(&catalog.db, caller.organization()?, &[id]).await?;
    Ok(pb::GetStyleResponse { style: Some(batch::one(id, found)?.into()) })
}

pub(super) async fn batch_get(
    catalog: &Catalog,
    caller: Caller,
    request: pb::BatchGetStylesRequest,
) -> Result<pb::BatchGetStylesResponse> {
    let ids: Vec<StyleId> = ids(&request.ids)?;
    let found = store::style::find(&catalog.db, caller.organization()?, &ids).await?;
    let styles = batch::in_order(&ids, &found, |it| it.id)?;
    Ok(pb::BatchGetStylesResponse { styles: styles.into_iter().map(Into::into).collect() })
}

pub(super) async fn list(
    catalog: &Catalog,
    caller: Caller,
    request: pb::ListStylesRequest,
) -> Result<pb::ListStylesResponse> {
    let organization = caller.organization()?;
    let page = Page::parse(request.page_size, &request.page_token, ("style", organization))?;
    let found = store::style::list(&catalog.db, organization, &page).await?;
    let (styles, next_page_token) = page.cut(found, |it| vec![it.id]);
    let styles = styles.into_iter().map(Into::into).collect();
    Ok(pb::ListStylesResponse { styles, next_page_token })
}

pub(super) async fn update(
    catalog: &Catalog,
    caller: Caller,
    request: pb::UpdateStyleRequest,
) -> Result<pb::UpdateStyleResponse> {
    let organization = caller.organization()?;
    let replay = Replay::of(SCHEMA, organization, "UpdateStyle", &request.request_id, &request)?;
    let id: StyleId = request.id.parse()?;
    let mask = Mask::parse(&request.update_mask.unwrap_or_default().paths, Content::FIELDS)?;
    let new = content(request.style.unwrap_or_default());
    let mut tx = catalog.db.begin().await?;
    let reply = replay::once(&mut tx, &replay, async |tx| {
        let mut style = store::style::lock(&mut *tx, organization, id).await?;
        style.version.check(&request.etag)?;
        if style.content.apply(new, &mask) {
            style.content.check()?;
            style = store::style::update(tx, organization, id, &style.content).await?;
        }
        Ok::<_, Error>(pb::UpdateStyleResponse { style: Some(style.into()) })
    })
    .await?;
    tx.commit().await?;
    Ok(reply)
}

fn content(input: pb::StyleInput) -> Content {
    Content {
        name: input.name.trim().to_owned(),
        prompt: input.prompt.trim().to_owned(),
        negative_prompt: input.negative_prompt.trim().to_owned(),
        background: input.background.trim().to_owned(),
        light: input.light.trim().to_owned(),
    }
}

impl From<Style> for pb::Style {
    fn from(style: Style) -> Self {
        let content = style.content;
        Self {
            id: style.id.into(),
            etag: style.version.etag(),
            name: content.name,
            prompt: content.prompt,
            negative_prompt: content.negative_prompt,
            background: content.background,
            light: content.light,
            create_time: Some(timestamp(style.created_at)),
            update_time: Some(timestamp(style.updated_at)),
        }
    }
}
