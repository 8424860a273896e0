//! Workflow RPCs.

use api::sartiq::compute::v1 as pb;
use events::Draft;
use pg::replay::Replay;
use prost::Message;
use server::Caller;
use time::OffsetDateTime;
use types::Page;
use types::id::{TaskId, WorkflowId};

use super::{answer, graph};
use crate::engine::failure_of;
use crate::engine::flow::capability;
use crate::engine::payload::{self, Scene};
use crate::error::{Error, Result};
use crate::store::signal::{Kind, Signal};
use crate::store::workflow::{New, NewTask, Row};
use crate::workflow::{Priority, State};
use crate::{Compute, store, task};

pub(super) async fn submit(
    compute: &Compute,
    caller: Caller,
    request: pb::SubmitWorkflowRequest,
) -> Result<pb::SubmitWorkflowResponse> {
    let organization = caller.organization()?;
    let replay =
        Replay::of("compute", organization, "SubmitWorkflow", &request.request_id, &request)?;
    let nodes = request.graph.unwrap_or_default().nodes;
    graph::check(&nodes)?;
    let tasks = nodes.iter().map(|node| NewTask {
        id: TaskId::generate(),
        node: node.encode_to_vec(),
        capability: capability(node).0,
        parents: i16::try_from(node.after.len()).expect("at most 200"),
    });
    let now = OffsetDateTime::now_utc();
    let new = New {
        id: WorkflowId::generate(),
        // As exact as it is stored.
        create_time: now.replace_nanosecond(now.microsecond() * 1_000).unwrap_or(now),
        organization,
        reference: request.reference,
        priority: Priority::of(i16::try_from(request.priority).unwrap_or_default()),
        traceparent: caller.trace.to_store(),
        tasks: tasks.collect(),
    };
    let reply = pb::SubmitWorkflowResponse { workflow: Some(answer::accepted(&new)) };
    compute.acceptor.accept(new, replay, reply).await
}

pub(super) async fn get(
    compute: &Compute,
    caller: Caller,
    request: pb::GetWorkflowRequest,
) -> Result<pb::GetWorkflowResponse> {
    let row = find(compute, &caller, &request.id).await?;
    Ok(pb::GetWorkflowResponse { workflow: Some(answer::workflow(row)) })
}

pub(super) async fn result(
    compute: &Compute,
    caller: Caller,
    request: pb::GetWorkflowResultRequest,
) -> Result<pb::GetWorkflowResultResponse> {
    let row = find(compute, &caller, &request.id).await?;
    let rows = store::task::of_workflow(&compute.db, row.key).await?;
    let keys: Vec<i64> = rows.iter().map(|it| it.key).collect();
    let attempts = store::attempt::of_tasks(&compute.db, &keys).await?;
    let mut tasks = answer::tasks(rows, attempts)?;
    if !request.nodes.is_empty() {
        tasks.retain(|it| request.nodes.contains(&it.node));
    }
    Ok(pb::GetWorkflowResultResponse { workflow: Some(answer::workflow(row)), tasks })
}

pub(super) async fn list(
    compute: &Compute,
    caller: Caller,
    request: pb::ListWorkflowsRequest,
) -> Result<pb::ListWorkflowsResponse> {
    let organization = caller.organization()?;
    let arguments = ("workflows", organization, request.state);
    let page = Page::parse(request.page_size, &request.page_token, arguments)?;
    let state = match i16::try_from(request.state) {
        Ok(0) | Err(_) => None,
        Ok(number) => Some(State::of(number)),
    };
    let db = &compute.db;
    let rows = store::workflow::list(db, organization, state, page.after()?, page.limit()).await?;
    let (rows, next_page_token) = page.cut(rows, |it| vec![it.key]);
    let workflows = rows.into_iter().map(answer::workflow).collect();
    Ok(pb::ListWorkflowsResponse { workflows, next_page_token })
}

pub(super) async fn cancel(
    compute: &Compute,
    caller: Caller,
    request: pb::CancelWorkflowRequest,
) -> Result<pb::CancelWorkflowResponse> {
    use api::sartiq::provider::v1::failure::{Code, Retry, Scope};
    let organization = caller.organization()?;
    let replay =
        Replay::of("compute", organization, "CancelWorkflow", &request.request_id, &request)?;
    let id = request.id.parse()?;
    let mut tx = compute.db.begin().await?;
    if let Some(reply) = replay.find(&mut tx).await? {
        return Ok(reply);
    }
    let row = store::workflow::lock(&mut tx, organization, id).await?;
    let mut row = row.ok_or(Error::WorkflowNotFound(id))?;
    let is_cancelled = !row.state.is_final();
    if is_cancelled {
        let mut sequence = row.event_sequence;
        let mut drafts = Vec::new();
        let reason =
            failure_of(Code::Cancelled, Retry::Never, Scope::Request, "the workflow was cancelled");
        let mut scene = || {
            sequence += 1;
            Scene { workflow: id, reference: &row.reference, sequence }
        };
        for ended in store::workflow::cancel_tasks(&mut tx, row.key).await? {
            let node = pb::Node::decode(ended.node.as_slice())?.name;
            let state = task::State::Cancelled;
            let event = payload::ended(scene(), ended.id, &node, state, None, 0, Some(&reason));
            drafts.push(Draft::new(organization, event).caused_by(&caller));
        }
        let event = payload::workflow_ended(scene(), State::Cancelled, row.cost_micros);
        drafts.push(Draft::new(organization, event).caused_by(&caller));
        compute.outbox.publish(&mut tx, &drafts).await?;
        row = store::workflow::cancel(&mut tx, row.key, sequence).await?;
    }
    let key = row.key;
    let reply = pb::CancelWorkflowResponse { workflow: Some(answer::workflow(row)) };
    replay.store(&mut tx, &reply).await?;
    compute.outbox.commit(tx).await?;
    if is_cancelled {
        compute.engine.tell(vec![Signal { flow: key, organization, kind: Kind::Cancelled }]);
    }
    Ok(reply)
}

async fn find(compute: &Compute, caller: &Caller, id: &str) -> Result<Row> {
    let organization = caller.organization()?;
    let id = id.parse()?;
    let row = store::workflow::find(&compute.db, organization, id).await?;
    row.ok_or(Error::WorkflowNotFound(id))
}
