//! Decisions about shots: never changed, only undone.

use time::OffsetDateTime;
use types::id::{DecisionId, GenerationId, PredictionId, ShotId, UserId};

use crate::error::{Error, Result};
use crate::shot::State;

/// What somebody decided about a shot.
#[derive(Clone, Debug)]
pub(crate) struct Decision {
    pub(crate) id: DecisionId,
    /// Its place among all decisions.
    pub(crate) number: i64,
    pub(crate) shot_id: ShotId,
    pub(crate) prediction_id: PredictionId,
    pub(crate) kind: Kind,
    pub(crate) reason: Option<Reason>,
    pub(crate) note: String,
    pub(crate) user_id: UserId,
    /// The generation that a revision started.
    pub(crate) generation_id: Option<GenerationId>,
    /// The state of the shot before.
    pub(crate) state_before: State,
    /// The selected picture of the shot before.
    pub(crate) selected_before: Option<PredictionId>,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) undone_at: Option<OffsetDateTime>,
}

impl Decision {
    /// Returns the state that a shot in `state` gets when this decision about it is undone.
    ///
    /// A shot that has moved on since stays where it is.
    pub(crate) fn undo(&self, state: State) -> Result<State> {
        match (self.kind, state) {
            (Kind::Approve, State::Approved) => Ok(self.state_before),
            // Whatever led there: one picture less is rejected.
            (Kind::Reject, State::Rejected) => Ok(State::ToReview),
            (Kind::Approve | Kind::Reject, _) => Ok(state),
            (Kind::Revise, State::RevisionRequested) if self.generation_id.is_none() => {
                Ok(self.state_before)
            }
            (Kind::Revise, _) => Err(Error::RevisionStarted),
        }
    }

    /// Returns the selected picture of a shot that got `state` by undoing this decision.
    pub(crate) fn selected_after_undo(
        &self,
        state: State,
        selected: Option<PredictionId>,
    ) -> Option<PredictionId> {
        match (self.kind, state) {
            (Kind::Approve | Kind::Revise, State::Approved) => self.selected_before,
            (Kind::Reject, State::Approved) => selected,
            _ => None,
        }
    }
}

/// What was decided.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Approve,
    Reject,
    Revise,
}

impl Kind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::Revise => "revise",
        }
    }

    /// Trusts `text` to have been stored by us.
    pub(crate) fn stored(text: &str) -> Self {
        match text {
            "approve" => Self::Approve,
            "reject" => Self::Reject,
            _ => Self::Revise,
        }
    }
}

/// Why a picture was rejected.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Reason {
    Garment,
    Colour,
    Anatomy,
    Subject,
    Composition,
    Quality,
    Other,
}

impl Reason {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Garment => "garment",
            Self::Colour => "colour",
            Self::Anatomy => "anatomy",
            Self::Subject => "subject",
            Self::Composition => "composition",
            Self::Quality => "quality",
            Self::Other => "other",
        }
    }

    /// Trusts `text` to have been stored by us.
    pub(crate) fn stored(text: &str) -> Self {
        match text {
            "garment" => Self::Garment,
            "colour" => Self::Colour,
            "anatomy" => Self::Anatomy,
            "subject" => Self::Subject,
            "composition" => Self::Composition,
            "quality" => Self::Quality,
            _ => Self::Other,
        }
    }
}
