//! Decisions about shots: never changed, only undone.

use time::OffsetDateTime;
use types::id::{DecisionId, GenerationId, PredictionId, ShotId, UserId};

use crate::error::{Error, Result};
use crate::shot::{Facts, Shot, State};

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
    /// The selected picture of the shot before.
    pub(crate) selected_before: Option<PredictionId>,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) undone_at: Option<OffsetDateTime>,
}

impl Decision {
    /// Gives `shot` back what this decision took; `facts` count the decision no more.
    ///
    /// A shot that has moved on since stays where it is.
    pub(crate) fn undo(&self, shot: &mut Shot, facts: Facts) -> Result<()> {
        use State::*;
        match (self.kind, shot.state) {
            (Kind::Approve, Approved) => self.restore(shot, facts),
            // A revision without a decision: what it comes back to is not this picture any more.
            (Kind::Approve, Generating) if shot.fallback == Some(self.prediction_id) => {
                shot.fallback = self.selected_before;
            }

            // The picture that was rejected had been selected.
            (Kind::Reject, ToReview | Rejected | Generating)
                if self.selected_before == Some(self.prediction_id) =>
            {
                shot.select(self.prediction_id);
            }

            // What is left to decide on may be one more, or one less.
            (Kind::Approve | Kind::Reject, ToReview | Rejected) => shot.settle(facts),
            (Kind::Approve | Kind::Reject, _) => {}

            (Kind::Revise, RevisionRequested) if self.generation_id.is_none() => {
                self.restore(shot, facts);
            }
            (Kind::Revise, Planned | ToReview | Approved | Rejected) if facts.n_running == 0 => {}
            (Kind::Revise, _) => return Err(Error::RevisionStarted),
        }
        if self.kind == Kind::Revise {
            shot.revision_number -= 1;
        }
        Ok(())
    }

    /// Gives `shot` back the picture that was selected before, if one was.
    fn restore(&self, shot: &mut Shot, facts: Facts) {
        match self.selected_before {
            Some(id) => shot.select(id),
            None => shot.settle(facts),
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
