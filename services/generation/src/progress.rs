//! How far the tasks of running generations are, as far as anybody told.
//!
//! It is kept in memory only: whoever starts anew learns it from the next events.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use types::id::GenerationId;

use crate::generation::Node;
use crate::prediction::{Prediction, State};

/// What of a prediction is done once its picture is made.
const IMAGE_SHARE: i32 = 70;
/// What more is done while it is finished.
const POST_SHARE: i32 = 25;
/// How many generations are remembered.
const MOST: usize = 10_000;

/// The percentages that were told, by generations in the order of their age.
#[derive(Debug, Default)]
pub(crate) struct Progress(Mutex<BTreeMap<GenerationId, HashMap<String, i32>>>);

impl Progress {
    /// Notes that `node` of `generation` is at `percent`. What is less than was told is not noted.
    pub(crate) fn note(&self, generation: GenerationId, node: &str, percent: i32) {
        let mut told = self.0.lock().expect("nobody panics with the lock");
        if MOST <= told.len() && !told.contains_key(&generation) {
            // Likely one that ended and that nobody here was told of; ids begin with the time.
            told.pop_first();
        }
        let nodes = told.entry(generation).or_default();
        let at = nodes.entry(node.to_owned()).or_default();
        *at = percent.clamp(*at, 100);
    }

    /// Forgets a generation that has ended.
    pub(crate) fn forget(&self, generation: GenerationId) {
        self.0.lock().expect("nobody panics with the lock").remove(&generation);
    }

    /// How far `generation` with these predictions is, from 0 to 100.
    pub(crate) fn percent(&self, generation: GenerationId, predictions: &[Prediction]) -> i32 {
        let told = self.0.lock().expect("nobody panics with the lock");
        let nodes = told.get(&generation);
        let at =
            |node: Node| nodes.and_then(|it| it.get(&node.name())).copied().unwrap_or_default();
        let sum: i32 = predictions
            .iter()
            .map(|it| match it.state {
                State::Expected => 0,
                State::Rendering => at(Node::Image(it.index)) * IMAGE_SHARE / 100,
                State::PostProcessing => IMAGE_SHARE + at(Node::Post(it.index)) * POST_SHARE / 100,
                State::Ready | State::Failed | State::Cancelled => 100,
            })
            .sum();
        sum / i32::try_from(predictions.len().max(1)).unwrap_or(i32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_never_goes_back() {
        let (progress, id) = (Progress::default(), GenerationId::generate());
        progress.note(id, "image_0", 60);
        progress.note(id, "image_0", 40);
        let told = progress.0.lock().map(|it| it[&id]["image_0"]).ok();
        assert_eq!(told, Some(60));
    }

    #[test]
    fn the_oldest_is_forgotten_when_there_are_too_many() {
        let progress = Progress::default();
        let ids: Vec<_> = (0..=MOST).map(|_| GenerationId::generate()).collect();
        for id in &ids {
            progress.note(*id, "image_0", 10);
        }
        let told = progress.0.lock().expect("nobody panics with the lock");
        assert_eq!(told.len(), MOST);
        assert!(told.contains_key(&ids[MOST]));
    }
}
