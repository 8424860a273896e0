//! Rows as callers see them.

use std::collections::HashMap;

use api::sartiq::compute::v1 as pb;
use api::sartiq::provider::v1::Failure;
use api::sartiq::r#type::v1::Money;
use prost::Message;
use server::timestamp;

use crate::engine::payload::wire;
use crate::error::Result;
use crate::store::{attempt, task, workflow};
use crate::task::State;

/// Returns a workflow that is being accepted as the contract knows it.
pub(super) fn accepted(new: &workflow::New) -> pb::Workflow {
    pb::Workflow {
        id: new.id.to_string(),
        state: i32::from(crate::workflow::State::Pending.number()),
        organization_id: new.organization.to_string(),
        reference: new.reference.clone(),
        priority: i32::from(new.priority.number()),
        task_count: i32::try_from(new.tasks.len()).unwrap_or(i32::MAX),
        cost: Some(Money { micros: 0, currency: "USD".to_owned() }),
        create_time: Some(timestamp(new.create_time)),
        ..pb::Workflow::default()
    }
}

/// Returns a workflow as the contract knows it.
pub(super) fn workflow(row: workflow::Row) -> pb::Workflow {
    pb::Workflow {
        id: row.id.to_string(),
        state: i32::from(row.state.number()),
        organization_id: row.organization.to_string(),
        reference: row.reference,
        priority: i32::from(row.priority.number()),
        task_count: row.task_count,
        ended_count: row.ended_count,
        cost: Some(Money { micros: row.cost_micros, currency: row.currency }),
        event_sequence: row.event_sequence,
        create_time: Some(timestamp(row.create_time)),
        end_time: row.end_time.map(timestamp),
    }
}

/// Returns tasks with their attempts as the contract knows them.
pub(super) fn tasks(rows: Vec<task::Row>, attempts: Vec<attempt::Row>) -> Result<Vec<pb::Task>> {
    let mut by_task: HashMap<i64, Vec<attempt::Row>> = HashMap::new();
    for attempt in attempts {
        by_task.entry(attempt.task).or_default().push(attempt);
    }
    let tasks = rows.into_iter().map(|it| {
        let attempts = by_task.remove(&it.key).unwrap_or_default();
        task(it, attempts)
    });
    tasks.collect()
}

fn task(row: task::Row, attempts: Vec<attempt::Row>) -> Result<pb::Task> {
    let attempts = attempts.into_iter().map(attempt).collect::<Result<Vec<_>>>()?;
    let failure = match row.failure {
        Some(bytes) => Some(Failure::decode(bytes.as_slice())?),
        None => attempts.iter().rev().find_map(|it| it.failure.clone()),
    };
    let is_waiting = row.state == State::RetryWait;
    Ok(pb::Task {
        id: row.id.to_string(),
        workflow_id: row.workflow_id.to_string(),
        node: pb::Node::decode(row.node.as_slice())?.name,
        state: wire(row.state).into(),
        attempts,
        outputs: pb::Task::decode(row.outputs.as_slice())?.outputs,
        failure,
        next_attempt_time: row.wake_time.filter(|_| is_waiting).map(timestamp),
        create_time: Some(timestamp(row.create_time)),
        end_time: row.end_time.map(timestamp),
    })
}

fn attempt(row: attempt::Row) -> Result<pb::Attempt> {
    let failure = row.failure.map(|it| Failure::decode(it.as_slice())).transpose()?;
    Ok(pb::Attempt {
        number: row.number,
        phase: i32::from(row.phase.number()),
        provider: row.provider,
        model: row.model,
        vendor_job_id: row.vendor_job_id,
        cost: Some(Money { micros: row.cost_micros, currency: row.currency }),
        failure,
        start_time: Some(timestamp(row.start_time)),
        submit_time: row.submit_time.map(timestamp),
        end_time: row.end_time.map(timestamp),
    })
}
