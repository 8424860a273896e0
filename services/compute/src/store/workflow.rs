//! `compute.workflow`, and what is written with it.

use sqlx::{PgConnection, PgExecutor};
use time::OffsetDateTime;
use types::id::{OrganizationId, TaskId, WorkflowId};
use uuid::Uuid;

use super::{Result, signal};
use crate::task;
use crate::workflow::{Priority, State};

/// A workflow that is accepted.
#[derive(Debug)]
pub(crate) struct New {
    pub(crate) id: WorkflowId,
    pub(crate) organization: OrganizationId,
    pub(crate) reference: String,
    pub(crate) priority: Priority,
    /// Where in a trace it was asked for.
    pub(crate) traceparent: Option<String>,
    pub(crate) tasks: Vec<NewTask>,
}

/// A task of it.
#[derive(Debug)]
pub(crate) struct NewTask {
    pub(crate) id: TaskId,
    pub(crate) node: Vec<u8>,
    pub(crate) capability: i16,
    pub(crate) parents: i16,
}

/// A workflow, as callers see it.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) key: i64,
    pub(crate) id: WorkflowId,
    pub(crate) organization: OrganizationId,
    pub(crate) reference: String,
    pub(crate) priority: Priority,
    pub(crate) state: State,
    pub(crate) task_count: i32,
    pub(crate) ended_count: i32,
    pub(crate) cost_micros: i64,
    pub(crate) currency: String,
    pub(crate) event_sequence: i64,
    pub(crate) create_time: OffsetDateTime,
    pub(crate) end_time: Option<OffsetDateTime>,
}

/// Stores a workflow whole, in one statement, and returns its key and the time of acceptance.
pub(crate) async fn insert(
    db: impl PgExecutor<'_>,
    new: &New,
    safety_seconds: f64,
) -> Result<(i64, OffsetDateTime)> {
    let ids: Vec<Uuid> = new.tasks.iter().map(|it| it.id.into()).collect();
    let nodes: Vec<Vec<u8>> = new.tasks.iter().map(|it| it.node.clone()).collect();
    let capabilities: Vec<i16> = new.tasks.iter().map(|it| it.capability).collect();
    let parents: Vec<i16> = new.tasks.iter().map(|it| it.parents).collect();
    let row = sqlx::query!(
        r#"with accepted as (
             insert into compute.workflow
                 (workflow_id, organization_id, reference, priority, state, task_count,
                     traceparent)
             values ($1, $2, $3, $4, $5, cardinality($6::uuid[]), $14)
             returning workflow_key, created_at
         ), given as (
             select * from unnest($6::uuid[], $7::bytea[], $8::smallint[], $9::smallint[])
                 with ordinality as it (task_id, node, capability, parents, nth)
         ), tasks as (
             insert into compute.task (task_id, workflow_key, ordinal, node)
             select task_id, workflow_key, nth - 1, node from given, accepted order by nth
             returning task_key, ordinal
         ), hot as (
             insert into compute.task_hot (task_key, workflow_key, organization_id, ordinal,
                 priority, capability, state, remaining_parents)
             select task_key, workflow_key, $2, ordinal, $4, capability,
                 case when parents = 0 then $10::smallint else $11::smallint end, parents
             from tasks join given on nth = ordinal + 1, accepted
         ), wakes as (
             insert into compute.task_wake (task_key, wake_at)
             select task_key, now() + make_interval(secs => $12) from tasks
         ), told as (
             insert into compute.signal (workflow_key, kind) select workflow_key, $13 from accepted
         )
         select workflow_key, created_at from accepted"#,
        new.id as _,
        new.organization as _,
        new.reference,
        new.priority.number(),
        State::Pending.number(),
        &ids,
        &nodes,
        &capabilities,
        &parents,
        task::State::Queued.number(),
        task::State::Blocked.number(),
        safety_seconds,
        signal::Kind::Accepted.number(),
        new.traceparent,
    )
    .fetch_one(db)
    .await?;
    Ok((row.workflow_key, row.created_at))
}

