//! Handing a generation's graph to compute, once.

use std::time::Duration;

use api::sartiq::compute::v1::{Graph, Priority, SubmitWorkflowRequest};
use events::Connection;
use jobs::{Attempt, Enqueue, Failure, Job, Queue};
use prost::Message;
use serde::{Deserialize, Serialize};
use server::{Caller, Trace};
use time::OffsetDateTime;
use tonic::Code;
use types::id::GenerationId;
use uuid::Uuid;

use crate::Generation as Service;
use crate::error::{Error, Result};
use crate::generation::{Kind, State};
use crate::jobs::{cancel, settle};
use crate::problem::Problem;
use crate::store;

/// How long the job leaves the handler, which submits at once, alone.
const HEAD_START: Duration = Duration::from_secs(5);

/// Submits a generation whose handler could not.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Submit {
    generation_id: Uuid,
}

impl Submit {
    pub(crate) fn new(id: GenerationId) -> Self {
        Self { generation_id: id.uuid() }
    }

    pub(crate) async fn enqueue(&self, queue: &Queue, db: &mut Connection) -> Result<()> {
        let run_at = Some(OffsetDateTime::now_utc() + HEAD_START);
        Ok(queue.enqueue_with(db, self, Enqueue { run_at, ..Enqueue::default() }).await?)
    }
}

impl Job for Submit {
    const NAME: &'static str = "submit";
    const TIMEOUT: Duration = Duration::from_secs(30);

    type State = Service;

    async fn run(&self, service: &Service, _: &Attempt) -> Result<(), Failure> {
        let id = GenerationId::from(self.generation_id);
        let mut db = service.db.acquire().await?;
        let Some((organization, _)) = store::generation::lock(&mut db, id).await? else {
            return Ok(());
        };
        drop(db);
        Ok(submit(service, &Caller::background(organization), id).await?)
    }

    async fn give_up(&self, service: &Service) -> Result<(), Failure> {
        // Nobody will ask again, so whoever waits is told.
        Ok(settle::fail(service, self.generation_id.into(), &Problem::of_submission()).await?)
    }
}

/// Submits the graph of a generation, unless that was done.
///
/// The request id is made of the generation's, so that compute takes it once however often and by
/// whomever it is submitted.
pub(crate) async fn submit(service: &Service, caller: &Caller, id: GenerationId) -> Result<()> {
    let organization = caller.organization()?;
    let found = store::generation::find(&service.db, organization, &[id]).await?;
    let Some(generation) = found.into_iter().next() else { return Ok(()) };
    // Whoever submits, it is a part of what was asked for then.
    let caller = &caller.clone().within(Trace::stored(generation.traceparent.as_deref()));
    if generation.workflow_id.is_some() {
        // Whoever stored it may have failed to carry a cancellation on.
        return cancel::stop(service, caller, id).await;
    }
    if matches!(generation.state, State::Completed | State::Failed) {
        return Ok(());
    }
    // Even what is cancelled is submitted: an earlier try may have been accepted and its answer
    // lost, and only by asking again does one learn what there is to cancel.
    let priority = match generation.kind {
        // Somebody looks at the picture and waits for the change.
        Kind::Revision => Priority::High,
        Kind::Initial => Priority::Normal,
    };
    let request = SubmitWorkflowRequest {
        request_id: Uuid::new_v5(&id.uuid(), b"submit").to_string(),
        reference: id.to_string(),
        priority: priority.into(),
        graph: Some(Graph::decode(generation.graph.as_slice())?),
    };
    let answer = service.clients.workflows.clone().submit_workflow(caller.call(request)).await;
    let workflow = match answer {
        Ok(answer) => answer.into_inner().workflow.unwrap_or_default(),
        Err(status) if is_refusal(status.code()) => {
            tracing::error!(generation.id = %id, %status, "compute refused the graph");
            let problem = Problem {
                reason: "GRAPH_REFUSED".to_owned(),
                message: status.message().to_owned(),
                is_retryable: false,
            };
            return settle::fail(service, id, &problem).await;
        }
        Err(status) => return Err(Error::from(status)),
    };
    let workflow_id = workflow.id.parse()?;
    store::generation::set_workflow(&service.db, id, workflow_id).await?;
    service.changed(id);
    // Something may have been cancelled while compute was being asked.
    cancel::stop(service, caller, id).await
}

fn is_refusal(code: Code) -> bool {
    matches!(code, Code::InvalidArgument | Code::FailedPrecondition | Code::AlreadyExists)
}
