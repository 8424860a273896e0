//! The workspace: where providers put results before they are adopted, and delivery its zips.

use pixels::Kind;
use time::{Duration, OffsetDateTime};
use types::id::{MediaId, OrganizationId};

/// What the keys of all files begin with.
pub(crate) const PREFIXES: [&str; 2] = ["compute/", "delivery/"];

/// What a file of the workspace holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Content {
    /// A result, which may become a media.
    Result(Kind),
    /// Pictures on their way out, which is never more than that.
    Zip,
}

impl Content {
    /// Finds what HTTP names `media_type`.
    pub(crate) fn from_media_type(media_type: &str) -> Option<Self> {
        match media_type {
            "application/zip" => Some(Self::Zip),
            _ => Kind::from_media_type(media_type).map(Self::Result),
        }
    }

    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Result(kind) => kind.media_type(),
            Self::Zip => "application/zip",
        }
    }

    /// How long a file stays that is not adopted.
    pub(crate) fn life(self) -> Duration {
        match self {
            Self::Result(_) => Duration::hours(24),
            Self::Zip => Duration::days(7),
        }
    }

    /// The most bytes that a file may have.
    pub(crate) fn max_bytes(self) -> i64 {
        match self {
            Self::Result(_) => 500 << 20,
            // As much as stores take at once.
            Self::Zip => 5 << 30,
        }
    }

    fn extension(self) -> &'static str {
        match self {
            Self::Result(kind) => kind.extension(),
            Self::Zip => "zip",
        }
    }
}

/// A file that a service was allowed to write.
#[derive(Clone, Debug)]
pub(crate) struct WorkspaceFile {
    pub(crate) key: String,
    pub(crate) organization_id: OrganizationId,
    pub(crate) content: Content,
    pub(crate) size_bytes: i64,
    // The id of the media if the bytes are new.
    pub(crate) candidate_id: MediaId,
    // The media that it was adopted as.
    pub(crate) media_id: Option<MediaId>,
    pub(crate) lease_until: Option<OffsetDateTime>,
}

impl WorkspaceFile {
    /// Whether somebody is adopting or removing it.
    pub(crate) fn is_busy(&self, now: OffsetDateTime) -> bool {
        self.lease_until.is_some_and(|it| now < it)
    }
}

/// Whether a file with this key may hold `content`.
pub(crate) fn fits(key: &str, content: Content) -> bool {
    key.rsplit_once('.').is_some_and(|(_, extension)| extension == content.extension())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_end_in_what_they_hold() {
        assert!(fits("compute/images/1/result_0.jpg", Content::Result(Kind::Jpeg)));
        assert!(!fits("compute/images/1/result_0.png", Content::Result(Kind::Jpeg)));
        assert!(fits("delivery/1/1.zip", Content::Zip));
        assert!(!fits("compute/images/1/result_0.png", Content::Zip));
    }
}
