//! Forgetting what is old.

use std::sync::Arc;
use std::time::Duration;

use crate::sandbox::Sandbox;

/// How often.
const PERIOD: Duration = Duration::from_secs(2);

pub(crate) async fn run(sandbox: Arc<Sandbox>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(PERIOD.min(sandbox.result_ttl)) => {}
            () = sandbox.shutdown.cancelled() => return,
        }
        sandbox.requests.sweep(sandbox.result_ttl);
        sandbox.files.sweep(sandbox.result_ttl);
    }
}
