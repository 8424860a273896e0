//! What compute's events mean for generations.

use api::sartiq::event::v1::event::Payload;
use api::sartiq::event::v1::{Event, TaskEnded, TaskStarted, WorkflowEnded};
use events::{Connection, Handler, HandlerError};
use types::id::GenerationId;

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

    async fn started(&self, db: &mut Connection, told: &TaskStarted) -> Result<()> {
        let Some(generation) = running(db, &told.reference).await? else { return Ok(()) };
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

    async fn completed(&self, db: &mut Connection, told: &TaskEnded) -> Result<()> {
        let Some(generation) = running(db, &told.reference).await? else { return Ok(()) };
        if let Some(Node::Post(index)) = Node::parse(&told.node) {
            let collect = Collect::new(&generation, index, &told.workflow_id);
            self.service.queue.enqueue(db, &collect).await?;
        }
        Ok(())
    }

    async fn failed(&self, db: &mut Connection, told: &TaskEnded) -> Result<()> {
        let Some(generation) = running(db, &told.reference).await? else { return Ok(()) };
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
        let (Some(id), Some(problem)) = (id, problem) else {
            return self.settle(db, &generation, Vec::new()).await;
        };
        let failed = event::failed(&generation, id, index, problem);
        self.settle(db, &generation, vec![failed]).await
    }

    /// Whatever compute did not tell of, it will not tell any more.
    async fn ended(&self, db: &mut Connection, told: &WorkflowEnded) -> Result<()> {
        if told.state == "STATE_COMPLETED" {
            return Ok(());
        }
        let Some(generation) = running(db, &told.reference).await? else { return Ok(()) };
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
        told.extend(settle::settle(db, generation).await?);
        Ok(self.service.outbox.publish(db, &told).await?)
    }
}

impl Handler for Follow {
    async fn handle(&self, db: &mut Connection, event: &Event) -> Result<(), HandlerError> {
        let reference = match &event.payload {
            Some(Payload::TaskStarted(told)) => {
                self.started(db, told).await?;
                &told.reference
            }
            Some(Payload::TaskCompleted(told)) => {
                self.completed(db, told).await?;
                &told.reference
            }
            Some(Payload::TaskFailed(told)) => {
                self.failed(db, told).await?;
                &told.reference
            }
            Some(Payload::WorkflowEnded(told)) => {
                self.ended(db, told).await?;
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
async fn running(db: &mut Connection, reference: &str) -> Result<Option<Generation>> {
    let Ok(id) = reference.parse::<GenerationId>() else { return Ok(None) };
    let Some((organization, state)) = store::generation::lock(db, id).await? else {
        return Ok(None);
    };
    if state.is_final() {
        return Ok(None);
    }
    Ok(store::generation::find(&mut *db, organization, &[id]).await?.into_iter().next())
}
