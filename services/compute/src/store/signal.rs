//! `compute.signal`: what any replica tells the owner.

use sqlx::PgExecutor;
use types::id::OrganizationId;

use super::Result;

/// What happened to a workflow.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[repr(i16)]
pub(crate) enum Kind {
    /// It was accepted.
    Accepted = 1,
    /// It was cancelled.
    Cancelled = 2,
    /// Some of its tasks are to be cancelled.
    TasksCancelled = 3,
}

impl Kind {
    /// Returns the number that is stored.
    pub(crate) fn number(self) -> i16 {
        self as i16
    }

    /// Returns the kind of a number that was stored.
    fn of(number: i16) -> Self {
        match number {
            1 => Self::Accepted,
            2 => Self::Cancelled,
            3 => Self::TasksCancelled,
            _ => unreachable!("only kinds are stored"),
        }
    }
}

/// What was told.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Signal {
    pub(crate) flow: i64,
    pub(crate) organization: OrganizationId,
    pub(crate) kind: Kind,
}

/// Returns the oldest transaction that may still commit: what it tells is not read yet.
pub(crate) async fn horizon(db: impl PgExecutor<'_>) -> Result<i64> {
    sqlx::query_scalar!(
        r#"select pg_snapshot_xmin(pg_current_snapshot())::text::bigint as "xmin!""#
    )
    .fetch_one(db)
    .await
}

/// Returns what was told since `horizon`, with some of what was told before, and the next horizon.
pub(crate) async fn since(db: impl PgExecutor<'_>, horizon: i64) -> Result<(Vec<Signal>, i64)> {
    let rows = sqlx::query!(
        r#"select told.workflow_key as "flow?", told.organization_id as "organization?",
               told.kind as "kind?",
               pg_snapshot_xmin(pg_current_snapshot())::text::bigint as "xmin!"
         from (values (1)) as one
         left join (
             select signal.workflow_key, workflow.organization_id, signal.kind
             from compute.signal join compute.workflow using (workflow_key)
             where signal.xid >= $1
         ) as told on true"#,
        horizon,
    )
    .fetch_all(db)
    .await?;
    let next = rows.first().map_or(horizon, |it| it.xmin);
    let signals = rows.into_iter().filter_map(|row| {
        Some(Signal { flow: row.flow?, organization: row.organization?, kind: Kind::of(row.kind?) })
    });
    Ok((signals.collect(), next))
}

/// Forgets what every owner has read.
pub(crate) async fn forget(db: impl PgExecutor<'_>, horizon: i64) -> Result<()> {
    sqlx::query!("delete from compute.signal where xid < $1", horizon).execute(db).await?;
    Ok(())
}
