//! Ending a generation with its last prediction.

use events::{Connection, Draft};
use types::id::GenerationId;

use crate::Generation as Service;
use crate::error::Result;
use crate::generation::{Generation, State};
use crate::metric;
use crate::prediction;
use crate::problem::Problem;
use crate::rpc::event;
use crate::store;

/// Ends the generation if none of its predictions is outstanding. Answers the event that tells of it.
///
/// Whoever calls holds the lock of the generation, so that of two last predictions one ends it.
pub(crate) async fn settle(
    service: &Service,
    db: &mut Connection,
    generation: &Generation,
) -> Result<Option<Draft>> {
    let (organization, id) = (generation.organization_id, generation.id);
    let found = store::generation::find(&mut *db, organization, &[id]).await?;
    let Some(mut now) = found.into_iter().next() else { return Ok(None) };
    let Some(state) = State::at_the_end(now.tally) else { return Ok(None) };
    let problem = match state {
        State::Failed => first_problem(db, id).await?,
        _ => None,
    };
    if !store::generation::set_state(&mut *db, id, state, problem.as_ref()).await? {
        return Ok(None);
    }
    metric::ended(state.as_str(), now.created_at);
    service.progress.forget(id);
    (now.state, now.problem) = (state, problem);
    Ok(Some(event::generation(&now)))
}

/// Fails a generation as a whole, with every prediction of it.
pub(super) async fn fail(service: &Service, id: GenerationId, problem: &Problem) -> Result<()> {
    let mut tx = service.db.begin().await?;
    let Some((organization, _)) = store::generation::lock(&mut tx, id).await? else {
        return Ok(());
    };
    let found = store::generation::find(&mut *tx, organization, &[id]).await?;
    let Some(generation) = found.first() else { return Ok(()) };
    let mut told = Vec::new();
    for index in 0..generation.requested_count {
        let failed = prediction::State::Failed;
        let id = store::prediction::set_state(&mut *tx, id, index, failed, Some(problem)).await?;
        told.extend(id.map(|it| event::failed(generation, it, index, problem)));
    }
    told.extend(settle(service, &mut tx, generation).await?);
    service.outbox.publish(&mut tx, &told).await?;
    service.outbox.commit(tx).await?;
    service.changed(id);
    Ok(())
}

async fn first_problem(db: &mut Connection, id: GenerationId) -> Result<Option<Problem>> {
    let predictions = store::prediction::of_generations(&mut *db, &[id]).await?;
    Ok(predictions.into_iter().find_map(|it| it.problem))
}
