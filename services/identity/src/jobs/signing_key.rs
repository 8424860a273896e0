//! Keeps the signing keys fresh: reads what other replicas decided, and decides when it is time.

use std::time::Duration;

use server::Shutdown;

use crate::error::Result;
use crate::signing_key::{LEAD, OVERLAP, Plan, SigningKey, plan};
use crate::{Identity, rpc, store};

/// How often to look. Well within the time that a key is published before it signs.
const GLANCE: Duration = Duration::from_secs(15);

/// Looks at the keys until told to stop.
pub(crate) async fn run(identity: Identity, shutdown: Shutdown) {
    while shutdown.run_until_cancelled(tokio::time::sleep(GLANCE)).await.is_some() {
        if let Err(error) = turn(&identity).await {
            // The keys in memory go on signing and are believed for as long as they say.
            tracing::warn!(%error, "cannot look after the signing keys");
        }
    }
}

/// Makes a new key if it is time for one, and takes over what the database holds.
pub(crate) async fn turn(identity: &Identity) -> Result<()> {
    let now = rpc::now();
    let lifetime = identity.signing_key_lifetime;
    let mut keys = store::signing_key::list(&identity.db, now).await?;
    if plan(&keys, lifetime, now) != Plan::Keep {
        let mut tx = identity.db.begin().await?;
        store::signing_key::lock(&mut *tx).await?;
        // Somebody else may have been faster.
        keys = store::signing_key::list(&mut *tx, now).await?;
        let signs_at = match plan(&keys, lifetime, now) {
            Plan::Keep => None,
            Plan::Begin => Some(now),
            Plan::Replace => Some(now + LEAD),
        };
        if let Some(signs_at) = signs_at {
            let key = SigningKey::generate(&identity.secret, signs_at);
            store::signing_key::insert(&mut *tx, &key).await?;
            store::signing_key::retire(&mut *tx, key.id, signs_at + OVERLAP).await?;
            tracing::info!(signing_key.id = %key.id, signs_at = %key.signs_at, "signing key made");
        }
        tx.commit().await?;
        keys = store::signing_key::list(&identity.db, now).await?;
    }
    identity.ring.replace(keys, &identity.secret, now)
}