macro_rules! row {
    ($it:expr) => {{
        let it = $it;
        Row {
            key: it.workflow_key,
            id: it.workflow_id.into(),
            organization: it.organization_id.into(),
            reference: it.reference,
            priority: Priority::of(it.priority),
            state: State::of(it.state),
            task_count: it.task_count,
            ended_count: it.ended_count,
            cost_micros: it.cost_micros,
            currency: it.currency,
            event_sequence: it.event_sequence,
            create_time: it.created_at,
            end_time: it.ended_at,
        }
    }};
}

/// Returns a workflow of `organization`.
pub(crate) async fn find(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    id: WorkflowId,
) -> Result<Option<Row>> {
    let row = sqlx::query!(
        "select * from compute.workflow where organization_id = $1 and workflow_id = $2",
        organization as _,
        id as _,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|it| row!(it)))
}

/// Returns a workflow of `organization`, and lets nobody else change it until the transaction ends.
pub(crate) async fn lock(
    db: &mut PgConnection,
    organization: OrganizationId,
    id: WorkflowId,
) -> Result<Option<Row>> {
    let row = sqlx::query!(
        "select * from compute.workflow
         where organization_id = $1 and workflow_id = $2 for no key update",
        organization as _,
        id as _,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|it| row!(it)))
}

/// Returns the workflows of `organization` that were accepted before `before`, newest first.
pub(crate) async fn list(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    state: Option<State>,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<Row>> {
    let rows = sqlx::query!(
        "select * from compute.workflow
         where organization_id = $1 and ($2::smallint is null or state = $2)
             and workflow_key < $3
         order by workflow_key desc limit $4",
        organization as _,
        state.map(State::number),
        before.unwrap_or(i64::MAX),
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|it| row!(it)).collect())
}

/// A task that a cancellation ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) id: TaskId,
    pub(crate) node: Vec<u8>,
}

/// Ends the tasks of a workflow that have not ended, notes which attempts are to be cancelled at
/// their providers, and tells the owner.
pub(crate) async fn cancel_tasks(db: &mut PgConnection, flow: i64) -> Result<Vec<Ended>> {
    let rows = sqlx::query!(
        "with gone as (
             delete from compute.task_hot
             where task_key in (select task_key from compute.task where workflow_key = $1)
             returning task_key, organization_id, attempt
         ), wakes as (
             delete from compute.task_wake using gone where task_wake.task_key = gone.task_key
         ), stopped as (
             update compute.attempt set phase = 7, ended_at = now()
             from gone
             where attempt.task_key = gone.task_key and attempt.number = gone.attempt
                 and attempt.phase in (1, 2, 3, 4)
             returning attempt.*, gone.organization_id
         ), intents as (
             insert into compute.cancellation (task_key, number, organization_id, provider, run_id,
                 resume_token, reserved_micros, currency)
             select stopped.task_key, number, organization_id, provider,
                 task.task_id::text || '-' || number, resume_token, reserved_micros, currency
             from stopped join compute.task using (task_key)
         ), told as (
             insert into compute.signal (workflow_key, kind) values ($1, $2)
         )
         update compute.task set state = 7, ended_at = now()
         from gone where task.task_key = gone.task_key
         returning task.task_id, task.node",
        flow,
        signal::Kind::Cancelled.number(),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|it| Ended { id: it.task_id, node: it.node }).collect())
}

/// Ends a workflow that was cancelled.
pub(crate) async fn cancel(db: &mut PgConnection, flow: i64, event_sequence: i64) -> Result<Row> {
    let row = sqlx::query!(
        "update compute.workflow
         set state = 5, ended_at = now(), ended_count = task_count, event_sequence = $2
         where workflow_key = $1
         returning *",
        flow,
        event_sequence,
    )
    .fetch_one(db)
    .await?;
    Ok(row!(row))
}
