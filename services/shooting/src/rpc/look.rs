//! Look RPCs.

use api::sartiq::event::v1::event::Payload;
use api::sartiq::shooting::v1 as pb;
use pg::Page;
use pg::replay::{self, Replay};
use server::Caller;
use types::Mask;
use types::id::{LookId, ProductId, ShootingId};

use crate::error::{Error, Result};
use crate::look::{Content, Look};
use crate::rpc::catalog::{self, Names};
use crate::rpc::change::Change;
use crate::rpc::ids;
use crate::shot::Shot;
use crate::{SCHEMA, Studio, store};

pub(super) async fn create(
    studio: &Studio,
    caller: Caller,
    request: pb::CreateLookRequest,
) -> Result<pb::CreateLookResponse> {
    let organization = caller.organization()?;
    let replay = Replay::of(SCHEMA, organization, "CreateLook", &request.request_id, &request)?;
    // Who asks again is answered even if the catalog is away or has changed since.
    if let Some(reply) = replay.known(&studio.db).await? {
        return Ok(reply);
    }
    let shooting = request.shooting_id.parse()?;
    let mut content = content(request.look.unwrap_or_default())?;
    let references = content.references("look", &everything()?);
    name(&mut content, &catalog::check(studio, &caller, &references).await?);

    let mut tx = studio.db.begin().await?;
    let reply = replay::once(&mut tx, &replay, async |tx| {
        let mut change = Change { studio, tx, caller: &caller, organization };
        let (looks, shots) = insert(&mut change, shooting, &[content]).await?;
        let look = looks.into_iter().next().map(Into::into);
        let shots = shots.into_iter().map(Into::into).collect();
        Ok::<_, Error>(pb::CreateLookResponse { look, shots })
    })
    .await?;
    studio.outbox.commit(tx).await?;
    Ok(reply)
}

pub(super) async fn batch_create(
    studio: &Studio,
    caller: Caller,
    request: pb::BatchCreateLooksRequest,
) -> Result<pb::BatchCreateLooksResponse> {
    let organization = caller.organization()?;
    let replay =
        Replay::of(SCHEMA, organization, "BatchCreateLooks", &request.request_id, &request)?;
    // As above.
    if let Some(reply) = replay.known(&studio.db).await? {
        return Ok(reply);
    }
    let shooting = request.shooting_id.parse()?;
    let mut contents: Vec<_> = request.looks.into_iter().map(content).collect::<Result<_>>()?;
    let everything = everything()?;
    let references = contents.iter().enumerate();
    let references: Vec<_> = references
        .flat_map(|(look_idx, it)| it.references(&format!("looks[{look_idx}]"), &everything))
        .collect();
    let names = catalog::check(studio, &caller, &references).await?;
    for content in &mut contents {
        name(content, &names);
    }

    let mut tx = studio.db.begin().await?;
    let reply = replay::once(&mut tx, &replay, async |tx| {
        let mut change = Change { studio, tx, caller: &caller, organization };
        let (looks, shots) = insert(&mut change, shooting, &contents).await?;
        let looks = looks.into_iter().map(Into::into).collect();
        let shots = shots.into_iter().map(Into::into).collect();
        Ok::<_, Error>(pb::BatchCreateLooksResponse { looks, shots })
    })
    .await?;
    studio.outbox.commit(tx).await?;
    Ok(reply)
}

pub(super) async fn get(
    studio: &Studio,
    caller: Caller,
    request: pb::GetLookRequest,
) -> Result<pb::GetLookResponse> {
    let organization = caller.organization()?;
    let id = request.id.parse()?;
    let look = store::look::find_one(&studio.db, organization, id).await?;
    let shots = store::shot::of_look(&studio.db, organization, id).await?;
    let shots = shots.into_iter().map(Into::into).collect();
    Ok(pb::GetLookResponse { look: Some(look.into()), shots })
}

pub(super) async fn list(
    studio: &Studio,
    caller: Caller,
    request: pb::ListLooksRequest,
) -> Result<pb::ListLooksResponse> {
    let organization = caller.organization()?;
    let shooting: ShootingId = request.shooting_id.parse()?;
    store::shooting::find_one(&studio.db, organization, shooting).await?;
    let arguments = ("look", organization, shooting);
    let page = Page::parse(request.page_size, &request.page_token, arguments)?;
    let found = store::look::list(&studio.db, organization, shooting, &page).await?;
    let (looks, next_page_token) = page.cut(found, |it| vec![it.id]);
    Ok(pb::ListLooksResponse {
        looks: looks.into_iter().map(Into::into).collect(),
        next_page_token,
    })
}

