//! `compute.cancellation`: attempts that are to be cancelled at their providers.

use sqlx::{PgConnection, PgExecutor};
use types::id::OrganizationId;

use super::Result;
use crate::attempt::Phase;

/// An attempt that is to be cancelled at its provider.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) task: i64,
    pub(crate) number: i32,
    pub(crate) organization: OrganizationId,
    pub(crate) provider: String,
    pub(crate) run_id: String,
    pub(crate) resume_token: Option<Vec<u8>>,
}

/// How a cancellation ended, as far as money goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum End {
    /// Nothing is billed.
    Released,
    /// The provider may bill what was reserved.
    Billable,
    /// Nobody knows whether the provider ever took the run.
    InDoubt,
}

/// Returns the attempts that are to be cancelled, oldest first.
pub(crate) async fn list(db: impl PgExecutor<'_>, limit: i64) -> Result<Vec<Row>> {
    let rows = sqlx::query!(
        "select task_key, number, organization_id, provider, run_id, resume_token
         from compute.cancellation order by created_at limit $1",
        limit,
    )
    .fetch_all(db)
    .await?;
    let rows = rows.into_iter().map(|row| Row {
        task: row.task_key,
        number: row.number,
        organization: row.organization_id.into(),
        provider: row.provider,
        run_id: row.run_id,
        resume_token: row.resume_token,
    });
    Ok(rows.collect())
}

/// Notes what an attempt is to be cancelled by, which became known after the cancellation. Answers
/// whether it still is to be.
pub(crate) async fn set_token(
    db: &mut PgConnection,
    task: i64,
    number: i32,
    resume_token: &[u8],
) -> Result<bool> {
    let done = sqlx::query!(
        "update compute.cancellation set resume_token = $3
         where task_key = $1 and number = $2 and resume_token is null",
        task,
        number,
        resume_token,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends a cancellation and settles what was reserved.
pub(crate) async fn resolve(db: &mut PgConnection, task: i64, number: i32, end: End) -> Result<()> {
    let (entry, phase) = match end {
        End::Released => ("release", None),
        End::Billable => ("settle", None),
        End::InDoubt => ("doubt", Some(Phase::InDoubt.number())),
    };
    sqlx::query!(
        "with gone as (
             delete from compute.cancellation where task_key = $1 and number = $2 returning *
         ), doubted as (
             update compute.attempt set phase = $4::smallint
             from gone
             where attempt.task_key = gone.task_key and attempt.number = gone.number
                 and attempt.task_key = $1 and $4::smallint is not null
         )
         insert into compute.ledger
             (organization_id, task_key, attempt, entry, amount_micros, currency)
         select organization_id, task_key, number, $3, reserved_micros, currency from gone
         on conflict do nothing",
        task,
        number,
        entry,
        phase,
    )
    .execute(db)
    .await?;
    Ok(())
}
