//! What media counts: uploads and results, by what became of them, and how long that took.

use std::time::Duration;

use metrics::{Unit, counter, histogram};

const UPLOADED: &str = "sartiq_upload_ended_total";
const PROCESSING: &str = "sartiq_upload_processing_seconds";
const ADOPTION: &str = "sartiq_adoption_processing_seconds";

/// Says what is counted.
pub(crate) fn describe() {
    metrics::describe_counter!(UPLOADED, "Uploads that ended, by how.");
    metrics::describe_histogram!(PROCESSING, Unit::Seconds, "From claimed to a media, or none.");
    metrics::describe_histogram!(ADOPTION, Unit::Seconds, "From a result to a media, or none.");
}

/// Counts an upload that was judged.
pub(crate) fn judged(outcome: &'static str, took: Duration) {
    counter!(UPLOADED, "outcome" => outcome).increment(1);
    histogram!(PROCESSING, "outcome" => outcome).record(took);
}

/// Counts uploads that nobody completed in time.
pub(crate) fn expired(count: u64) {
    counter!(UPLOADED, "outcome" => "expired").increment(count);
}

/// Counts a result that was adopted, or could not be.
pub(crate) fn adopted(outcome: &'static str, took: Duration) {
    histogram!(ADOPTION, "outcome" => outcome).record(took);
}
