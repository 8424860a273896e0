//! `compute.workflow`, and what is written with it.

use pg::column;
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
    pub(crate) create_time: OffsetDateTime,
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

/// Stores workflows whole, in one statement, and returns their keys and whose they are.
pub(crate) async fn insert(
    db: &mut PgConnection,
    new: &[&New],
    safety_seconds: f64,
) -> Result<Vec<(i64, OrganizationId)>> {
    let tasks: Vec<(usize, &New, &NewTask)> = new
        .iter()
        .flat_map(|flow| flow.tasks.iter().enumerate().map(|(nth, it)| (nth, *flow, it)))
        .collect();
    let rows = sqlx::query!(
        r#"with given as (
             select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::smallint[],
                 $5::integer[], $6::text[], $7::timestamptz[])
                 with ordinality as it (workflow_id, organization_id, reference, priority,
                     task_count, traceparent, created_at, nth)
         ), nodes as (
             select * from unnest($8::uuid[], $9::uuid[], $10::smallint[], $11::bytea[],
                 $12::smallint[], $13::smallint[])
                 as it (task_id, workflow_id, ordinal, node, capability, parents)
         ), accepted as (
             insert into compute.workflow (workflow_id, organization_id, reference, priority, state,
                 task_count, traceparent, created_at)
             select workflow_id, organization_id, reference, priority, $14, task_count, traceparent,
                 created_at
             from given order by nth
             returning workflow_key, workflow_id, organization_id, priority
         ), tasks as (
             insert into compute.task (task_id, workflow_key, ordinal, node)
             select task_id, workflow_key, ordinal, node
             from nodes join accepted using (workflow_id) order by workflow_key, ordinal
             returning task_key, task_id, workflow_key
         ), hot as (
             insert into compute.task_hot (task_key, workflow_key, organization_id, ordinal,
                 priority, capability, state, remaining_parents)
             select task_key, workflow_key, organization_id, ordinal, priority, capability,
                 case when parents = 0 then $15::smallint else $16::smallint end, parents
             from tasks join nodes using (task_id) join accepted using (workflow_key)
         ), wakes as (
             insert into compute.task_wake (task_key, wake_at)
             select task_key, now() + make_interval(secs => $17) from tasks
         ), told as (
             insert into compute.signal (workflow_key, kind) select workflow_key, $18 from accepted
         )
         select workflow_key, organization_id as "organization: OrganizationId" from accepted"#,
        &column(new, |it| it.id.into()) as &[Uuid],
        &column(new, |it| it.organization.into()) as &[Uuid],
        &column(new, |it| it.reference.clone()),
        &column(new, |it| it.priority.number()),
        &column(new, |it| i32::try_from(it.tasks.len()).unwrap_or(i32::MAX)),
        &column(new, |it| it.traceparent.clone()) as _,
        &column(new, |it| it.create_time),
        &column(&tasks, |it| it.2.id.into()) as &[Uuid],
        &column(&tasks, |it| it.1.id.into()) as &[Uuid],
        &column(&tasks, |it| i16::try_from(it.0).unwrap_or(i16::MAX)),
        &column(&tasks, |it| it.2.node.clone()),
        &column(&tasks, |it| it.2.capability),
        &column(&tasks, |it| it.2.parents),
        State::Pending.number(),
        task::State::Queued.number(),
        task::State::Blocked.number(),
        safety_seconds,
        signal::Kind::Accepted.number(),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|it| (it.workflow_key, it.organization)).collect())
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
             where task_key = any(array(
                 select task_key from compute.task where workflow_key = $1
             ))
             returning task_key, organization_id, attempt
         ), wakes as (
             delete from compute.task_wake where task_key = any(array(select task_key from gone))
         ), stopped as (
             update compute.attempt set phase = 7, ended_at = now()
             from gone
             where attempt.task_key = gone.task_key and attempt.number = gone.attempt
                 and attempt.phase in (1, 2, 3, 4)
                 and attempt.task_key = any(array(select task_key from gone))
             returning attempt.*, gone.organization_id
         ), intents as (
             insert into compute.cancellation (task_key, number, organization_id, provider, run_id,
                 resume_token, reserved_micros, currency)
             select stopped.task_key, number, organization_id, provider,
                 task.task_id::text || '-' || number, resume_token, reserved_micros, currency
             from stopped join compute.task using (task_key)
             where task.task_key = any(array(select task_key from gone))
         ), told as (
             insert into compute.signal (workflow_key, kind) values ($1, $2)
         )
         update compute.task set state = 7, ended_at = now()
         where task_key = any(array(select task_key from gone))
         returning task_id, node",
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
