//! What the engine tells the world.

use api::sartiq::compute::v1 as pb;
use api::sartiq::event::v1::event::Payload;
use api::sartiq::event::v1::{TaskEnded, TaskRetrying, TaskStarted, WorkflowEnded};
use api::sartiq::provider::v1::Failure;
use api::sartiq::r#type::v1::Money;
use server::timestamp;
use time::OffsetDateTime;
use types::id::{TaskId, WorkflowId};

use super::flow::Flow;
use crate::route::LaneName;
use crate::{task, workflow};

/// Which workflow something happens in.
#[derive(Clone, Debug)]
pub(crate) struct Scene<'a> {
    pub(crate) workflow: WorkflowId,
    pub(crate) reference: &'a str,
    pub(crate) sequence: i64,
}

/// The first attempt of a task started.
pub(super) fn started(flow: &mut Flow, index: usize) -> Payload {
    let workflow_sequence = flow.next_sequence();
    let task = &flow.tasks[index];
    Payload::TaskStarted(TaskStarted {
        task_id: task.id.to_string(),
        workflow_id: flow.id.to_string(),
        reference: flow.reference.clone(),
        workflow_sequence,
        node: task.node.name.clone(),
    })
}

/// An attempt failed, and there will be another.
pub(super) fn retrying(
    flow: &mut Flow,
    index: usize,
    attempt: i32,
    failure: &Failure,
    next: OffsetDateTime,
) -> Payload {
    let workflow_sequence = flow.next_sequence();
    let task = &flow.tasks[index];
    Payload::TaskRetrying(TaskRetrying {
        task_id: task.id.to_string(),
        workflow_id: flow.id.to_string(),
        reference: flow.reference.clone(),
        workflow_sequence,
        node: task.node.name.clone(),
        attempt,
        error_code: failure.code().as_str_name().to_owned(),
        error_message: failure.message.clone(),
        next_attempt_time: Some(timestamp(next)),
    })
}

/// A task of the owner's memory ended.
pub(super) fn task_ended(
    flow: &mut Flow,
    index: usize,
    state: task::State,
    lane: Option<&LaneName>,
    failure: Option<&Failure>,
) -> Payload {
    let sequence = flow.next_sequence();
    let task = &flow.tasks[index];
    let scene = Scene { workflow: flow.id, reference: &flow.reference, sequence };
    let cost = task.cost_micros;
    ended(scene, task.id, &task.node.name, state, lane, cost, failure)
}

/// A task ended.
pub(crate) fn ended(
    scene: Scene<'_>,
    id: TaskId,
    node: &str,
    state: task::State,
    lane: Option<&LaneName>,
    cost_micros: i64,
    failure: Option<&Failure>,
) -> Payload {
    let is_completed = state == task::State::Completed;
    let ended = TaskEnded {
        task_id: id.to_string(),
        workflow_id: scene.workflow.to_string(),
        reference: scene.reference.to_owned(),
        workflow_sequence: scene.sequence,
        node: node.to_owned(),
        state: wire(state).as_str_name().to_owned(),
        provider: lane.map(|it| it.provider.to_string()).unwrap_or_default(),
        model: lane.map(|it| it.model.to_string()).unwrap_or_default(),
        cost: Some(money(cost_micros)),
        error_code: failure.map(|it| it.code().as_str_name().to_owned()).unwrap_or_default(),
        error_message: failure.map(|it| it.message.clone()).unwrap_or_default(),
    };
    if is_completed { Payload::TaskCompleted(ended) } else { Payload::TaskFailed(ended) }
}

/// A workflow ended.
pub(crate) fn workflow_ended(
    scene: Scene<'_>,
    state: workflow::State,
    cost_micros: i64,
) -> Payload {
    let state = pb::workflow::State::try_from(i32::from(state.number())).unwrap_or_default();
    Payload::WorkflowEnded(WorkflowEnded {
        workflow_id: scene.workflow.to_string(),
        reference: scene.reference.to_owned(),
        workflow_sequence: scene.sequence,
        state: state.as_str_name().to_owned(),
        cost: Some(money(cost_micros)),
    })
}

/// Returns the state of a task as the contract knows it.
pub(crate) fn wire(state: task::State) -> pb::task::State {
    pb::task::State::try_from(i32::from(state.number())).unwrap_or_default()
}

/// Returns an amount in the currency that all providers charge.
pub(crate) fn money(micros: i64) -> Money {
    Money { micros, currency: "USD".to_owned() }
}
