//! `compute.signal`: what any replica tells the owner.

use std::time::Duration;

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

/// What an owner learns when it listens.
#[derive(Debug)]
pub(crate) struct News {
    /// Whether it is the owner still.
    pub(crate) is_owner: bool,
    /// What was told since the last horizon, with some of what was told before.
    pub(crate) signals: Vec<Signal>,
    /// From where to listen next.
    pub(crate) horizon: i64,
}

/// Returns what the owner of `epoch` was told since `horizon`, and prolongs its lease if that is asked
/// for: an owner with nothing to do needs one statement for both.
pub(crate) async fn listen(
    db: impl PgExecutor<'_>,
    epoch: i64,
    lease: Option<Duration>,
    horizon: i64,
) -> Result<News> {
    let rows = sqlx::query!(
        r#"with prolonged as (
             update compute.owner set lease_until = clock_timestamp() + make_interval(secs => $2)
             where epoch = $1 and $2::float8 is not null
         )
         select told.workflow_key as "flow?", told.organization_id as "organization?",
             told.kind as "kind?",
             pg_snapshot_xmin(pg_current_snapshot())::text::bigint as "xmin!",
             exists (select from compute.owner where epoch = $1) as "is_owner!"
         from (values (1)) as one
         left join (
             select signal.workflow_key, workflow.organization_id, signal.kind
             from compute.signal cross join lateral (
                 -- By keys, whatever the planner believes of tables that were empty when it last
                 -- counted.
                 select organization_id from compute.workflow
                 where workflow.workflow_key = signal.workflow_key offset 0
             ) as workflow
             where signal.xid >= $3
         ) as told on true"#,
        epoch,
        lease.map(|it| it.as_secs_f64()),
        horizon,
    )
    .fetch_all(db)
    .await?;
    let (is_owner, horizon) = rows.first().map_or((true, horizon), |it| (it.is_owner, it.xmin));
    let signals = rows.into_iter().filter_map(|row| {
        Some(Signal { flow: row.flow?, organization: row.organization?, kind: Kind::of(row.kind?) })
    });
    Ok(News { is_owner, signals: signals.collect(), horizon })
}

/// Forgets what every owner has read.
pub(crate) async fn forget(db: impl PgExecutor<'_>, horizon: i64) -> Result<()> {
    sqlx::query!("delete from compute.signal where xid < $1", horizon).execute(db).await?;
    Ok(())
}
