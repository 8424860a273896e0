//! `compute.owner`: who dispatches.

use std::time::Duration;

use sqlx::PgExecutor;
use uuid::Uuid;

use super::Result;

/// Takes the lease if nobody holds it, and returns the new epoch.
///
/// Raising the epoch waits for the transactions that were fenced by the old one; those that come
/// later find it gone.
pub(crate) async fn take(
    db: impl PgExecutor<'_>,
    holder: Uuid,
    lease: Duration,
) -> Result<Option<i64>> {
    sqlx::query_scalar!(
        "update compute.owner
         set epoch = epoch + 1, holder = $1, lease_until = clock_timestamp() + make_interval(secs => $2)
         where lease_until < clock_timestamp()
         returning epoch",
        holder,
        lease.as_secs_f64(),
    )
    .fetch_optional(db)
    .await
}

/// Gives the lease of `epoch` back, so that the next owner need not wait for its end.
pub(crate) async fn release(db: impl PgExecutor<'_>, epoch: i64) -> Result<()> {
    sqlx::query!("update compute.owner set lease_until = '-infinity' where epoch = $1", epoch)
        .execute(db)
        .await?;
    Ok(())
}

/// Fences a transaction: answers whether `epoch` is the owner's, and keeps it so until the end.
pub(crate) async fn share(db: impl PgExecutor<'_>, epoch: i64) -> Result<bool> {
    let row = sqlx::query_scalar!(
        "select epoch from compute.owner where epoch = $1 for key share",
        epoch
    )
    .fetch_optional(db)
    .await?;
    Ok(row.is_some())
}
