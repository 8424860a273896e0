//! The verdicts: what has to hold whatever broke. They know nothing but the evidence.

mod books;
mod ends;
mod told;

#[cfg(test)]
mod tests;

use super::record::Evidence;

pub(super) use ends::broken;

/// How long a generation may take that begins and ends in fair weather, in seconds, and how long any
/// may take once the weather is fair for good.
pub(super) const BOUND: f64 = 60.0;

/// How many seconds of fair weather a client may repeat a request without an answer.
pub(super) const ANSWER: f64 = 20.0;

/// Whether something held.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// What has to hold.
    pub name: &'static str,
    /// How many things were looked at.
    pub checked: usize,
    /// Those that did not hold.
    pub breaches: Vec<String>,
}

impl Verdict {
    fn new(name: &'static str) -> Self {
        Self { name, checked: 0, breaches: Vec::new() }
    }

    /// Looks at one thing.
    fn check(&mut self, holds: bool, breach: impl FnOnce() -> String) {
        self.checked += 1;
        if !holds {
            self.breaches.push(breach());
        }
    }
}

/// All verdicts.
pub fn audit(evidence: &Evidence) -> Vec<Verdict> {
    vec![
        ends::accepted_ends(evidence),
        ends::one_request_is_one_generation(evidence),
        ends::nothing_fails(evidence),
        books::one_submission_per_attempt(evidence),
        books::no_charge_twice(evidence),
        ends::no_prediction_is_lost_or_doubled(evidence),
        books::no_object_is_lost_or_orphaned(evidence),
        told::no_gap_and_no_duplicate(evidence),
        told::everything_is_told_once(evidence),
        ends::stale_attempts_change_nothing(evidence),
        ends::nothing_ends_by_itself(evidence),
    ]
}
