//! The mesh as a whole: every service as a process of its own, on one database, for one test.

mod actor;
pub mod bench;
mod collector;
pub mod faults;
mod house;
mod process;
pub mod raw;
pub mod sample;
mod servers;
mod vendor;

pub use actor::{Actor, Signed, request_id};
pub use collector::{Collector, Seen};
pub use house::{House, SERVICES, Setup, Store, free_address, secrets};
pub use servers::Servers;
pub use vendor::Vendor;

/// What tests fail with.
pub type Error = Box<dyn std::error::Error + Send + Sync>;
/// What tests return.
pub type Result<T = (), E = Error> = std::result::Result<T, E>;

/// Asks `probe` until it answers something; fails after `seconds`.
pub async fn until<T>(
    seconds: u64,
    mut probe: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
    let end = tokio::time::Instant::now() + std::time::Duration::from_secs(seconds);
    let mut last = None;
    while tokio::time::Instant::now() < end {
        match probe().await {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => (),
            Err(error) => last = Some(error),
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    Err(format!("it did not happen within {seconds} s; the last problem: {last:?}").into())
}

/// The reason that a refusal names.
pub fn reason(status: &tonic::Status) -> String {
    use tonic_types::StatusExt;
    status.get_details_error_info().map(|it| it.reason).unwrap_or_default()
}

/// The paths of the fields that a refusal complains about.
pub fn fields(status: &tonic::Status) -> Vec<String> {
    use tonic_types::StatusExt;
    let violations = status.get_details_bad_request().map(|it| it.field_violations);
    violations.unwrap_or_default().into_iter().map(|it| it.field).collect()
}

/// A photograph of the test data.
pub fn photo(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("data/photos").join(name)
}
