//! Predictions, as generation thinks of them.

use std::str::FromStr;
use std::time::Duration;

use time::OffsetDateTime;
use types::id::{GenerationId, MediaId, PredictionId, ShotId};

use crate::problem::Problem;

/// One picture that a generation makes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Prediction {
    pub(crate) id: PredictionId,
    pub(crate) generation_id: GenerationId,
    pub(crate) shot_id: ShotId,
    pub(crate) index: i32,
    pub(crate) state: State,
    // Invariant: set if and only if the state is ready.
    pub(crate) media_id: Option<MediaId>,
    pub(crate) made: Made,
    pub(crate) problem: Option<Problem>,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) ready_at: Option<OffsetDateTime>,
}

/// How a picture was made.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Made {
    pub(crate) seed: u32,
    pub(crate) provider: String,
    pub(crate) model: String,
    pub(crate) prompt: String,
    pub(crate) queue: Option<Duration>,
    pub(crate) run: Option<Duration>,
    pub(crate) post: Option<Duration>,
    pub(crate) cost_micros: i64,
}

/// How far a prediction is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum State {
    Expected,
    Rendering,
    PostProcessing,
    Ready,
    Failed,
    Cancelled,
}

impl State {
    pub(crate) const ALL: [Self; 6] = [
        Self::Expected,
        Self::Rendering,
        Self::PostProcessing,
        Self::Ready,
        Self::Failed,
        Self::Cancelled,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Expected => "expected",
            Self::Rendering => "rendering",
            Self::PostProcessing => "post_processing",
            Self::Ready => "ready",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    pub(crate) fn is_final(self) -> bool {
        matches!(self, Self::Ready | Self::Failed | Self::Cancelled)
    }

    /// Says whether a prediction may go from here to `next`. Steps may be skipped, since events may
    /// be handled late, but none is ever taken back.
    pub(crate) fn may_become(self, next: Self) -> bool {
        match (self, next) {
            (Self::Expected, Self::Rendering | Self::PostProcessing) => true,
            (Self::Rendering, Self::PostProcessing) => true,
            (from, Self::Ready | Self::Failed | Self::Cancelled) => !from.is_final(),
            _ => false,
        }
    }

    /// The states from which a prediction may become `next`.
    pub(crate) fn before(next: Self) -> Vec<String> {
        let before = Self::ALL.into_iter().filter(|it| it.may_become(next));
        before.map(|it| it.as_str().to_owned()).collect()
    }
}

impl FromStr for State {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|it| it.as_str() == text)
            .ok_or_else(|| format!("`{text}` is no state of a prediction"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn final_states_are_final() {
        for from in State::ALL.into_iter().filter(|it| it.is_final()) {
            assert!(State::ALL.into_iter().all(|it| !from.may_become(it)), "{from:?}");
        }
    }

    #[test]
    fn nothing_goes_back() {
        for (a, from) in State::ALL.into_iter().enumerate() {
            for to in &State::ALL[..=a] {
                assert!(!from.may_become(*to), "{from:?} to {to:?}");
            }
        }
    }

    #[test]
    fn states_are_read_as_they_are_written() {
        for state in State::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
        }
    }
}
