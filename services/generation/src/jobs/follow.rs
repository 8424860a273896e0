//! What compute's events mean for generations.

use api::sartiq::event::v1::event::Payload;
use api::sartiq::event::v1::{Event, TaskEnded, TaskStarted, WorkflowEnded};
use events::{Connection, Handler, HandlerError};
use types::id::{GenerationId, OrganizationId};

use crate::Generation as Service;
use crate::error::Result;
use crate::generation::{Generation, Node, State};
use crate::jobs::{Collect, settle};
use crate::prediction;
use crate::problem::Problem;
use crate::rpc::event;
use crate::store;

/// Follows the events of compute.
///
/// A handler only notes what happened; fetching results takes time, and is a job of its own.
#[derive(Debug)]
pub(crate) struct Follow {
    service: Service,
}

impl Follow {
    pub(crate) fn new(service: Service) -> Self {
        Self { service }
    }

    async fn started(&self, db: &mut Connection, of: &Event, told: &TaskStarted) -> Result<()> {
        let running = running(db, of, &told.reference, &told.workflow_id).await?;
        let Some(generation) = running else { return Ok(()) };
        let id = generation.id;
        store::generation::set_state(&mut *db, id, State::Processing, None).await?;
        let (index, state) = match Node::parse(&told.node) {
            Some(Node::Image(index)) => (index, prediction::State::Rendering),
            Some(Node::Post(index)) => (index, prediction::State::PostProcessing),
            _ => return Ok(()),
        };
        store::prediction::set_state(&mut *db, id, index, state, None).await?;
        Ok(())
    }

    async fn completed(&self, db: &mut Connection, of: &Event, told: &TaskEnded) -> Result<()> {
        let running = running(db, of, &told.reference, &told.workflow_id).await?;
        let Some(generation) = running else { return Ok(()) };
        if let Some(Node::Post(index)) = Node::parse(&told.node) {
            // From here on it is the job's, however the workflow ends.
            let state = prediction::State::PostProcessing;
            store::prediction::set_state(&mut *db, generation.id, index, state, None).await?;
            let collect = Collect::new(&generation, index, &told.workflow_id);
            self.service.queue.enqueue(db, &collect).await?;
        }
        Ok(())
    }

    async fn failed(&self, db: &mut Connection, of: &Event, told: &TaskEnded) -> Result<()> {
        let running = running(db, of, &told.reference, &told.workflow_id).await?;
        let Some(generation) = running else { return Ok(()) };
        let (Some(Node::Image(index)) | Some(Node::Post(index))) = Node::parse(&told.node) else {
            return Ok(());
        };
        let problem = Problem::of_task(&told.error_code, &told.error_message);
        let (state, problem) = match told.state.as_str() {
            "STATE_CANCELLED" => (prediction::State::Cancelled, None),
            _ => (prediction::State::Failed, Some(&problem)),
        };
        let id = generation.id;
        let id = store::prediction::set_state(&mut *db, id, index, state, problem).await?;
        let told = id.map(|id| match problem {
            Some(problem) => event::failed(&generation, id, index, problem),
            None => event::cancelled(&generation, id, index),
        });
        self.settle(db, &generation, told.into_iter().collect()).await
    }

    /// Whatever compute did not tell of, it will not tell any more.
    async fn ended(&self, db: &mut Connection, of: &Event, told: &WorkflowEnded) -> Result<()> {
        if told.state == "STATE_COMPLETED" {
            return Ok(());
        }
        let running = running(db, of, &told.reference, &told.workflow_id).await?;
        let Some(generation) = running else { return Ok(()) };
        let problem = Problem::of_task("CODE_CANCELLED", "the workflow ended before it was made");
        let mut drafts = Vec::new();
        for made in store::prediction::of_generations(&mut *db, &[generation.id]).await? {
            if matches!(made.state, prediction::State::Expected | prediction::State::Rendering) {
                let failed = prediction::State::Failed;
                let (id, index) = (generation.id, made.index);
                store::prediction::set_state(&mut *db, id, index, failed, Some(&problem)).await?;
                drafts.push(event::failed(&generation, made.id, index, &problem));
            }
        }
        self.settle(db, &generation, drafts).await
    }

    async fn settle(
        &self,
        db: &mut Connection,
        generation: &Generation,
        mut told: Vec<events::Draft>,
    ) -> Result<()> {
        told.extend(settle::settle(&self.service, db, generation).await?);
        Ok(self.service.outbox.publish(db, &told).await?)
    }
}

impl Handler for Follow {
    async fn handle(&self, db: &mut Connection, event: &Event) -> Result<(), HandlerError> {
        let reference = match &event.payload {
            Some(Payload::TaskStarted(told)) => {
                self.started(db, event, told).await?;
                &told.reference
            }
            Some(Payload::TaskCompleted(told)) => {
                self.completed(db, event, told).await?;
                &told.reference
            }
            Some(Payload::TaskFailed(told)) => {
                self.failed(db, event, told).await?;
                &told.reference
            }
            Some(Payload::WorkflowEnded(told)) => {
                self.ended(db, event, told).await?;
                &told.reference
            }
            _ => return Ok(()),
        };
        if let Ok(id) = reference.parse() {
            // A little early, since the transaction has yet to commit; watchers also look by themselves.
            self.service.changed(id);
        }
        self.service.queue.poke();
        Ok(())
    }
}

/// Locks and reads the generation that a workflow refers to. None if it is somebody else's workflow,
/// or the generation has ended: what comes late changes nothing.
async fn running(
    db: &mut Connection,
    event: &Event,
    reference: &str,
    workflow_id: &str,
) -> Result<Option<Generation>> {
    let Ok(id) = reference.parse::<GenerationId>() else { return Ok(None) };
    let Ok(organization) = event.organization_id.parse::<OrganizationId>() else {
        return Ok(None);
    };
    match store::generation::lock(db, id).await? {
        Some((owner, state)) if owner == organization && !state.is_final() => (),
        _ => return Ok(None),
    }
    let found = store::generation::find(&mut *db, organization, &[id]).await?.into_iter().next();
    let Some(generation) = found else { return Ok(None) };
    match generation.workflow_id {
        Some(known) => Ok((known.to_string() == workflow_id).then_some(generation)),
        None => {
            // Events may come before the answer that names the workflow, which may be lost.
            let Ok(workflow) = workflow_id.parse() else { return Ok(None) };
            store::generation::set_workflow(&mut *db, id, workflow).await?;
            Ok(Some(Generation { workflow_id: Some(workflow), ..generation }))
        }
    }
}
