//! `compute.task_hot`, as the owner reads it into memory.

use sqlx::PgExecutor;
use time::OffsetDateTime;
use types::id::{OrganizationId, TaskId, WorkflowId};

use super::Result;
use crate::task::State;
use crate::workflow::{self, Priority};

/// A task that has not ended, as far as dispatching it goes.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) task: i64,
    pub(crate) flow: i64,
    pub(crate) organization: OrganizationId,
    pub(crate) priority: Priority,
    pub(crate) capability: i16,
    pub(crate) state: State,
    pub(crate) fallback: i16,
    pub(crate) wake_time: Option<OffsetDateTime>,
}

macro_rules! row {
    ($it:expr) => {{
        let it = $it;
        Row {
            task: it.task_key,
            flow: it.workflow_key,
            organization: it.organization_id.into(),
            priority: Priority::of(it.priority),
            capability: it.capability,
            state: State::of(it.state),
            fallback: it.fallback,
            wake_time: it.wake_at,
        }
    }};
}

/// Returns up to `limit` tasks after `after` that wait for nothing but the owner.
pub(crate) async fn page(db: impl PgExecutor<'_>, after: i64, limit: i64) -> Result<Vec<Row>> {
    let rows = sqlx::query!(
        r#"select task_key, workflow_key, organization_id, priority, capability, state, fallback,
               wake_at as "wake_at?"
         from compute.task_hot
             left join lateral (
                 select wake_at from compute.task_wake
                 where task_wake.task_key = task_hot.task_key offset 0
             ) as wake on true
         where task_key > $1 and state <> 1
         order by task_key limit $2"#,
        after,
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|it| row!(it)).collect())
}

/// Returns the tasks of `flows` that wait for nothing but the owner.
pub(crate) async fn of_flows(db: impl PgExecutor<'_>, flows: &[i64]) -> Result<Vec<Row>> {
    let rows = sqlx::query!(
        // By keys, whatever the planner believes of queues that were empty when it last counted.
        r#"select task.task_key, task.workflow_key, organization_id as "organization_id!",
               priority as "priority!", capability as "capability!", hot.state as "state!",
               fallback as "fallback!", wake_at as "wake_at?"
         from compute.task
             cross join lateral (
                 select * from compute.task_hot where task_hot.task_key = task.task_key offset 0
             ) as hot
             left join lateral (
                 select * from compute.task_wake where task_wake.task_key = task.task_key offset 0
             ) as wake on true
         where task.workflow_key = any($1) and hot.state <> 1"#,
        flows,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|it| row!(it)).collect())
}

/// Returns tasks that should have been looked at before `before`.
pub(crate) async fn overdue(
    db: impl PgExecutor<'_>,
    before: OffsetDateTime,
    limit: i64,
) -> Result<Vec<Row>> {
    let rows = sqlx::query!(
        r#"select hot.task_key as "task_key!", workflow_key as "workflow_key!",
               organization_id as "organization_id!", priority as "priority!",
               capability as "capability!", state as "state!", fallback as "fallback!",
               wake_at as "wake_at?"
         from compute.task_wake
             cross join lateral (
                 select * from compute.task_hot
                 where task_hot.task_key = task_wake.task_key offset 0
             ) as hot
         where wake_at < $1
         order by wake_at limit $2"#,
        before,
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|it| row!(it)).collect())
}

/// Moves the wake times of tasks that were looked at.
pub(crate) async fn snooze(
    db: impl PgExecutor<'_>,
    tasks: &[i64],
    until: OffsetDateTime,
) -> Result<()> {
    sqlx::query!(
        "update compute.task_wake set wake_at = $2 where task_key = any($1)",
        tasks,
        until
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A workflow that has not ended, whole.
#[derive(Debug)]
pub(crate) struct Flow {
    pub(crate) key: i64,
    pub(crate) id: WorkflowId,
    pub(crate) organization: OrganizationId,
    pub(crate) reference: String,
    pub(crate) priority: Priority,
    pub(crate) state: workflow::State,
    pub(crate) ended_count: i32,
    pub(crate) cost_micros: i64,
    pub(crate) event_sequence: i64,
    pub(crate) traceparent: Option<String>,
    pub(crate) tasks: Vec<Task>,
}

/// One task of it.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) key: i64,
    pub(crate) id: TaskId,
    pub(crate) node: Vec<u8>,
    pub(crate) outputs: Vec<u8>,
    pub(crate) state: State,
    pub(crate) remaining: i16,
    pub(crate) attempt: i32,
    pub(crate) tries: i16,
    pub(crate) lane_tries: i16,
    pub(crate) fallback: i16,
}

/// Returns those of `flows` that have not ended, whole.
pub(crate) async fn flows(db: impl PgExecutor<'_>, flows: &[i64]) -> Result<Vec<Flow>> {
    let rows = sqlx::query!(
        r#"select workflow.workflow_key, workflow_id, workflow.organization_id, reference,
               workflow.priority, workflow.state, ended_count, workflow.cost_micros,
               event_sequence, traceparent, task.task_key, task_id, node, outputs,
               coalesce(task.state, hot.state) as "task_state!",
               remaining_parents as "remaining?", attempt as "attempt?", tries as "tries?",
               lane_tries as "lane_tries?", fallback as "fallback?"
         from compute.workflow join compute.task using (workflow_key)
             left join lateral (
                 -- As above.
                 select * from compute.task_hot where task_hot.task_key = task.task_key offset 0
             ) as hot on true
         where workflow.workflow_key = any($1) and workflow.state in (1, 2)
             and task.workflow_key = any($1)
         order by workflow.workflow_key, task.ordinal"#,
        flows,
    )
    .fetch_all(db)
    .await?;
    let mut flows: Vec<Flow> = Vec::new();
    for row in rows {
        if flows.last().is_none_or(|it| it.key != row.workflow_key) {
            flows.push(Flow {
                key: row.workflow_key,
                id: row.workflow_id,
                organization: row.organization_id,
                reference: row.reference,
                priority: Priority::of(row.priority),
                state: workflow::State::of(row.state),
                ended_count: row.ended_count,
                cost_micros: row.cost_micros,
                event_sequence: row.event_sequence,
                traceparent: row.traceparent,
                tasks: Vec::new(),
            });
        }
        let task = Task {
            key: row.task_key,
            id: row.task_id,
            node: row.node,
            outputs: row.outputs,
            state: State::of(row.task_state),
            remaining: row.remaining.unwrap_or_default(),
            attempt: row.attempt.unwrap_or_default(),
            tries: row.tries.unwrap_or_default(),
            lane_tries: row.lane_tries.unwrap_or_default(),
            fallback: row.fallback.unwrap_or_default(),
        };
        flows.last_mut().expect("just made").tasks.push(task);
    }
    Ok(flows)
}
