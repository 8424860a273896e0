//! Shootings, and how their state follows from their shots.

use time::OffsetDateTime;
use types::id::ShootingId;
use types::{Findings, Mask, Version};

use crate::error::{Error, Noun, Result};
use crate::shot;

/// A set of looks that is produced, reviewed and delivered together.
#[derive(Clone, Debug)]
pub(crate) struct Shooting {
    pub(crate) id: ShootingId,
    pub(crate) version: Version,
    pub(crate) state: State,
    pub(crate) content: Content,
    pub(crate) n_looks: i64,
    pub(crate) shots: Counts,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) updated_at: OffsetDateTime,
}

impl Shooting {
    /// Fails unless its looks and shots may change.
    pub(crate) fn check_open(&self) -> Result<()> {
        match self.state {
            State::Archived => Err(self.state.conflict()),
            _ => Ok(()),
        }
    }
}

/// What callers write of a shooting.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Content {
    pub(crate) name: String,
    pub(crate) brief: String,
}

impl Content {
    /// The fields, as update masks name them.
    pub(crate) const FIELDS: &[&str] = &["name", "brief"];

    /// Fails unless a shooting may have this content.
    pub(crate) fn check(&self) -> Result<()> {
        let mut findings = Findings::default();
        findings.require("shooting.name", &self.name);
        Ok(findings.end()?)
    }

    /// Writes what `mask` names of `new`, and tells whether that changed anything.
    pub(crate) fn apply(&mut self, new: Self, mask: &Mask) -> bool {
        [
            mask.write("name", &mut self.name, new.name),
            mask.write("brief", &mut self.brief, new.brief),
        ]
        .contains(&true)
    }
}

/// How many shots are in each state.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Counts {
    pub(crate) planned: i64,
    pub(crate) generating: i64,
    pub(crate) to_review: i64,
    pub(crate) revision_requested: i64,
    pub(crate) approved: i64,
    pub(crate) rejected: i64,
}

impl Counts {
    /// Counts in that a shot changed from one state to another.
    pub(crate) fn shift(&mut self, from: shot::State, to: shot::State) {
        *self.of(from) -= 1;
        *self.of(to) += 1;
    }

    fn of(&mut self, state: shot::State) -> &mut i64 {
        match state {
            shot::State::Planned => &mut self.planned,
            shot::State::Generating => &mut self.generating,
            shot::State::ToReview => &mut self.to_review,
            shot::State::RevisionRequested => &mut self.revision_requested,
            shot::State::Approved => &mut self.approved,
            shot::State::Rejected => &mut self.rejected,
        }
    }

    fn all(&self) -> i64 {
        self.planned
            + self.generating
            + self.to_review
            + self.revision_requested
            + self.approved
            + self.rejected
    }
}

/// Where a shooting is in its life.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum State {
    Draft,
    InProduction,
    InReview,
    Approved,
    Archived,
}

impl State {
    /// Returns the state that follows from the shots.
    pub(crate) fn of(shots: &Counts) -> Self {
        if shots.planned == shots.all() {
            return Self::Draft;
        }
        if shots.approved == shots.all() {
            return Self::Approved;
        }
        if 0 < shots.generating + shots.revision_requested + shots.planned {
            return Self::InProduction;
        }
        if 0 < shots.to_review {
            return Self::InReview;
        }
        // Everything is decided, and what was rejected waits for another generation.
        Self::InProduction
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::InProduction => "in_production",
            Self::InReview => "in_review",
            Self::Approved => "approved",
            Self::Archived => "archived",
        }
    }

    /// Trusts `text` to have been stored by us.
    pub(crate) fn stored(text: &str) -> Self {
        match text {
            "in_production" => Self::InProduction,
            "in_review" => Self::InReview,
            "approved" => Self::Approved,
            "archived" => Self::Archived,
            _ => Self::Draft,
        }
    }

    /// Returns the refusal of what this state does not allow.
    pub(crate) fn conflict(self) -> Error {
        let allowed: &[_] = match self {
            Self::Archived => &["draft", "in_production", "in_review", "approved"],
            _ => &["archived"],
        };
        Error::StateConflict { noun: Noun::Shooting, state: self.as_str(), allowed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Counts = Counts {
        planned: 0,
        generating: 0,
        to_review: 0,
        revision_requested: 0,
        approved: 0,
        rejected: 0,
    };

    #[test]
    fn the_state_follows_from_the_shots() {
        for (shots, state) in [
            (NONE, State::Draft),
            (Counts { planned: 3, ..NONE }, State::Draft),
            (Counts { planned: 2, generating: 1, ..NONE }, State::InProduction),
            (Counts { planned: 1, to_review: 1, ..NONE }, State::InProduction),
            (Counts { generating: 1, to_review: 1, ..NONE }, State::InProduction),
            (Counts { revision_requested: 1, approved: 2, ..NONE }, State::InProduction),
            (Counts { to_review: 1, approved: 2, rejected: 1, ..NONE }, State::InReview),
            (Counts { approved: 2, rejected: 1, ..NONE }, State::InProduction),
            (Counts { approved: 3, ..NONE }, State::Approved),
        ] {
            assert_eq!(State::of(&shots), state, "{shots:?}");
        }
    }

    #[test]
    fn words_survive_the_store() {
        use State::*;
        for it in [Draft, InProduction, InReview, Approved, Archived] {
            assert_eq!(State::stored(it.as_str()), it);
        }
    }
}
