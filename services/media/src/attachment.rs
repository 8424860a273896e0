//! Attachments: what a media is used for.

use time::OffsetDateTime;
use types::id::{AttachmentId, MediaId};
use uuid::Uuid;

/// One use of a media by an entity of another service.
#[derive(Clone, Debug)]
pub(crate) struct Attachment {
    pub(crate) id: AttachmentId,
    pub(crate) media_id: MediaId,
    pub(crate) entity_type: String,
    pub(crate) entity_id: Uuid,
    pub(crate) slot: String,
    pub(crate) created_at: OffsetDateTime,
}

/// Something that uses media.
#[derive(Clone, Debug)]
pub(crate) struct Entity {
    pub(crate) kind: String,
    pub(crate) id: Uuid,
}

/// A media in a slot of an entity.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Slotted {
    pub(crate) media_id: MediaId,
    pub(crate) slot: String,
}

/// Leaves out what is named twice.
pub(crate) fn distinct(slotted: Vec<Slotted>) -> Vec<Slotted> {
    let mut kept: Vec<Slotted> = Vec::with_capacity(slotted.len());
    for it in slotted {
        if !kept.contains(&it) {
            kept.push(it);
        }
    }
    kept
}
