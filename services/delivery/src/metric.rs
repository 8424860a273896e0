//! What is counted of exports: what was delivered, what was not, and how long it took.

use std::time::Duration;

use metrics::{Unit, counter, histogram};
use time::OffsetDateTime;

use crate::export::Export;

const ENDED: &str = "sartiq_export_ended_total";
const DELIVERY: &str = "sartiq_export_delivery_seconds";

/// Says what is counted.
pub(crate) fn describe() {
    metrics::describe_counter!(ENDED, "Exports that ended, by how.");
    metrics::describe_histogram!(DELIVERY, Unit::Seconds, "From asked for to delivered.");
}

/// Counts an export that has ended.
pub(crate) fn ended(export: &Export) {
    let outcome = export.state.as_str();
    let target = if export.target_id.is_some() { "bucket" } else { "zip" };
    let took = Duration::try_from(OffsetDateTime::now_utc() - export.created_at);
    counter!(ENDED, "target" => target, "outcome" => outcome).increment(1);
    let took = took.unwrap_or_default();
    histogram!(DELIVERY, "target" => target, "outcome" => outcome).record(took);
}
