//! Generations, as this service thinks of them.

use std::str::FromStr;

use time::OffsetDateTime;
use types::Money;
use types::id::{GenerationId, OrganizationId, PredictionId, ShootingId, ShotId, WorkflowId};

use crate::prediction;
use crate::problem::Problem;

/// What makes predictions for one shot.
#[derive(Clone, Debug)]
pub(crate) struct Generation {
    pub(crate) id: GenerationId,
    pub(crate) organization_id: OrganizationId,
    pub(crate) shot_id: ShotId,
    pub(crate) shooting_id: ShootingId,
    pub(crate) state: State,
    pub(crate) kind: Kind,
    pub(crate) parent_prediction_id: Option<PredictionId>,
    pub(crate) note: String,
    pub(crate) workflow_id: Option<WorkflowId>,
    pub(crate) requested_count: i32,
    /// The encoded `Configuration`: what it was when it started, whatever changes later.
    pub(crate) configuration: Vec<u8>,
    /// The encoded `Graph`.
    pub(crate) graph: Vec<u8>,
    pub(crate) quote: Money,
    pub(crate) problem: Option<Problem>,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) ended_at: Option<OffsetDateTime>,
    /// Where in a trace it was asked for.
    pub(crate) traceparent: Option<String>,
    pub(crate) tally: Tally,
}

/// How the predictions of a generation stand.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Tally {
    pub(crate) ready: i32,
    pub(crate) failed: i32,
    pub(crate) outstanding: i32,
    pub(crate) cost_micros: i64,
}

impl Tally {
    /// Counts `predictions`.
    pub(crate) fn of(predictions: &[prediction::Prediction]) -> Self {
        let mut tally = Self::default();
        for prediction in predictions {
            match prediction.state {
                prediction::State::Ready => tally.ready += 1,
                prediction::State::Failed => tally.failed += 1,
                prediction::State::Cancelled => (),
                _ => tally.outstanding += 1,
            }
            tally.cost_micros += prediction.made.cost_micros;
        }
        tally
    }
}

/// What a generation is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Initial,
    Revision,
}

impl Kind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Initial => "initial",
            Self::Revision => "revision",
        }
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "initial" => Ok(Self::Initial),
            "revision" => Ok(Self::Revision),
            _ => Err(format!("`{text}` is no kind of a generation")),
        }
    }
}

/// How far a generation is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum State {
    Pending,
    Processing,
    Completed,
    Failed,
    Cancelled,
}

impl State {
    pub(crate) const ALL: [Self; 5] =
        [Self::Pending, Self::Processing, Self::Completed, Self::Failed, Self::Cancelled];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Processing => "processing",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    pub(crate) fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }

    /// Says whether a generation may go from here to `next`.
    pub(crate) fn may_become(self, next: Self) -> bool {
        match (self, next) {
            // The first task started.
            (Self::Pending, Self::Processing) => true,
            // Nothing is outstanding any more, or somebody cancelled.
            (Self::Pending | Self::Processing, next) => next.is_final(),
            _ => false,
        }
    }

    /// The states from which a generation may become `next`.
    pub(crate) fn before(next: Self) -> Vec<String> {
        let before = Self::ALL.into_iter().filter(|it| it.may_become(next));
        before.map(|it| it.as_str().to_owned()).collect()
    }

    /// How a generation ends whose predictions stand as `tally` says. None while one is outstanding.
    pub(crate) fn at_the_end(tally: Tally) -> Option<Self> {
        match tally {
            Tally { outstanding: 1.., .. } => None,
            Tally { ready: 1.., .. } => Some(Self::Completed),
            Tally { failed: 1.., .. } => Some(Self::Failed),
            _ => Some(Self::Cancelled),
        }
    }
}

impl FromStr for State {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|it| it.as_str() == text)
            .ok_or_else(|| format!("`{text}` is no state of a generation"))
    }
}

/// Which task of the graph tells about which prediction.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Node {
    /// Composes the prompt.
    Prompt,
    /// Makes the picture of the prediction with this index.
    Image(i32),
    /// Finishes that picture.
    Post(i32),
    /// Comes after all pictures.
    Gather,
}

impl Node {
    pub(crate) fn name(self) -> String {
        match self {
            Self::Prompt => "prompt".to_owned(),
            Self::Image(index) => format!("image_{index}"),
            Self::Post(index) => format!("post_{index}"),
            Self::Gather => "gather".to_owned(),
        }
    }

    /// Reads what [`Node::name`] wrote.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name.split_once('_') {
            None if name == "prompt" => Some(Self::Prompt),
            None if name == "gather" => Some(Self::Gather),
            Some(("image", index)) => index.parse().ok().map(Self::Image),
            Some(("post", index)) => index.parse().ok().map(Self::Post),
            _ => None,
        }
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
    fn a_generation_ends_with_its_last_prediction() {
        let tally =
            |ready, failed, outstanding| Tally { ready, failed, outstanding, cost_micros: 0 };
        assert_eq!(State::at_the_end(tally(1, 0, 1)), None);
        assert_eq!(State::at_the_end(tally(1, 3, 0)), Some(State::Completed));
        assert_eq!(State::at_the_end(tally(0, 4, 0)), Some(State::Failed));
        assert_eq!(State::at_the_end(tally(0, 0, 0)), Some(State::Cancelled));
    }

    #[test]
    fn nodes_are_read_as_they_are_written() {
        for node in [Node::Prompt, Node::Image(3), Node::Post(11), Node::Gather] {
            assert_eq!(Node::parse(&node.name()), Some(node));
        }
        assert_eq!(Node::parse("image_"), None);
        assert_eq!(Node::parse("other"), None);
    }
}
