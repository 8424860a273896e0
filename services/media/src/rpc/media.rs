//! Media RPCs.

use std::collections::HashMap;

use api::sartiq::media::v1 as pb;
use pg::Page;
use server::timestamp;
use time::OffsetDateTime;
use types::id::{MediaId, OrganizationId};

use super::id;
use crate::error::{Error, Result};
use crate::media::{Media, Origin, Rendition};
use crate::{Library, store};

pub(super) async fn get(
    library: &Library,
    organization: OrganizationId,
    request: pb::GetMediaRequest,
) -> Result<pb::GetMediaResponse> {
    let id = id("id", &request.id)?;
    let media = store::media::find(&library.db, organization, id).await?;
    let media = media.ok_or_else(|| Error::MediaNotFound(vec![id]))?;
    Ok(pb::GetMediaResponse { media: Some(media.into()) })
}

pub(super) async fn batch_get(
    library: &Library,
    organization: OrganizationId,
    request: pb::BatchGetMediaRequest,
) -> Result<pb::BatchGetMediaResponse> {
    let ids: Vec<MediaId> = request.ids.iter().map(|it| id("ids", it)).collect::<Result<_>>()?;
    let found = all(library, organization, &ids).await?;
    let media = ids.iter().filter_map(|id| found.get(id).cloned().map(pb::Media::from));
    Ok(pb::BatchGetMediaResponse { media: media.collect() })
}

pub(super) async fn list(
    library: &Library,
    organization: OrganizationId,
    request: pb::ListMediaRequest,
) -> Result<pb::ListMediaResponse> {
    let origin = match request.origin() {
        pb::media::Origin::Unspecified => None,
        pb::media::Origin::Upload => Some(Origin::Upload),
        pb::media::Origin::Generated => Some(Origin::Generated),
        pb::media::Origin::Derived => Some(Origin::Derived),
    };
    let arguments = ("media", organization, request.origin);
    let page = Page::parse(request.page_size, &request.page_token, arguments)?;
    let after = match (page.part::<i128>(0)?, page.part::<MediaId>(1)?) {
        (Some(nanos), Some(id)) => {
            OffsetDateTime::from_unix_timestamp_nanos(nanos).ok().map(|created_at| (created_at, id))
        }
        _ => None,
    };
    let media = store::media::list(&library.db, organization, origin, after, page.limit()).await?;
    let (media, next_page_token) = page.cut(media, |last| {
        vec![last.created_at.unix_timestamp_nanos().to_string(), last.id.to_string()]
    });
    let media = media.into_iter().map(pb::Media::from).collect();
    Ok(pb::ListMediaResponse { media, next_page_token })
}

pub(super) async fn sign_urls(
    library: &Library,
    organization: OrganizationId,
    request: pb::SignUrlsRequest,
) -> Result<pb::SignUrlsResponse> {
    let ids = request.urls.iter().map(|it| id("urls.media_id", &it.media_id));
    let ids: Vec<MediaId> = ids.collect::<Result<_>>()?;
    let found = all(library, organization, &ids).await?;
    let mut urls = Vec::with_capacity(ids.len());
    for (wanted, id) in request.urls.into_iter().zip(ids) {
        let media = found.get(&id).ok_or_else(|| Error::MediaNotFound(vec![id]))?;
        let key = match wanted.long_edge_px.unsigned_abs() {
            0 => media.key(),
            edge => media.rendition_key(edge).ok_or(Error::RenditionNotFound { id, edge })?,
        };
        let filename = Some(wanted.download_filename.as_str()).filter(|it| !it.is_empty());
        let signed = library.objects.sign_show(&key, filename).await?;
        urls.push(pb::SignedUrl {
            media_id: wanted.media_id,
            long_edge_px: wanted.long_edge_px,
            url: signed.url,
            expire_time: Some(timestamp(signed.expires_at)),
        });
    }
    Ok(pb::SignUrlsResponse { urls })
}

/// Finds all of these media, or says which are not there.
pub(super) async fn all(
    library: &Library,
    organization: OrganizationId,
    ids: &[MediaId],
) -> Result<HashMap<MediaId, Media>> {
    let found = store::media::find_all(&library.db, organization, ids).await?;
    let found: HashMap<_, _> = found.into_iter().map(|it| (it.id, it)).collect();
    let missing: Vec<_> = ids.iter().filter(|it| !found.contains_key(it)).copied().collect();
    if missing.is_empty() { Ok(found) } else { Err(Error::MediaNotFound(missing)) }
}

impl From<Media> for pb::Media {
    fn from(media: Media) -> Self {
        let kind =
            if media.kind.is_image() { pb::media::Kind::Image } else { pb::media::Kind::Video };
        let duration = media.duration.map(|it| prost_types::Duration {
            seconds: i64::try_from(it.as_secs()).unwrap_or(i64::MAX),
            nanos: it.subsec_nanos().cast_signed(),
        });
        Self {
            id: media.id.to_string(),
            kind: kind.into(),
            origin: pb::media::Origin::from(media.origin).into(),
            filename: media.filename,
            media_type: media.kind.media_type().to_owned(),
            size_bytes: media.size_bytes,
            width_px: media.width_px,
            height_px: media.height_px,
            duration,
            sha256: media.sha256.to_vec().into(),
            placeholder: media.placeholder.into(),
            renditions: media.renditions.into_iter().map(pb::Rendition::from).collect(),
            attachment_count: i32::try_from(media.attachment_count).unwrap_or(i32::MAX),
            create_time: Some(timestamp(media.created_at)),
        }
    }
}

impl From<Origin> for pb::media::Origin {
    fn from(origin: Origin) -> Self {
        match origin {
            Origin::Upload => Self::Upload,
            Origin::Generated => Self::Generated,
            Origin::Derived => Self::Derived,
        }
    }
}

impl From<Rendition> for pb::Rendition {
    fn from(rendition: Rendition) -> Self {
        Self {
            long_edge_px: rendition.long_edge_px.cast_signed(),
            width_px: rendition.width_px.cast_signed(),
            height_px: rendition.height_px.cast_signed(),
            size_bytes: rendition.size_bytes,
        }
    }
}
