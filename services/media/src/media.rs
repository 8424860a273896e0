//! Media: pictures and films that were judged by their bytes and are kept.

use std::time::Duration;

use pixels::Kind;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use types::id::{MediaId, OrganizationId};

/// The longest edges that renditions are made for, smallest first.
pub(crate) const EDGES: [u32; 3] = [256, 512, 1280];

/// The media type of every rendition.
pub(crate) const RENDITION_KIND: Kind = Kind::Webp;

/// A SHA-256.
pub(crate) type Sha256 = [u8; 32];

/// One picture or film.
#[derive(Clone, Debug)]
pub(crate) struct Media {
    pub(crate) id: MediaId,
    pub(crate) organization_id: OrganizationId,
    pub(crate) origin: Origin,
    pub(crate) filename: String,
    pub(crate) kind: Kind,
    pub(crate) size_bytes: i64,
    pub(crate) width_px: i32,
    pub(crate) height_px: i32,
    // None for pictures.
    pub(crate) duration: Option<Duration>,
    pub(crate) sha256: Sha256,
    pub(crate) placeholder: Vec<u8>,
    pub(crate) renditions: Vec<Rendition>,
    pub(crate) attachment_count: i64,
    pub(crate) created_at: OffsetDateTime,
}

impl Media {
    /// Returns where the file is.
    pub(crate) fn key(&self) -> String {
        file_key(self.id, self.kind)
    }

    /// Returns where the rendition for `edge` is, if there is one.
    pub(crate) fn rendition_key(&self, edge: u32) -> Option<String> {
        let exists = self.renditions.iter().any(|it| it.long_edge_px == edge);
        exists.then(|| rendition_key(self.id, edge))
    }
}

/// Returns what the keys of all objects of a media begin with.
pub(crate) fn folder(id: MediaId) -> String {
    format!("media/{id}/")
}

/// Returns where the file of a media is.
pub(crate) fn file_key(id: MediaId, kind: Kind) -> String {
    format!("media/{id}/file.{}", kind.extension())
}

/// Returns where the rendition of a media for `edge` is.
pub(crate) fn rendition_key(id: MediaId, edge: u32) -> String {
    format!("media/{id}/{edge}.{}", RENDITION_KIND.extension())
}

/// A smaller form of a media.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Rendition {
    pub(crate) long_edge_px: u32,
    pub(crate) width_px: u32,
    pub(crate) height_px: u32,
    pub(crate) size_bytes: i64,
}

/// Where a media came from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Origin {
    Upload,
    Generated,
    Derived,
}

impl Origin {
    const ALL: [Self; 3] = [Self::Upload, Self::Generated, Self::Derived];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Upload => "upload",
            Self::Generated => "generated",
            Self::Derived => "derived",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_objects_of_a_media_lie_in_its_folder() {
        let id = MediaId::generate();
        assert!(file_key(id, Kind::Jpeg).starts_with(&folder(id)));
        assert!(file_key(id, Kind::Jpeg).ends_with("/file.jpg"));
        assert!(rendition_key(id, 512).starts_with(&folder(id)));
        assert!(rendition_key(id, 512).ends_with("/512.webp"));
    }

    #[test]
    fn origins_survive_their_names() {
        for origin in Origin::ALL {
            assert_eq!(Origin::named(origin.as_str()), Some(origin));
        }
    }
}
