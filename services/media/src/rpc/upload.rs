//! Upload RPCs.

mod complete;

use api::sartiq::media::v1 as pb;
use pg::replay::Replay;
use pixels::Kind;
use server::timestamp;
use time::OffsetDateTime;
use types::id::{MediaId, OrganizationId, UploadId};

use super::memory::{recall, remember};
use super::{id, sha256};
use crate::error::{Error, Result};
use crate::media::Media;
use crate::upload::{Announced, Standing, State, Upload};
use crate::{Library, jobs, store};

pub(super) use complete::complete;

pub(super) async fn create(
    library: &Library,
    organization: OrganizationId,
    request: pb::CreateUploadRequest,
) -> Result<pb::CreateUploadResponse> {
    let replay = Replay::of("media", organization, "CreateUpload", &request.request_id, &request)?;
    if let Some(first) = recall::<pb::CreateUploadResponse>(library, &replay).await? {
        return signed_again(library, organization, first).await;
    }

    let kind = Kind::from_media_type(&request.media_type)
        .ok_or_else(|| Error::field("media_type", "must be a media type that is taken here"))?;
    let announced = Announced {
        filename: request.filename,
        kind,
        size_bytes: request.size_bytes,
        sha256: sha256(&request.sha256)?,
    };
    let known = known(library, organization, &announced).await?;
    let mut upload = Upload::new(organization, announced, OffsetDateTime::now_utc());
    if let Some(media_id) = known {
        upload = upload.duplicate_of(media_id);
    } else if upload.is_multipart() {
        upload.multipart_id = Some(library.objects.create_multipart(&upload.key, kind).await?);
    }

    let mut tx = library.db.begin().await?;
    if let Some(first) = replay.find::<pb::CreateUploadResponse>(&mut tx).await? {
        drop(tx);
        // Somebody asked for the same at the same time; what was begun here is not needed.
        if let Some(multipart_id) = &upload.multipart_id {
            library.objects.abort_multipart(&upload.key, multipart_id).await?;
        }
        return signed_again(library, organization, first).await;
    }
    store::upload::insert(&mut *tx, &upload).await?;
    let reply = pb::CreateUploadResponse { upload: Some((&upload).into()), parts: Vec::new() };
    // Without the URLs: they are secrets, and a later answer signs fresh ones.
    replay.store(&mut tx, &reply).await?;
    tx.commit().await?;
    if known.is_some() {
        return Ok(reply);
    }
    Ok(pb::CreateUploadResponse { parts: sign(library, &upload).await?, ..reply })
}

/// Finds the media of these bytes, which need not come again.
async fn known(
    library: &Library,
    organization: OrganizationId,
    announced: &Announced,
) -> Result<Option<MediaId>> {
    let Some(sha256) = &announced.sha256 else { return Ok(None) };
    let media = store::media::find_bytes(&library.db, organization, sha256).await?;
    let is_same = |it: &Media| it.size_bytes == announced.size_bytes && it.kind == announced.kind;
    Ok(media.filter(is_same).map(|it| it.id))
}

pub(super) async fn get(
    library: &Library,
    organization: OrganizationId,
    request: pb::GetUploadRequest,
) -> Result<pb::GetUploadResponse> {
    let upload = find(library, organization, id("id", &request.id)?).await?;
    Ok(pb::GetUploadResponse { upload: Some((&upload).into()) })
}

pub(super) async fn abort(
    library: &Library,
    organization: OrganizationId,
    request: pb::AbortUploadRequest,
) -> Result<pb::AbortUploadResponse> {
    let replay = Replay::of("media", organization, "AbortUpload", &request.request_id, &request)?;
    if let Some(first) = recall(library, &replay).await? {
        return Ok(first);
    }
    let id = id("id", &request.id)?;
    let now = OffsetDateTime::now_utc();
    let is_aborted = store::upload::abort(&library.db, organization, id, now).await?;
    let upload = find(library, organization, id).await?;
    // Giving up what was given up is no mistake.
    if upload.state != State::Aborted {
        return Err(Error::UploadDecided(id));
    }
    if is_aborted {
        jobs::sweep::clear_soon(library, &upload).await;
    }
    let reply = pb::AbortUploadResponse { upload: Some((&upload).into()) };
    remember(library, &replay, reply).await
}

async fn find(library: &Library, organization: OrganizationId, id: UploadId) -> Result<Upload> {
    let upload = store::upload::find(&library.db, organization, id).await?;
    upload.ok_or(Error::UploadNotFound(id))
}

/// Answers as before, with URLs that work now.
async fn signed_again(
    library: &Library,
    organization: OrganizationId,
    first: pb::CreateUploadResponse,
) -> Result<pb::CreateUploadResponse> {
    let name = first.upload.as_ref().map(|it| it.id.clone()).unwrap_or_default();
    let upload = find(library, organization, id("id", &name)?).await?;
    let parts = match upload.standing(OffsetDateTime::now_utc()) {
        Standing::Open => sign(library, &upload).await?,
        Standing::Busy | Standing::Late | Standing::Settled => Vec::new(),
    };
    Ok(pb::CreateUploadResponse { parts, ..first })
}

/// Signs every PUT that brings the upload.
async fn sign(library: &Library, upload: &Upload) -> Result<Vec<pb::UploadPart>> {
    let mut parts = Vec::new();
    for part in upload.parts() {
        let signed = match &upload.multipart_id {
            Some(multipart_id) => {
                let number = part.number;
                library
                    .objects
                    .sign_part(&upload.key, multipart_id, number, part.size_bytes)
                    .await?
            }
            None => {
                let media_type = upload.kind.media_type();
                library.objects.sign_put(&upload.key, media_type, part.size_bytes).await?
            }
        };
        let mut headers = signed.headers;
        // Browsers set it themselves and complain about who tries.
        headers.remove("content-length");
        parts.push(pb::UploadPart {
            number: part.number,
            url: signed.url,
            size_bytes: part.size_bytes,
            headers,
        });
    }
    Ok(parts)
}

impl From<&Upload> for pb::Upload {
    fn from(upload: &Upload) -> Self {
        let refusal = upload.refusal.as_ref();
        Self {
            id: upload.id.to_string(),
            state: pb::upload::State::from(upload.state).into(),
            filename: upload.filename.clone(),
            media_type: upload.kind.media_type().to_owned(),
            size_bytes: upload.size_bytes,
            media_id: upload.media_id.map(|it| it.to_string()).unwrap_or_default(),
            reject_reason: refusal.map(|it| it.reason.as_str().to_owned()).unwrap_or_default(),
            reject_message: refusal.map(|it| it.message.clone()).unwrap_or_default(),
            create_time: Some(timestamp(upload.created_at)),
            expire_time: Some(timestamp(upload.expires_at)),
        }
    }
}

impl From<State> for pb::upload::State {
    fn from(state: State) -> Self {
        match state {
            State::Created => Self::Created,
            State::Verifying => Self::Verifying,
            State::Ingested => Self::Ingested,
            State::Duplicate => Self::Duplicate,
            State::Rejected => Self::Rejected,
            State::Aborted => Self::Aborted,
            State::Expired => Self::Expired,
        }
    }
}
