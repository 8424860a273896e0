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
    /// The picture that was selected until a revision began, and is again if that makes nothing.
    // Invariant: set only while a revision is asked for or something is generated.
    pub(crate) fallback: Option<PredictionId>,
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
    /// A picture of a generation for this became ready.
    Ready(Purpose),
    /// A generation ended, however.
    Ended,
    /// Somebody approved a picture.
    Approve(PredictionId),
    /// Somebody rejected a picture.
    Reject(PredictionId),
    /// Somebody asked for a revision of a picture.
    Revise,
}

/// What a generation is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Purpose {
    Pictures,
    Revision,
}

impl Purpose {
    /// Returns the purpose of a generation that is for a revision, or is not.
    pub(crate) fn of(is_revision: bool) -> Self {
        match is_revision {
            true => Self::Revision,
            false => Self::Pictures,
        }
    }
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

impl Shot {
    /// Counts in that `cause` happened. A refusal changes nothing.
    pub(crate) fn happen(&mut self, cause: Cause, facts: Facts) -> Result<()> {
        let state = self.next(cause, facts)?;
        match (state, cause) {
            (State::Approved, Cause::Approve(id)) => self.select(id),
            _ => self.enter(state),
        }
        Ok(())
    }

    /// Selects a picture, in place of any other.
    pub(crate) fn select(&mut self, id: PredictionId) {
        self.state = State::Approved;
        self.selected = Some(id);
        self.fallback = None;
    }

    /// Changes to `state`, with the pictures that belong to it.
    fn enter(&mut self, state: State) {
        let approved = self.selected.or(self.fallback);
        (self.selected, self.fallback) = match state {
            State::Approved => (approved, None),
            State::RevisionRequested | State::Generating => (None, approved),
            State::Planned | State::ToReview | State::Rejected => (None, None),
        };
        self.state = state;
    }

    /// Changes to where a shot is that nothing is selected of and nothing is waited for.
    pub(crate) fn settle(&mut self, facts: Facts) {
        self.enter(State::settled(facts));
    }

    /// Returns the state that follows when `cause` happens.
    fn next(&self, cause: Cause, facts: Facts) -> Result<State> {
        use Cause::*;
        use State::*;
        match (self.state, cause) {
            // More pictures of an approved shot may be looked at; it stays approved.
            (Approved, Started(Purpose::Pictures)) => Ok(Approved),
            // It is not the generation that is waited for.
            (RevisionRequested, Started(Purpose::Pictures)) => Ok(RevisionRequested),
            // The first generation, another one, or the revision that was asked for.
            (_, Started(_)) => Ok(Generating),

            // The approval stands until there is what the revision was to put in its place.
            (Generating, Ready(Purpose::Pictures)) if self.fallback.is_some() => Ok(Generating),
            // One picture is enough to look at.
            (Planned | Generating | ToReview | Rejected, Ready(_)) => Ok(ToReview),
            // It is of another generation than the one that is waited for.
            (RevisionRequested, Ready(_)) => Ok(RevisionRequested),
            // Another picture changes no decision.
            (Approved, Ready(_)) => Ok(Approved),

            // Another generation still runs.
            (Generating, Ended) if 0 < facts.n_running => Ok(Generating),
            // The revision made nothing: what it was to replace is as good as before.
            (Generating, Ended) if self.fallback.is_some() => Ok(Approved),
            // Nothing was made now; what was made before is there to be decided on.
            (Generating, Ended) => Ok(State::settled(facts)),
            // Its pictures were told of before; what follows from them followed then.
            (Planned | ToReview | RevisionRequested | Approved | Rejected, Ended) => Ok(self.state),

            // One picture is selected, whatever was decided before.
            (ToReview | Approved | Rejected, Approve(_)) => Ok(Approved),

            // What else there was to choose from does not change the choice.
            (Approved, Reject(id)) if self.selected != Some(id) => Ok(Approved),
            // The approval is withdrawn, or one picture less is left.
            (ToReview | Approved, Reject(_)) => Ok(State::settled(facts)),

            // The revision is waited for, and an approval is withdrawn in its favour.
            (ToReview | Approved | Rejected, Revise) => Ok(RevisionRequested),

            (Planned | Generating | RevisionRequested, Approve(_) | Reject(_) | Revise)
            // There is nothing left to reject.
            | (Rejected, Reject(_)) => Err(self.state.conflict()),
        }
    }
}

impl State {
    /// Returns the state of a shot that nothing is selected of and nothing is waited for.
    fn settled(facts: Facts) -> Self {
        match facts {
            Facts { n_ready: 0, .. } => Self::Planned,
            // The last picture that was left is rejected.
            Facts { n_ready, n_rejected, .. } if n_ready <= n_rejected => Self::Rejected,
            Facts { .. } => Self::ToReview,
        }
    }

    /// Returns the refusal of what this state does not allow.
    pub(crate) fn conflict(self) -> Error {
        let allowed: &[_] = match self {
            Self::Planned => &["generating"],
            Self::Generating => &["to_review", "approved", "rejected", "planned"],
            Self::ToReview => &["approved", "rejected", "revision_requested", "generating"],
            Self::RevisionRequested => &["generating"],
            Self::Approved => &["to_review", "rejected", "revision_requested", "generating"],
            Self::Rejected => &["generating", "to_review", "approved", "revision_requested"],
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
