//! Items: the pictures of an export, one by one.

use std::str::FromStr;

use time::OffsetDateTime;
use types::id::{ExportItemId, MediaId, PredictionId, ShotId};

/// How often an item is tried before it fails.
const MOST_ATTEMPTS: i32 = 5;

/// The SHA-256 of a file.
pub(crate) type Sha256 = [u8; 32];

/// One picture of an export.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) id: ExportItemId,
    pub(crate) shot_id: ShotId,
    pub(crate) prediction_id: PredictionId,
    pub(crate) media_id: MediaId,
    pub(crate) filename: String,
    pub(crate) state: State,
    pub(crate) attempt_count: i32,
    pub(crate) forgiven_count: i32,
    pub(crate) problem: String,
    // What was about to be sent, when it was last tried.
    pub(crate) prepared: Option<Digest>,
    pub(crate) receipt: Option<Receipt>,
}

/// What a file is known by.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Digest {
    pub(crate) sha256: Sha256,
    pub(crate) size_bytes: i64,
}

/// What the receiver confirmed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Receipt {
    pub(crate) location: String,
    pub(crate) remote_id: String,
    pub(crate) digest: Digest,
    pub(crate) delivered_at: OffsetDateTime,
}

/// The states of an item.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum State {
    Pending,
    Delivered,
    Failed,
    Cancelled,
}

impl State {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl FromStr for State {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "pending" => Self::Pending,
            "delivered" => Self::Delivered,
            "failed" => Self::Failed,
            "cancelled" => Self::Cancelled,
            _ => return Err(format!("item state `{text}`")),
        })
    }
}

impl Item {
    /// What a problem that may pass makes of the item, now that it happened once more.
    pub(crate) fn after_a_mishap(&self) -> State {
        let counted = self.attempt_count - self.forgiven_count + 1;
        if counted < MOST_ATTEMPTS { State::Pending } else { State::Failed }
    }
}
