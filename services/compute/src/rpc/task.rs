//! Task RPCs.

use api::sartiq::compute::v1 as pb;
use server::Caller;
use types::Page;

use super::answer;
use crate::error::{Error, Result};
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
