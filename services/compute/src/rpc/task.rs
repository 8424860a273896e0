//! Task RPCs.

use api::sartiq::compute::v1 as pb;
use pg::replay::Replay;
use server::Caller;
use types::Page;

use super::answer;
use crate::error::{Error, Result};
use crate::store::signal::{Kind, Signal};
use crate::{Compute, store};

pub(super) async fn get(
    compute: &Compute,
    caller: Caller,
    request: pb::GetTaskRequest,
) -> Result<pb::GetTaskResponse> {
    let organization = caller.organization()?;
    let id = request.id.parse()?;
    let row = store::task::find(&compute.db, organization, id).await?;
    let row = row.ok_or(Error::TaskNotFound(id))?;
    let attempts = store::attempt::of_tasks(&compute.db, &[row.key]).await?;
    Ok(pb::GetTaskResponse { task: answer::tasks(vec![row], attempts)?.pop() })
}

pub(super) async fn list(
    compute: &Compute,
    caller: Caller,
    request: pb::ListTasksRequest,
) -> Result<pb::ListTasksResponse> {
    let organization = caller.organization()?;
    let page = Page::parse(request.page_size, &request.page_token, ("tasks", organization))?;
    let rows = store::task::open(&compute.db, organization, page.after()?, page.limit()).await?;
    let (rows, next_page_token) = page.cut(rows, |it| vec![it.key]);
    let keys: Vec<i64> = rows.iter().map(|it| it.key).collect();
    let attempts = store::attempt::of_tasks(&compute.db, &keys).await?;
    Ok(pb::ListTasksResponse { tasks: answer::tasks(rows, attempts)?, next_page_token })
}

pub(super) async fn cancel(
    compute: &Compute,
    caller: Caller,
    request: pb::CancelTasksRequest,
) -> Result<pb::CancelTasksResponse> {
    let organization = caller.organization()?;
    let replay = Replay::of("compute", organization, "CancelTasks", &request.request_id, &request)?;
    let id = request.workflow_id.parse()?;
    let mut tx = compute.db.begin().await?;
    if let Some(reply) = replay.find(&mut tx).await? {
        return Ok(reply);
    }
    let flow = store::workflow::find(&mut *tx, organization, id).await?;
    let flow = flow.ok_or(Error::WorkflowNotFound(id))?.key;
    let rows = store::task::of_workflow(&mut *tx, flow).await?;
    let all: Vec<i64> = rows.iter().map(|it| it.key).collect();
    let attempts = store::attempt::of_tasks(&mut *tx, &all).await?;
    let known = answer::tasks(rows, attempts)?;
    let (mut keys, mut tasks, mut wrong) = (Vec::new(), Vec::new(), Vec::new());
    for (nth, node) in request.nodes.iter().enumerate() {
        match known.iter().position(|it| it.node == *node) {
            Some(place) => {
                keys.push(all[place]);
                tasks.push(known[place].clone());
            }
            None => wrong.push((format!("nodes[{nth}]"), "names no node of the workflow".into())),
        }
    }
    if !wrong.is_empty() {
        return Err(Error::Invalid(wrong));
    }
    let is_open = store::task_cancellation::insert(&mut tx, flow, &keys).await?;
    let reply = pb::CancelTasksResponse { tasks };
    replay.store(&mut tx, &reply).await?;
    tx.commit().await?;
    if is_open {
        compute.engine.tell(vec![Signal { flow, organization, kind: Kind::TasksCancelled }]);
    }
    Ok(reply)
}
