//! Carrying a cancellation on to compute.

use std::time::Duration;

use api::sartiq::compute::v1::CancelWorkflowRequest;
use jobs::{Attempt, Failure, Job};
use serde::{Deserialize, Serialize};
use server::Caller;
use tonic::Code;
use types::id::{GenerationId, WorkflowId};
use uuid::Uuid;

use crate::Generation as Service;
use crate::error::Result;
use crate::store;

/// Cancels the workflow of a cancelled generation.
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
        let found = store::generation::find(&service.db, organization, &[id]).await?;
        // Without a workflow, whoever submits notices the cancellation.
        let Some(workflow) = found.first().and_then(|it| it.workflow_id) else { return Ok(()) };
        Ok(workflow_of(service, organization, id, workflow).await?)
    }
}

async fn workflow_of(
    service: &Service,
    organization: types::id::OrganizationId,
    id: GenerationId,
    workflow_id: WorkflowId,
) -> Result<()> {
    workflow(service, &Caller::background(organization), id, workflow_id).await
}

/// Asks compute to cancel the workflow of a generation. One that has ended is left as it is.
pub(super) async fn workflow(
    service: &Service,
    caller: &Caller,
    id: GenerationId,
    workflow_id: WorkflowId,
) -> Result<()> {
    let request = CancelWorkflowRequest {
        request_id: Uuid::new_v5(&id.uuid(), b"cancel").to_string(),
        id: workflow_id.to_string(),
    };
    match service.clients.workflows.clone().cancel_workflow(caller.call(request)).await {
        Ok(_) => Ok(()),
        Err(status) if status.code() == Code::FailedPrecondition => Ok(()),
        Err(status) => Err(status.into()),
    }
}
