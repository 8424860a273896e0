//! Decisions about shots: never changed, only undone.

use time::OffsetDateTime;
use types::id::{DecisionId, GenerationId, PredictionId, ShotId, UserId};

use crate::error::{Error, Result};
use crate::shot::{Cause, Facts, Shot, State};

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
    /// Gives `shot` back what this decision took, unless that is refused, which changes nothing.
    ///
    /// `earlier` is what was decided about the picture before, and stands. A shot that has moved on
    /// since stays where it is.
    pub(crate) fn undo(
        &self,
        shot: &mut Shot,
        facts: &mut Facts,
        earlier: Option<Kind>,
    ) -> Result<()> {
        use State::*;
        let without = facts.counted(self.kind.verdict(), self.kind.verdict().and(earlier));
        match (self.kind, shot.state) {
            (Kind::Approve, Approved) => self.restore(shot, without),
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
            (Kind::Approve | Kind::Reject, ToReview | Rejected) => shot.settle(without),
            (Kind::Approve | Kind::Reject, _) => {}

            (Kind::Revise, RevisionRequested) if self.generation_id.is_none() => {
                self.restore(shot, without);
            }
            (Kind::Revise, Planned | ToReview | Approved | Rejected) if without.n_running == 0 => {}
            (Kind::Revise, _) => return Err(Error::RevisionStarted),
        }
        if self.kind == Kind::Revise {
            shot.revision_number -= 1;
        }
        *facts = without;
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

/// Where a decision is among the others that stand.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Place {
    /// What was decided about the same picture before.
    pub(crate) earlier: Option<Kind>,
    /// How many about the same shot came later.
    pub(crate) n_later: i64,
}

/// What is to be decided about a picture.
#[derive(Clone, Debug)]
pub(crate) struct Verdict {
    pub(crate) prediction_id: PredictionId,
    pub(crate) kind: Kind,
    pub(crate) reason: Option<Reason>,
    pub(crate) note: String,
    pub(crate) user_id: UserId,
}

impl Verdict {
    /// Decides about `shot`, unless that is refused, which changes nothing.
    ///
    /// `earlier` is what was decided about the picture before, and stands.
    pub(crate) fn decide(
        self,
        shot: &mut Shot,
        facts: &mut Facts,
        earlier: Option<Kind>,
    ) -> Result<NewDecision> {
        let id = self.prediction_id;
        let cause = match self.kind {
            Kind::Approve if shot.selected == Some(id) => return Err(Error::PredictionDecided(id)),
            Kind::Reject if earlier == Some(Kind::Reject) => {
                return Err(Error::PredictionDecided(id));
            }
            Kind::Approve => Cause::Approve(id),
            Kind::Reject => Cause::Reject(id),
            Kind::Revise => Cause::Revise,
        };
        let (state_before, selected_before) = (shot.state, shot.selected);
        let with = facts.counted(earlier, self.kind.verdict().or(earlier));
        shot.happen(cause, with)?;
        shot.revision_number += i32::from(self.kind == Kind::Revise);
        *facts = with;
        Ok(NewDecision {
            id: DecisionId::generate(),
            shot_id: shot.id,
            verdict: self,
            state_before,
            selected_before,
        })
    }
}

/// A decision that is to be stored.
#[derive(Clone, Debug)]
pub(crate) struct NewDecision {
    pub(crate) id: DecisionId,
    pub(crate) shot_id: ShotId,
    pub(crate) verdict: Verdict,
    /// The state of the shot before.
    pub(crate) state_before: State,
    /// The selected picture of the shot before.
    pub(crate) selected_before: Option<PredictionId>,
}

impl Facts {
    /// Returns the facts once `after` is what stands about a picture, of which `before` did.
    fn counted(self, before: Option<Kind>, after: Option<Kind>) -> Self {
        let n = |it| i64::from(it == Some(Kind::Reject));
        Self { n_rejected: self.n_rejected - n(before) + n(after), ..self }
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
    /// Returns what this says of the picture. A revision decides nothing about it.
    fn verdict(self) -> Option<Self> {
        (self != Self::Revise).then_some(self)
    }

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
