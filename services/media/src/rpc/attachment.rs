//! Attachment RPCs.

use api::sartiq::media::v1 as pb;
use server::timestamp;
use types::id::OrganizationId;

use super::{id, media};
use crate::attachment::{Attachment, Entity, Slotted, distinct};
use crate::error::{Error, Result};
use crate::{Library, store};

/// How many attachments of a media are listed.
const MOST: i64 = 1000;

pub(super) async fn set(
    library: &Library,
    organization: OrganizationId,
    request: pb::SetAttachmentsRequest,
) -> Result<pb::SetAttachmentsResponse> {
    let entity = Entity { kind: request.entity_type, id: id("entity_id", &request.entity_id)? };
    let slotted = request
        .media
        .into_iter()
        .map(|it| Ok(Slotted { media_id: id("media.media_id", &it.media_id)?, slot: it.slot }));
    let slotted = distinct(slotted.collect::<Result<_>>()?);
    let ids: Vec<_> = slotted.iter().map(|it| it.media_id).collect();
    // Media are never deleted, so what exists now exists when the transaction ends.
    media::all(library, organization, &ids).await?;

    let mut tx = library.db.begin().await?;
    store::attachment::lock(&mut *tx, organization, &entity).await?;
    store::attachment::retain(&mut *tx, organization, &entity, &slotted).await?;
    store::attachment::upsert(&mut *tx, organization, &entity, &slotted).await?;
    let attachments = store::attachment::of_entity(&mut *tx, organization, &entity).await?;
    tx.commit().await?;
    let attachments = attachments.into_iter().map(pb::Attachment::from).collect();
    Ok(pb::SetAttachmentsResponse { attachments })
}

pub(super) async fn list(
    library: &Library,
    organization: OrganizationId,
    request: pb::ListAttachmentsRequest,
) -> Result<pb::ListAttachmentsResponse> {
    let id = id("media_id", &request.media_id)?;
    let media = store::media::find(&library.db, organization, id).await?;
    media.ok_or_else(|| Error::MediaNotFound(vec![id]))?;
    let attachments = store::attachment::of_media(&library.db, organization, id, MOST).await?;
    let attachments = attachments.into_iter().map(pb::Attachment::from).collect();
    Ok(pb::ListAttachmentsResponse { attachments })
}

impl From<Attachment> for pb::Attachment {
    fn from(attachment: Attachment) -> Self {
        Self {
            id: attachment.id.to_string(),
            media_id: attachment.media_id.to_string(),
            entity_type: attachment.entity_type,
            entity_id: attachment.entity_id.to_string(),
            slot: attachment.slot,
            create_time: Some(timestamp(attachment.created_at)),
        }
    }
}