pub(super) async fn update(
    studio: &Studio,
    caller: Caller,
    request: pb::UpdateLookRequest,
) -> Result<pb::UpdateLookResponse> {
    let organization = caller.organization()?;
    let replay = Replay::of(SCHEMA, organization, "UpdateLook", &request.request_id, &request)?;
    // As above.
    if let Some(reply) = replay.known(&studio.db).await? {
        return Ok(reply);
    }
    let id: LookId = request.id.parse()?;
    let mask = Mask::parse(&request.update_mask.unwrap_or_default().paths, Content::FIELDS)?;
    let mut new = content(request.look.unwrap_or_default())?;
    let references = new.references("look", &mask);
    name(&mut new, &catalog::check(studio, &caller, &references).await?);

    let mut tx = studio.db.begin().await?;
    let reply = replay::once(&mut tx, &replay, async |tx| {
        let look = store::look::find_one(&mut *tx, organization, id).await?;
        let shooting = store::shooting::lock_one(&mut *tx, organization, look.shooting_id).await?;
        shooting.check_open()?;
        // Again, for it may have changed before the lock was held.
        let mut look = store::look::find_one(&mut *tx, organization, id).await?;
        look.version.check(&request.etag)?;
        if look.content.apply(new, &mask) {
            look = store::look::update(&mut *tx, organization, id, &look.content).await?;
            let mut change = Change { studio, tx: &mut *tx, caller: &caller, organization };
            match_shots(&mut change, &look).await?;
            change.tell_looks(Payload::LookUpdated, std::slice::from_ref(&look)).await?;
        }
        let shots = store::shot::of_look(tx, organization, id).await?;
        let shots = shots.into_iter().map(Into::into).collect();
        Ok::<_, Error>(pb::UpdateLookResponse { look: Some(look.into()), shots })
    })
    .await?;
    studio.outbox.commit(tx).await?;
    Ok(reply)
}

pub(super) async fn delete(
    studio: &Studio,
    caller: Caller,
    request: pb::DeleteLookRequest,
) -> Result<pb::DeleteLookResponse> {
    let organization = caller.organization()?;
    let replay = Replay::of(SCHEMA, organization, "DeleteLook", &request.request_id, &request)?;
    let id = request.id.parse()?;
    let mut tx = studio.db.begin().await?;
    let reply = replay::once(&mut tx, &replay, async |tx| {
        let look = store::look::find_one(&mut *tx, organization, id).await?;
        let shooting = store::shooting::lock_one(&mut *tx, organization, look.shooting_id).await?;
        shooting.check_open()?;
        // Again, for it may have been deleted before the lock was held.
        let look = store::look::find_one(&mut *tx, organization, id).await?;
        let shots = store::shot::of_look(&mut *tx, organization, id).await?;
        let mut change = Change { studio, tx, caller: &caller, organization };
        remove(&mut change, &shots.iter().collect::<Vec<_>>()).await?;
        store::look::delete(&mut *change.tx, organization, id).await?;
        change.tell_looks(Payload::LookDeleted, std::slice::from_ref(&look)).await?;
        change.refresh(look.shooting_id).await?;
        Ok::<_, Error>(pb::DeleteLookResponse {})
    })
    .await?;
    studio.outbox.commit(tx).await?;
    Ok(reply)
}

/// Inserts looks and their shots, which are returned look by look.
async fn insert(
    change: &mut Change<'_>,
    shooting: ShootingId,
    contents: &[Content],
) -> Result<(Vec<Look>, Vec<Shot>)> {
    let organization = change.organization;
    store::shooting::lock_one(&mut *change.tx, organization, shooting).await?.check_open()?;
    let (mut looks, mut shots) = (Vec::new(), Vec::new());
    for content in contents {
        let id = LookId::generate();
        let look =
            store::look::insert(&mut *change.tx, organization, shooting, id, content).await?;
        let shot_types = &content.shot_type_ids;
        store::shot::insert(&mut *change.tx, organization, &look, shot_types).await?;
        store::shot::arrange(&mut *change.tx, organization, &look).await?;
        shots.extend(store::shot::of_look(&mut *change.tx, organization, id).await?);
        looks.push(look);
    }
    change.tell_looks(Payload::LookCreated, &looks).await?;
    change.refresh(shooting).await?;
    Ok((looks, shots))
}

/// Gives a look a shot for each of its shot types, and no other.
async fn match_shots(change: &mut Change<'_>, look: &Look) -> Result<()> {
    let organization = change.organization;
    let shots = store::shot::of_look(&mut *change.tx, organization, look.id).await?;
    let wanted = &look.content.shot_type_ids;
    let gone: Vec<_> = shots.iter().filter(|it| !wanted.contains(&it.shot_type_id)).collect();
    let is_new = |it: &&_| shots.iter().all(|shot| shot.shot_type_id != **it);
    let new: Vec<_> = wanted.iter().filter(is_new).copied().collect();
    remove(change, &gone).await?;
    store::shot::insert(&mut *change.tx, organization, look, &new).await?;
    store::shot::arrange(&mut *change.tx, organization, look).await?;
    change.refresh(look.shooting_id).await?;
    Ok(())
}

/// Removes shots that nothing was generated for.
async fn remove(change: &mut Change<'_>, shots: &[&Shot]) -> Result<()> {
    if let Some(shot) = shots.iter().find(|it| it.generation_id.is_some()) {
        return Err(Error::ShotInUse(shot.id));
    }
    store::shot::delete(&mut *change.tx, change.organization, shots).await
}

fn everything() -> Result<Mask> {
    Ok(Mask::parse(&["*".to_owned()], Content::FIELDS)?)
}

/// Gives a look without a name that of its product.
fn name(content: &mut Content, names: &Names) {
    if content.name.is_empty() {
        content.name = names.get(&content.product_id).cloned().unwrap_or_default();
    }
}

fn content(input: pb::LookInput) -> Result<Content> {
    let product_id: ProductId = input.product_id.parse()?;
    Ok(Content {
        name: input.name.trim().to_owned(),
        product_id,
        subject_id: input.subject_id.parse()?,
        style_id: input.style_id.parse()?,
        guideline_ids: ids(&input.guideline_ids)?,
        shot_type_ids: ids(&input.shot_type_ids)?,
    })
}
