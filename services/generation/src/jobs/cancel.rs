//! Carrying a cancellation on to compute.

use std::time::Duration;

use api::sartiq::compute::v1::{CancelTasksRequest, CancelWorkflowRequest};
use jobs::{Attempt, Failure, Job};
use serde::{Deserialize, Serialize};
use server::Caller;
use tonic::{Code, Response, Status};
use types::id::{GenerationId, WorkflowId};
use uuid::Uuid;

use crate::Generation as Service;
use crate::error::Result;
use crate::generation::{Node, State};
use crate::prediction;
use crate::store;

/// Cancels the workflow of a cancelled generation, or the tasks of its cancelled predictions.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Cancel {
    generation_id: Uuid,
}

impl Cancel {
    pub(crate) fn new(id: GenerationId) -> Self {
        Self { generation_id: id.uuid() }
    }
}

impl Job for Cancel {
    const NAME: &'static str = "cancel";
    const TIMEOUT: Duration = Duration::from_secs(30);

    type State = Service;

    async fn run(&self, service: &Service, _: &Attempt) -> Result<(), Failure> {
        let id = GenerationId::from(self.generation_id);
        let mut db = service.db.acquire().await?;
        let Some((organization, _)) = store::generation::lock(&mut db, id).await? else {
            return Ok(());
        };
        drop(db);
        Ok(stop(service, &Caller::background(organization), id).await?)
    }
}

/// Tells compute what was cancelled of a generation: all, or some of its pictures. What has ended
/// there is left as it is.
pub(super) async fn stop(service: &Service, caller: &Caller, id: GenerationId) -> Result<()> {
    let found = store::generation::find(&service.db, caller.organization()?, &[id]).await?;
    let Some(generation) = found.first() else { return Ok(()) };
    // Without a workflow, whoever submits notices the cancellation.
    let Some(workflow) = generation.workflow_id else { return Ok(()) };
    if generation.state == State::Cancelled {
        return ask_for_all(service, caller, id, workflow).await;
    }
    let predictions = store::prediction::of_generations(&service.db, &[id]).await?;
    let cancelled = predictions.iter().filter(|it| it.state == prediction::State::Cancelled);
    let nodes: Vec<String> = cancelled
        .flat_map(|it| [Node::Image(it.index).name(), Node::Post(it.index).name()])
        .collect();
    match nodes.is_empty() {
        true => Ok(()),
        false => ask_for(service, caller, id, workflow, nodes).await,
    }
}

async fn ask_for_all(
    service: &Service,
    caller: &Caller,
    id: GenerationId,
    workflow: WorkflowId,
) -> Result<()> {
    let request = CancelWorkflowRequest {
        request_id: Uuid::new_v5(&id.uuid(), b"cancel").to_string(),
        id: workflow.to_string(),
    };
    let asked = service.clients.workflows.clone().cancel_workflow(caller.call(request)).await;
    heard(asked)
}

async fn ask_for(
    service: &Service,
    caller: &Caller,
    id: GenerationId,
    workflow: WorkflowId,
    nodes: Vec<String>,
) -> Result<()> {
    let request = CancelTasksRequest {
        // The more there are, the more is another request.
        request_id: Uuid::new_v5(&id.uuid(), nodes.join(" ").as_bytes()).to_string(),
        workflow_id: workflow.to_string(),
        nodes,
    };
    heard(service.clients.tasks.clone().cancel_tasks(caller.call(request)).await)
}

fn heard<T>(asked: Result<Response<T>, Status>) -> Result<()> {
    match asked {
        Ok(_) => Ok(()),
        Err(status) if status.code() == Code::FailedPrecondition => Ok(()),
        Err(status) => Err(status.into()),
    }
}
