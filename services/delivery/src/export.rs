//! Exports: approved pictures on their way to a zip or to a target.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use time::OffsetDateTime;
use types::id::{ExportId, OrganizationId, ShootingId, TargetId};

use crate::format::Format;

/// The first pause of an export that cannot go on. Each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(2);

/// The longest.
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);

/// How long an export may be stuck before what is left of it fails.
const PATIENCE: time::Duration = time::Duration::days(7);

/// An export.
#[derive(Clone, Debug)]
pub(crate) struct Export {
    pub(crate) id: ExportId,
    pub(crate) organization_id: OrganizationId,
    pub(crate) state: State,
    pub(crate) name: String,
    pub(crate) shooting_id: ShootingId,
    // None for a zip.
    pub(crate) target_id: Option<TargetId>,
    pub(crate) format: Format,
    pub(crate) run: i32,
    pub(crate) pauses: i32,
    pub(crate) stuck_since: Option<OffsetDateTime>,
    pub(crate) zip: Option<Zip>,
    pub(crate) problem: String,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) ended_at: Option<OffsetDateTime>,
    // Where in a trace it was asked for.
    pub(crate) traceparent: Option<String>,
    pub(crate) tally: Tally,
}

/// The zip of an export, as it is kept for a while.
#[derive(Clone, Debug)]
pub(crate) struct Zip {
    // The key in the workspace of media.
    pub(crate) key: String,
    pub(crate) size_bytes: i64,
    pub(crate) expires_at: OffsetDateTime,
}

/// How many items an export has, and what became of them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Tally {
    pub(crate) items: i32,
    pub(crate) delivered: i32,
    pub(crate) failed: i32,
}

/// The states of an export.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum State {
    Queued,
    Delivering,
    Waiting,
    Completed,
    PartiallyCompleted,
    Failed,
    Cancelled,
}

impl State {
    /// What an export becomes when none of its items is pending.
    pub(crate) fn at_the_end(tally: Tally) -> Self {
        match tally {
            Tally { failed: 0, .. } => Self::Completed,
            Tally { delivered: 0, .. } => Self::Failed,
            _ => Self::PartiallyCompleted,
        }
    }

    /// Whether nothing happens any more by itself.
    pub(crate) fn is_final(self) -> bool {
        match self {
            Self::Queued | Self::Delivering | Self::Waiting => false,
            Self::Completed | Self::PartiallyCompleted | Self::Failed | Self::Cancelled => true,
        }
    }

    /// Whether failed items may be tried again.
    pub(crate) fn may_be_retried(self) -> bool {
        matches!(self, Self::PartiallyCompleted | Self::Failed)
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Delivering => "delivering",
            Self::Waiting => "waiting",
            Self::Completed => "completed",
            Self::PartiallyCompleted => "partially_completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.as_str().replace('_', " "))
    }
}

impl FromStr for State {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "queued" => Self::Queued,
            "delivering" => Self::Delivering,
            "waiting" => Self::Waiting,
            "completed" => Self::Completed,
            "partially_completed" => Self::PartiallyCompleted,
            "failed" => Self::Failed,
            "cancelled" => Self::Cancelled,
            _ => return Err(format!("export state `{text}`")),
        })
    }
}

impl Export {
    /// The zip, as long as it can be downloaded.
    pub(crate) fn zip_at(&self, now: OffsetDateTime) -> Option<&Zip> {
        self.zip.as_ref().filter(|it| now < it.expires_at)
    }

    /// How long the export pauses next.
    pub(crate) fn pause(&self) -> Duration {
        let doublings = self.pauses.clamp(0, 20).unsigned_abs();
        FIRST_PAUSE.saturating_mul(1 << doublings).min(LONGEST_PAUSE)
    }

    /// Whether it was stuck for so long that what is left of it fails.
    pub(crate) fn is_hopeless(&self, now: OffsetDateTime) -> bool {
        self.stuck_since.is_some_and(|it| it + PATIENCE < now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_follows_from_the_items() {
        let end = |delivered, failed| {
            State::at_the_end(Tally { items: delivered + failed, delivered, failed })
        };
        assert_eq!(end(2, 0), State::Completed);
        assert_eq!(end(1, 1), State::PartiallyCompleted);
        assert_eq!(end(0, 2), State::Failed);
    }

    #[test]
    fn every_state_is_read_as_it_is_written() {
        for state in [
            State::Queued,
            State::Delivering,
            State::Waiting,
            State::Completed,
            State::PartiallyCompleted,
            State::Failed,
            State::Cancelled,
        ] {
            assert_eq!(state.as_str().parse(), Ok(state));
            assert!(state.is_final() || !state.may_be_retried());
        }
    }
}
