//! `compute.task_cancellation`: tasks that the owner is to cancel.

use sqlx::{PgConnection, PgExecutor};

use super::{Result, signal};

/// A task that is to be cancelled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) task: i64,
    pub(crate) flow: i64,
}

/// Notes that those of `tasks`, which are of `flow`, that have not ended are to be cancelled, and
/// tells the owner. Answers whether there are any.
pub(crate) async fn insert(db: &mut PgConnection, flow: i64, tasks: &[i64]) -> Result<bool> {
    let row = sqlx::query!(
        r#"with open as (
             select task_key from compute.task_hot where task_key = any($2)
         ), noted as (
             insert into compute.task_cancellation (task_key, workflow_key)
             select task_key, $1 from open
             on conflict do nothing
         ), told as (
             insert into compute.signal (workflow_key, kind)
             select $1, $3 where exists (select from open)
         )
         select exists (select from open) as "is_open!""#,
        flow,
        tasks,
        signal::Kind::TasksCancelled.number(),
    )
    .fetch_one(db)
    .await?;
    Ok(row.is_open)
}

/// Returns up to `limit` tasks that are to be cancelled, in the order of acceptance.
pub(crate) async fn list(db: impl PgExecutor<'_>, limit: i64) -> Result<Vec<Row>> {
    let rows = sqlx::query!(
        "select task_key, workflow_key from compute.task_cancellation order by task_key limit $1",
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|it| Row { task: it.task_key, flow: it.workflow_key }).collect())
}

/// Forgets that `tasks` are to be cancelled: they have ended.
pub(crate) async fn forget(db: &mut PgConnection, tasks: &[i64]) -> Result<()> {
    sqlx::query!("delete from compute.task_cancellation where task_key = any($1)", tasks)
        .execute(db)
        .await?;
    Ok(())
}
