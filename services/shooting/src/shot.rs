//! Shots, and the one place that says how their states follow each other.

use time::OffsetDateTime;
use types::id::{GenerationId, LookId, PredictionId, ShootingId, ShotId, ShotTypeId};

use crate::error::{Error, Noun, Result};

/// One picture that a look needs.
#[derive(Clone, Debug)]
pub(crate) struct Shot {
    pub(crate) id: ShotId,
    pub(crate) shooting_id: ShootingId,
    pub(crate) look_id: LookId,
    pub(crate) position: i32,
    pub(crate) shot_type_id: ShotTypeId,
    pub(crate) state: State,
    pub(crate) revision_number: i32,
    // Invariant: set if and only if the state is approved.
    pub(crate) selected: Option<PredictionId>,
    /// The latest generation.
    pub(crate) generation_id: Option<GenerationId>,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) updated_at: OffsetDateTime,
}

/// Where a shot is in its life.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum State {
    Planned,
    Generating,
    ToReview,
    RevisionRequested,
    Approved,
    Rejected,
}

/// What happens to a shot.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Cause {
    /// A generation started.
    Started(Purpose),
    /// A picture became ready.
    Ready,
    /// A generation ended, however.
    Ended,
    /// Somebody approved a picture.
    Approve,
    /// Somebody rejected a picture.
    Reject,
    /// Somebody asked for a revision of a picture.
    Revise,
}

/// What a generation is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Purpose {
    Pictures,
    Revision,
}

/// How a shot stands once what happened to it is counted in.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Facts {
    /// How many of its generations run.
    pub(crate) n_running: i64,
    /// How many of its pictures are ready.
    pub(crate) n_ready: i64,
    /// How many of those are rejected.
    pub(crate) n_rejected: i64,
}

impl State {
    /// Returns the state that follows when `cause` happens.
    pub(crate) fn next(self, cause: Cause, facts: Facts) -> Result<Self> {
        use Cause::*;
        use State::*;
        let all_rejected = facts.n_ready <= facts.n_rejected;
        match (self, cause) {
            // More pictures of an approved shot may be looked at; it stays approved.
            (Approved, Started(Purpose::Pictures)) => Ok(Approved),
            // The first generation, another one, or the revision that was asked for.
            (_, Started(_)) => Ok(Generating),

            // One picture is enough to look at.
            (Planned | Generating | ToReview | Rejected, Ready) => Ok(ToReview),
            // It is of another generation than the one that is waited for.
            (RevisionRequested, Ready) => Ok(RevisionRequested),
            // Another picture changes no decision.
            (Approved, Ready) => Ok(Approved),

            // Another generation still runs.
            (Generating, Ended) if 0 < facts.n_running => Ok(Generating),
            // Nothing was made, now or before.
            (Generating, Ended) if facts.n_ready == 0 => Ok(Planned),
            // Nothing was made beside what was rejected before.
            (Generating, Ended) if all_rejected => Ok(Rejected),
            // What was made before is there to be decided on.
            (Generating, Ended) => Ok(ToReview),
            // Its pictures were told of before; what follows from them followed then.
            (Planned | ToReview | RevisionRequested | Approved | Rejected, Ended) => Ok(self),

            // One picture is selected, in place of any other.
            (ToReview | Approved, Approve) => Ok(Approved),

            // The last picture that was left is rejected.
            (ToReview, Reject) if all_rejected => Ok(Rejected),
            (ToReview, Reject) => Ok(ToReview),

            // The revision is waited for, and an approval is withdrawn in its favour.
            (ToReview | Approved, Revise) => Ok(RevisionRequested),

            (Planned | Generating | RevisionRequested | Rejected, Approve)
            | (Planned | Generating | RevisionRequested | Approved | Rejected, Reject)
            | (Planned | Generating | RevisionRequested | Rejected, Revise) => Err(self.conflict()),
        }
    }

    /// Returns the refusal of what this state does not allow.
    pub(crate) fn conflict(self) -> Error {
        let allowed: &[_] = match self {
            Self::Planned => &["generating"],
            Self::Generating => &["to_review", "planned"],
            Self::ToReview => &["approved", "rejected", "revision_requested", "generating"],
            Self::RevisionRequested => &["generating"],
            Self::Approved => &["to_review", "revision_requested"],
            Self::Rejected => &["generating", "to_review"],
        };
        Error::StateConflict { noun: Noun::Shot, state: self.as_str(), allowed }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Generating => "generating",
            Self::ToReview => "to_review",
            Self::RevisionRequested => "revision_requested",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
        }
    }

    /// Trusts `text` to have been stored by us.
    pub(crate) fn stored(text: &str) -> Self {
        match text {
            "generating" => Self::Generating,
            "to_review" => Self::ToReview,
            "revision_requested" => Self::RevisionRequested,
            "approved" => Self::Approved,
            "rejected" => Self::Rejected,
            _ => Self::Planned,
        }
    }
}

#[cfg(test)]
mod tests;
