//! `compute.task`, as callers see it.

use sqlx::PgExecutor;
use time::OffsetDateTime;
use types::id::{OrganizationId, TaskId, WorkflowId};

use super::Result;
use crate::task::State;

/// A task, as callers see it.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) key: i64,
    pub(crate) id: TaskId,
    pub(crate) workflow_id: WorkflowId,
    pub(crate) node: Vec<u8>,
    pub(crate) state: State,
    pub(crate) outputs: Vec<u8>,
    pub(crate) failure: Option<Vec<u8>>,
    pub(crate) wake_time: Option<OffsetDateTime>,
    pub(crate) create_time: OffsetDateTime,
    pub(crate) end_time: Option<OffsetDateTime>,
}

macro_rules! row {
    ($it:expr) => {{
        let it = $it;
        Row {
            key: it.task_key,
            id: it.task_id.into(),
            workflow_id: it.workflow_id.into(),
            node: it.node,
            // Invariant: what has no hot row has ended.
            state: State::of(it.state),
            outputs: it.outputs,
            failure: it.failure,
            wake_time: it.wake_at,
            create_time: it.created_at,
            end_time: it.ended_at,
        }
    }};
}

/// Returns a task of `organization`.
pub(crate) async fn find(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    id: TaskId,
) -> Result<Option<Row>> {
    let row = sqlx::query!(
        r#"select task.task_key, task_id, workflow_id as "workflow_id!", node, outputs, failure,
               task.created_at, task.ended_at, coalesce(task.state, hot.state) as "state!", wake_at as "wake_at?"
         from compute.task
             cross join lateral (
                 select * from compute.workflow
                 where workflow.workflow_key = task.workflow_key offset 0
             ) as flow
             left join lateral (
                 select state from compute.task_hot where task_hot.task_key = task.task_key offset 0
             ) as hot on true
             left join lateral (
                 select wake_at from compute.task_wake
                 where task_wake.task_key = task.task_key offset 0
             ) as wake on true
         where flow.organization_id = $1 and task_id = $2"#,
        organization as _,
        id as _,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|it| row!(it)))
}

/// Returns the tasks of a workflow, in the order of the graph.
pub(crate) async fn of_workflow(db: impl PgExecutor<'_>, flow: i64) -> Result<Vec<Row>> {
    let rows = sqlx::query!(
        r#"select task.task_key, task_id, workflow_id, node, outputs, failure, task.created_at,
               task.ended_at, coalesce(task.state, hot.state) as "state!", wake_at as "wake_at?"
         from compute.task join compute.workflow using (workflow_key)
             left join lateral (
                 select state from compute.task_hot where task_hot.task_key = task.task_key offset 0
             ) as hot on true
             left join lateral (
                 select wake_at from compute.task_wake
                 where task_wake.task_key = task.task_key offset 0
             ) as wake on true
         where task.workflow_key = $1
         order by task.ordinal"#,
        flow,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|it| row!(it)).collect())
}

/// Returns the tasks of `organization` that have not ended, after `after`, oldest first.
pub(crate) async fn open(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    after: Option<i64>,
    limit: i64,
) -> Result<Vec<Row>> {
    let rows = sqlx::query!(
        r#"select it.task_key as "task_key!", task_id as "task_id!", workflow_id as "workflow_id!",
               node as "node!", outputs as "outputs!", failure, it.created_at as "created_at!",
               it.ended_at, task_hot.state, wake_at as "wake_at?"
         from compute.task_hot
             cross join lateral (
                 select task.*, workflow_id from compute.task join compute.workflow using (workflow_key)
                 where task.task_key = task_hot.task_key
                     and workflow.workflow_key = task_hot.workflow_key offset 0
             ) as it
             left join lateral (
                 select wake_at from compute.task_wake
                 where task_wake.task_key = task_hot.task_key offset 0
             ) as wake on true
         where task_hot.organization_id = $1 and -task_hot.task_key < -$2::bigint
         order by -task_hot.task_key desc limit $3"#,
        organization as _,
        after.unwrap_or(0),
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|it| row!(it)).collect())
}
