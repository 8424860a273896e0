//! What is known of one object.

use std::collections::BTreeMap;

use s3s::dto::{Checksum, ETag, ETagCondition, Timestamp};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// One object: its key, where its bytes are, and what was said when it was put.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Object {
    pub(crate) key: String,
    /// The file in the bucket's `data` folder. Written once, never changed.
    pub(crate) blob: String,
    pub(crate) size_bytes: u64,
    pub(crate) etag: String,
    #[serde(with = "time::serde::timestamp::milliseconds")]
    pub(crate) modified: OffsetDateTime,
    pub(crate) attributes: Attributes,
    pub(crate) sums: Sums,
}

/// The headers that come back as they were put.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Attributes {
    pub(crate) cache_control: Option<String>,
    pub(crate) content_disposition: Option<String>,
    pub(crate) content_encoding: Option<String>,
    pub(crate) content_language: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) metadata: BTreeMap<String, String>,
}

/// The checksums that were asked for at the put, in base64.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Sums {
    pub(crate) crc32: Option<String>,
    pub(crate) crc32c: Option<String>,
    pub(crate) crc64nvme: Option<String>,
    pub(crate) sha1: Option<String>,
    pub(crate) sha256: Option<String>,
}

impl Object {
    pub(crate) fn etag(&self) -> ETag {
        ETag::Strong(self.etag.clone())
    }

    pub(crate) fn modified(&self) -> Timestamp {
        self.modified.into()
    }

    /// Whether this version satisfies an `If-Match` or matches an `If-None-Match`.
    pub(crate) fn matches(&self, condition: &ETagCondition) -> bool {
        match condition {
            ETagCondition::Any => true,
            ETagCondition::ETag(etag) => etag.weak_cmp(&self.etag()),
        }
    }

    /// Whether it changed after `instant`, in whole seconds as HTTP dates are.
    pub(crate) fn is_newer_than(&self, instant: &Timestamp) -> bool {
        let instant = OffsetDateTime::from(instant.clone());
        self.modified.unix_timestamp() > instant.unix_timestamp()
    }
}

impl From<Checksum> for Sums {
    fn from(sums: Checksum) -> Self {
        Self {
            crc32: sums.checksum_crc32,
            crc32c: sums.checksum_crc32c,
            crc64nvme: sums.checksum_crc64nvme,
            sha1: sums.checksum_sha1,
            sha256: sums.checksum_sha256,
        }
    }
}
