//! Forgets what is of no use any more.

use server::Shutdown;
use time::Duration;

use crate::error::Result;
use crate::{Identity, rpc, store};

const PAUSE: std::time::Duration = std::time::Duration::from_secs(60 * 60);

/// How long ended things are kept, for whoever asks what happened.
const MEMORY: Duration = Duration::days(30);

/// Sweeps once an hour until told to stop.
pub(crate) async fn run(identity: Identity, shutdown: Shutdown) {
    while shutdown.run_until_cancelled(tokio::time::sleep(PAUSE)).await.is_some() {
        match sweep(&identity).await {
            Ok(n_rows) => tracing::debug!(n_rows, "swept"),
            Err(error) => tracing::warn!(%error, "cannot sweep"),
        }
    }
}

async fn sweep(identity: &Identity) -> Result<u64> {
    let (db, then) = (&identity.db, rpc::now() - MEMORY);
    Ok(store::session::sweep(db, then).await?
        + store::invitation::sweep(db, then).await?
        + store::signing_key::sweep(db, then).await?
        + pg::replay::forget(db, rpc::SCHEMA, pg::replay::LIFE).await?)
}
