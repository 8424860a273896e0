//! What is counted of generations: how they ended, and how long that took.

use std::time::Duration;

use metrics::{Unit, counter, histogram};
use time::OffsetDateTime;

const ENDED: &str = "sartiq_generation_ended_total";
const DURATION: &str = "sartiq_generation_duration_seconds";

/// Says what is counted.
pub(crate) fn describe() {
    metrics::describe_counter!(ENDED, "Generations that ended, by how.");
    metrics::describe_histogram!(DURATION, Unit::Seconds, "From started to ended.");
}

/// Counts a generation that was started at `start` and has ended as `outcome`.
pub(crate) fn ended(outcome: &'static str, start: OffsetDateTime) {
    let took = Duration::try_from(OffsetDateTime::now_utc() - start).unwrap_or_default();
    counter!(ENDED, "outcome" => outcome).increment(1);
    histogram!(DURATION, "outcome" => outcome).record(took);
}
