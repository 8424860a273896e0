//! What the engine counts: how much waits, how long that took, how it ended.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use api::sartiq::provider::v1 as pb;
use metrics::{Unit, counter, gauge, histogram};
use types::id::TaskId;

use crate::queue::Queue;
use crate::route::Capability;
use crate::task::State;

const DEPTH: &str = "sartiq_task_queue_depth";
const AGE: &str = "sartiq_task_queue_age_seconds";
const ENDED: &str = "sartiq_task_ended_total";
const DURATION: &str = "sartiq_task_duration_seconds";
const ATTEMPT: &str = "sartiq_attempt_duration_seconds";

/// How often what waits is counted at most, while it changes.
const PAUSE: Duration = Duration::from_millis(500);

/// What waits, for those who read the metrics; it is counted from memory.
#[derive(Debug)]
pub(super) struct Waiting {
    shown: Arc<Mutex<Shown>>,
    due: Instant,
    was_empty: bool,
}

/// By capability, how many tasks wait and since when the first of them does.
type Shown = BTreeMap<Capability, (usize, Option<Instant>)>;

impl Waiting {
    pub(super) fn new() -> Self {
        metrics::describe_gauge!(DEPTH, "Tasks that wait for a lane.");
        metrics::describe_gauge!(AGE, Unit::Seconds, "How long the first of them has waited here.");
        metrics::describe_counter!(ENDED, "Tasks that ended, by how.");
        metrics::describe_histogram!(DURATION, Unit::Seconds, "From accepted to ended.");
        metrics::describe_histogram!(ATTEMPT, Unit::Seconds, "How long attempts took.");
        // From the start on, nothing waits; a line that is not there says less than that.
        let known = (1..).map_while(|it| pb::Capability::try_from(i32::from(it)).ok().map(|_| it));
        let shown: Shown = known.map(|it| (Capability(it), (0, None))).collect();
        let shown = Arc::new(Mutex::new(shown));
        let read = Arc::downgrade(&shown);
        server::metric::at_scrape(move || {
            // Who dispatches no more shows that nothing waits here.
            let shown = read.upgrade();
            let Some(shown) = shown else { return };
            for (capability, (depth, since)) in shown.lock().expect("no holder panics").iter() {
                let age = since.map_or(0.0, |it| it.elapsed().as_secs_f64());
                gauge!(DEPTH, "capability" => name(*capability)).set(*depth as f64);
                gauge!(AGE, "capability" => name(*capability)).set(age);
            }
        });
        Self { shown, due: Instant::now(), was_empty: true }
    }

    /// Counts anew, unless that was done a moment ago.
    pub(super) fn count(&mut self, queue: &Queue) {
        let (now, is_empty) = (Instant::now(), queue.is_empty());
        if now < self.due && is_empty == self.was_empty {
            return;
        }
        (self.due, self.was_empty) = (now + PAUSE, is_empty);
        let mut shown = self.shown.lock().expect("no holder panics");
        // What nobody waits for any more is shown as that, and not as what it was.
        shown.values_mut().for_each(|it| *it = (0, None));
        for (capability, (depth, since)) in queue.waiting() {
            shown.insert(capability, (depth, Some(since)));
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        for capability in self.shown.lock().expect("no holder panics").keys() {
            gauge!(DEPTH, "capability" => name(*capability)).set(0.0);
            gauge!(AGE, "capability" => name(*capability)).set(0.0);
        }
    }
}

/// A task that ended, as it is counted once that is durable.
#[derive(Debug)]
pub(super) struct TaskEnd {
    pub(super) flow: i64,
    pub(super) id: TaskId,
    pub(super) capability: Capability,
    pub(super) state: State,
}

impl TaskEnd {
    pub(super) fn count(&self) {
        let outcome = match self.state {
            State::Completed => "completed",
            State::Failed => "failed",
            State::Cancelled => "cancelled",
            _ => "skipped",
        };
        let capability = name(self.capability);
        counter!(ENDED, "capability" => capability, "outcome" => outcome).increment(1);
        histogram!(DURATION, "capability" => capability, "outcome" => outcome).record(age(self.id));
    }
}

/// Counts an attempt that ended.
pub(super) fn attempted(capability: Capability, outcome: &'static str, took: Duration) {
    let capability = name(capability);
    histogram!(ATTEMPT, "capability" => capability, "outcome" => outcome).record(took);
}

/// How long ago a task was accepted, which is when its id was made.
fn age(id: TaskId) -> Duration {
    let made = id.uuid().get_timestamp().map(|it| it.to_unix());
    let made = made.map(|(seconds, nanos)| SystemTime::UNIX_EPOCH + Duration::new(seconds, nanos));
    made.and_then(|it| it.elapsed().ok()).unwrap_or_default()
}

/// Returns what a capability is called.
pub(super) fn name(capability: Capability) -> &'static str {
    if capability == Capability::BUILTIN {
        return "BUILTIN";
    }
    let known = pb::Capability::try_from(i32::from(capability.0)).unwrap_or_default();
    known.as_str_name().trim_start_matches("CAPABILITY_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_are_called_as_the_contract_does() {
        assert_eq!(name(Capability(pb::Capability::EditImage as i16)), "EDIT_IMAGE");
        assert_eq!(name(Capability::BUILTIN), "BUILTIN");
        assert_eq!(name(Capability(999)), "UNSPECIFIED");
    }

    #[test]
    fn a_task_is_as_old_as_its_id() {
        assert!(age(TaskId::generate()) < Duration::from_secs(5));
    }
}
