//! Shooting RPCs.

use api::sartiq::event::v1::ShootingChanged;
use api::sartiq::event::v1::event::Payload;
use api::sartiq::shooting::v1 as pb;
use pg::Page;
use pg::replay::{self, Replay};
use server::Caller;
use types::Mask;
use types::id::ShootingId;

use crate::error::{Error, Result};
use crate::rpc::change::Change;
use crate::shooting::{Content, State};
use crate::{SCHEMA, Studio, store};

pub(super) async fn create(
    studio: &Studio,
    caller: Caller,
    request: pb::CreateShootingRequest,
) -> Result<pb::CreateShootingResponse> {
    let organization = caller.organization()?;
    let replay = Replay::of(SCHEMA, organization, "CreateShooting", &request.request_id, &request)?;
    let content = content(request.shooting.unwrap_or_default());
    content.check()?;
    let mut tx = studio.db.begin().await?;
    let reply = replay::once(&mut tx, &replay, async |tx| {
        let id = ShootingId::generate();
        let shooting = store::shooting::insert(&mut *tx, organization, id, &content).await?;
        let state = pb::shooting::State::from(shooting.state);
        let created = ShootingChanged {
            shooting_id: id.into(),
            from_state: String::new(),
            to_state: state.as_str_name().to_owned(),
        };
        let mut change = Change { studio, tx, caller: &caller, organization };
        change.tell(Payload::ShootingCreated(created)).await?;
        Ok::<_, Error>(pb::CreateShootingResponse { shooting: Some(shooting.into()) })
    })
    .await?;
    studio.outbox.commit(tx).await?;
    Ok(reply)
}

pub(super) async fn get(
    studio: &Studio,
    caller: Caller,
    request: pb::GetShootingRequest,
) -> Result<pb::GetShootingResponse> {
    let id = request.id.parse()?;
    let shooting = store::shooting::find_one(&studio.db, caller.organization()?, id).await?;
    Ok(pb::GetShootingResponse { shooting: Some(shooting.into()) })
}

pub(super) async fn list(
    studio: &Studio,
    caller: Caller,
    request: pb::ListShootingsRequest,
) -> Result<pb::ListShootingsResponse> {
    let organization = caller.organization()?;
    let arguments = ("shooting", organization, request.show_archived);
    let page = Page::parse(request.page_size, &request.page_token, arguments)?;
    let found =
        store::shooting::list(&studio.db, organization, request.show_archived, &page).await?;
    let (shootings, next_page_token) = page.cut(found, |it| vec![it.id]);
    let shootings = shootings.into_iter().map(Into::into).collect();
    Ok(pb::ListShootingsResponse { shootings, next_page_token })
}

pub(super) async fn update(
    studio: &Studio,
    caller: Caller,
    request: pb::UpdateShootingRequest,
) -> Result<pb::UpdateShootingResponse> {
    let organization = caller.organization()?;
    let replay = Replay::of(SCHEMA, organization, "UpdateShooting", &request.request_id, &request)?;
    let id: ShootingId = request.id.parse()?;
    let mask = Mask::parse(&request.update_mask.unwrap_or_default().paths, Content::FIELDS)?;
    let new = content(request.shooting.unwrap_or_default());
    let mut tx = studio.db.begin().await?;
    let reply = replay::once(&mut tx, &replay, async |tx| {
        let mut shooting = store::shooting::lock_one(&mut *tx, organization, id).await?;
        shooting.version.check(&request.etag)?;
        if shooting.content.apply(new, &mask) {
            shooting.content.check()?;
            shooting = store::shooting::update(tx, organization, id, &shooting.content).await?;
        }
        Ok::<_, Error>(pb::UpdateShootingResponse { shooting: Some(shooting.into()) })
    })
    .await?;
    studio.outbox.commit(tx).await?;
    Ok(reply)
}

pub(super) async fn archive(
    studio: &Studio,
    caller: Caller,
    request: pb::ArchiveShootingRequest,
) -> Result<pb::ArchiveShootingResponse> {
    let organization = caller.organization()?;
    let replay =
        Replay::of(SCHEMA, organization, "ArchiveShooting", &request.request_id, &request)?;
    let id = request.id.parse()?;
    let mut tx = studio.db.begin().await?;
    let reply = replay::once(&mut tx, &replay, async |tx| {
        let shooting = store::shooting::lock_one(&mut *tx, organization, id).await?;
        shooting.check_open()?;
        // A revision that was asked for will start one.
        let is_awaited = 0 < shooting.shots.revision_requested;
        if is_awaited || store::generation::is_running(&mut *tx, organization, id).await? {
            return Err(Error::GenerationRunning);
        }
        let mut change = Change { studio, tx, caller: &caller, organization };
        let shooting = change.set_state(shooting, State::Archived).await?;
        Ok(pb::ArchiveShootingResponse { shooting: Some(shooting.into()) })
    })
    .await?;
    studio.outbox.commit(tx).await?;
    Ok(reply)
}

pub(super) async fn restore(
    studio: &Studio,
    caller: Caller,
    request: pb::RestoreShootingRequest,
) -> Result<pb::RestoreShootingResponse> {
    let organization = caller.organization()?;
    let replay =
        Replay::of(SCHEMA, organization, "RestoreShooting", &request.request_id, &request)?;
    let id = request.id.parse()?;
    let mut tx = studio.db.begin().await?;
    let reply = replay::once(&mut tx, &replay, async |tx| {
        let shooting = store::shooting::lock_one(&mut *tx, organization, id).await?;
        if shooting.state != State::Archived {
            return Err(shooting.state.conflict());
        }
        let state = State::of(&shooting.shots);
        let mut change = Change { studio, tx, caller: &caller, organization };
        let shooting = change.set_state(shooting, state).await?;
        Ok(pb::RestoreShootingResponse { shooting: Some(shooting.into()) })
    })
    .await?;
    studio.outbox.commit(tx).await?;
    Ok(reply)
}

fn content(input: pb::ShootingInput) -> Content {
    Content { name: input.name.trim().to_owned(), brief: input.brief.trim().to_owned() }
}
