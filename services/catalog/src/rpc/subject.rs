//! Subject RPCs.

use api::sartiq::catalog::v1 as pb;
use pg::Page;
use pg::replay::{self, Replay};
use server::{Caller, timestamp};
use types::Mask;
use types::id::SubjectId;

use crate::batch;
use crate::error::{Error, Result};
use crate::jobs::attach::{Attach, Entity};
use crate::rpc::ids;
use crate::rpc::media::{self, Picture};
use crate::subject::{Content, Subject};
use crate::{Catalog, SCHEMA, store};

const PORTRAIT: &str = "subject.portrait_media_id";

pub(super) async fn create(
    catalog: &Catalog,
    caller: Caller,
    request: pb::CreateSubjectRequest,
) -> Result<pb::CreateSubjectResponse> {
    let organization = caller.organization()?;
    let replay = Replay::of(SCHEMA, organization, "CreateSubject", &request.request_id, &request)?;
    // Who asks again is answered even if media is away or has lost the picture since.
    if let Some(reply) = replay.known(&catalog.db).await? {
        return Ok(reply);
    }
    let content = content(request.subject.unwrap_or_default())?;
    content.check()?;
    media::check(catalog, &caller, &pictures(&content)).await?;

    let mut tx = catalog.db.begin().await?;
    let reply = replay::once(&mut tx, &replay, async |tx| {
        let id = SubjectId::generate();
        let subject = store::subject::insert(&mut *tx, organization, id, &content).await?;
        if content.portrait.is_some() {
            let job = Attach::new(organization, Entity::Subject(id.uuid()));
            catalog.queue.enqueue(tx, &job).await?;
        }
        Ok::<_, Error>(pb::CreateSubjectResponse { subject: Some(subject.into()) })
    })
    .await?;
    tx.commit().await?;
    catalog.queue.poke();
    Ok(reply)
}

pub(super) async fn get(
    catalog: &Catalog,
    caller: Caller,
    request: pb::GetSubjectRequest,
) -> Result<pb::GetSubjectResponse> {
    let id = request.id.parse()?;
    let found = store::subject::find(&catalog.db, caller.organization()?, &[id]).await?;
    Ok(pb::GetSubjectResponse { subject: Some(batch::one(id, found)?.into()) })
}

pub(super) async fn batch_get(
    catalog: &Catalog,
    caller: Caller,
    request: pb::BatchGetSubjectsRequest,
) -> Result<pb::BatchGetSubjectsResponse> {
    let ids: Vec<SubjectId> = ids(&request.ids)?;
    let found = store::subject::find(&catalog.db, caller.organization()?, &ids).await?;
    let subjects = batch::in_order(&ids, &found, |it| it.id)?;
    Ok(pb::BatchGetSubjectsResponse { subjects: subjects.into_iter().map(Into::into).collect() })
}

pub(super) async fn list(
    catalog: &Catalog,
    caller: Caller,
    request: pb::ListSubjectsRequest,
) -> Result<pb::ListSubjectsResponse> {
    let organization = caller.organization()?;
    let page = Page::parse(request.page_size, &request.page_token, ("subject", organization))?;
    let found = store::subject::list(&catalog.db, organization, &page).await?;
    let (subjects, next_page_token) = page.cut(found, |it| vec![it.id]);
    let subjects = subjects.into_iter().map(Into::into).collect();
    Ok(pb::ListSubjectsResponse { subjects, next_page_token })
}

pub(super) async fn update(
    catalog: &Catalog,
    caller: Caller,
    request: pb::UpdateSubjectRequest,
) -> Result<pb::UpdateSubjectResponse> {
    let organization = caller.organization()?;
    let replay = Replay::of(SCHEMA, organization, "UpdateSubject", &request.request_id, &request)?;
    // As above.
    if let Some(reply) = replay.known(&catalog.db).await? {
        return Ok(reply);
    }
    let id: SubjectId = request.id.parse()?;
    let mask = Mask::parse(&request.update_mask.unwrap_or_default().paths, Content::FIELDS)?;
    let new = content(request.subject.unwrap_or_default())?;
    if mask.names("portrait_media_id") {
        media::check(catalog, &caller, &pictures(&new)).await?;
    }

    let mut tx = catalog.db.begin().await?;
    let reply = replay::once(&mut tx, &replay, async |tx| {
        let mut subject = store::subject::lock(&mut *tx, organization, id).await?;
        subject.version.check(&request.etag)?;
        let portrait = subject.content.portrait;
        if subject.content.apply(new, &mask) {
            subject.content.check()?;
            subject = store::subject::update(&mut *tx, organization, id, &subject.content).await?;
            if subject.content.portrait != portrait {
                let job = Attach::new(organization, Entity::Subject(id.uuid()));
                catalog.queue.enqueue(tx, &job).await?;
            }
        }
        Ok::<_, Error>(pb::UpdateSubjectResponse { subject: Some(subject.into()) })
    })
    .await?;
    tx.commit().await?;
    catalog.queue.poke();
    Ok(reply)
}

/// Returns the pictures that `content` names, each with its place in the request.
fn pictures(content: &Content) -> Vec<Picture> {
    content.portrait.iter().map(|it| Picture { path: PORTRAIT.to_owned(), id: *it }).collect()
}

fn content(input: pb::SubjectInput) -> Result<Content> {
    Ok(Content {
        handle: input.handle,
        name: input.name.trim().to_owned(),
        description: input.description.trim().to_owned(),
        portrait: match input.portrait_media_id.as_str() {
            "" => None,
            text => Some(media::parse(PORTRAIT, text)?),
        },
    })
}

impl From<Subject> for pb::Subject {
    fn from(subject: Subject) -> Self {
        let content = subject.content;
        Self {
            id: subject.id.into(),
            etag: subject.version.etag(),
            handle: content.handle,
            name: content.name,
            description: content.description,
            portrait_media_id: content.portrait.map(Into::into).unwrap_or_default(),
            create_time: Some(timestamp(subject.created_at)),
            update_time: Some(timestamp(subject.updated_at)),
        }
    }
}
