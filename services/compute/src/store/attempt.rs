//! `compute.attempt`, as callers and a new owner see it.

use sqlx::{PgConnection, PgExecutor};
use time::OffsetDateTime;

use super::Result;
use super::commit::Handle;
use crate::attempt::Phase;

/// An attempt.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) task: i64,
    pub(crate) number: i32,
    pub(crate) phase: Phase,
    pub(crate) provider: String,
    pub(crate) model: String,
    pub(crate) resume_token: Option<Vec<u8>>,
    pub(crate) vendor_job_id: String,
    pub(crate) reserved_micros: i64,
    pub(crate) cost_micros: i64,
    pub(crate) currency: String,
    pub(crate) failure: Option<Vec<u8>>,
    pub(crate) start_time: OffsetDateTime,
    pub(crate) submit_time: Option<OffsetDateTime>,
    pub(crate) end_time: Option<OffsetDateTime>,
}

macro_rules! row {
    ($it:expr) => {{
        let it = $it;
        Row {
            task: it.task_key,
            number: it.number,
            phase: Phase::of(it.phase),
            provider: it.provider,
            model: it.model,
            resume_token: it.resume_token,
            vendor_job_id: it.vendor_job_id,
            reserved_micros: it.reserved_micros,
            cost_micros: it.cost_micros,
            currency: it.currency,
            failure: it.failure,
            start_time: it.started_at,
            submit_time: it.submitted_at,
            end_time: it.ended_at,
        }
    }};
}

/// Returns the attempts of `tasks`, oldest first.
pub(crate) async fn of_tasks(db: impl PgExecutor<'_>, tasks: &[i64]) -> Result<Vec<Row>> {
    let rows = sqlx::query!(
        "select * from compute.attempt where task_key = any($1) order by task_key, number",
        tasks,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|it| row!(it)).collect())
}

/// Returns the attempts that `tasks` are at.
pub(crate) async fn current(db: impl PgExecutor<'_>, tasks: &[i64]) -> Result<Vec<Row>> {
    let rows = sqlx::query!(
        "select attempt.* from compute.attempt
             join compute.task_hot on task_hot.task_key = attempt.task_key
                 and task_hot.attempt = attempt.number and task_hot.task_key = any($1)
         where attempt.task_key = any($1)",
        tasks,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|it| row!(it)).collect())
}

/// Stores the handles of attempts that providers took, and returns those that were about to be
/// submitted, as they should; the others have been cancelled.
pub(crate) async fn submitted(db: &mut PgConnection, rows: &[&Handle]) -> Result<Vec<(i64, i32)>> {
    let rows = sqlx::query!(
        "update compute.attempt
         set phase = 2, resume_token = it.resume_token, vendor_job_id = it.vendor_job_id,
             submitted_at = now()
         from unnest($1::bigint[], $2::integer[], $3::bytea[], $4::text[])
             as it (task, number, resume_token, vendor_job_id)
         where task_key = it.task and attempt.number = it.number
             -- The same once more, where the answer to the first time was lost.
             and (phase = 1 or (phase = 2 and attempt.resume_token = it.resume_token))
             and task_key = any($1)
         returning task_key, attempt.number",
        &rows.iter().map(|it| it.task).collect::<Vec<_>>(),
        &rows.iter().map(|it| it.number).collect::<Vec<_>>(),
        &rows.iter().map(|it| it.resume_token.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|it| it.vendor_job_id.clone()).collect::<Vec<_>>(),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|it| (it.task_key, it.number)).collect())
}

/// Notes that providers work on attempts.
pub(crate) async fn awaiting(db: &mut PgConnection, tasks: &[i64], numbers: &[i32]) -> Result<()> {
    sqlx::query!(
        "update compute.attempt set phase = 3
         from unnest($1::bigint[], $2::integer[]) as it (task, number)
         where task_key = it.task and attempt.number = it.number and phase = 2
             and task_key = any($1)",
        tasks,
        numbers,
    )
    .execute(db)
    .await?;
    Ok(())
}
