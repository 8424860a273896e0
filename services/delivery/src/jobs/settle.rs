//! What becomes of an export at the end of a run.

use time::OffsetDateTime;
use types::id::{ExportId, OrganizationId};

use crate::error::Result;
use crate::export::{Export, State, Zip};
use crate::jobs::Deliver;
use crate::rpc::event;
use crate::store::Transaction;
use crate::target::{self, Target};
use crate::{Delivery, item, metric, store};

/// Lets an export be `state` until it goes on, and tells of it if it waits and nobody knows.
pub(super) async fn pause(
    delivery: &Delivery,
    tx: &mut Transaction,
    export: &Export,
    state: State,
    problem: &str,
) -> Result<()> {
    store::export::pause(&mut *tx, export, state, problem).await?;
    let is_news = export.pauses == 0 || export.problem != problem;
    if state == State::Waiting && is_news {
        let export = Export { state, problem: problem.to_owned(), ..export.clone() };
        delivery.outbox.publish(tx, &[event::waiting(&export)]).await?;
    }
    Ok(())
}

/// Plans the next run of an export that cannot go on, unless it was stuck for too long.
pub(super) async fn plan(
    delivery: &Delivery,
    export: &Export,
    state: State,
    problem: &str,
) -> Result<()> {
    let mut tx = delivery.db.begin().await?;
    let Some(export) = current(&mut tx, export).await? else { return Ok(()) };
    if export.is_hopeless(OffsetDateTime::now_utc()) {
        fail(delivery, &mut tx, &export, problem).await?;
        return Ok(delivery.outbox.commit(tx).await?);
    }
    pause(delivery, &mut tx, &export, state, problem).await?;
    Deliver::of(&export).enqueue(delivery, &mut tx, Some(export.pause())).await?;
    Ok(delivery.outbox.commit(tx).await?)
}

/// Lets an export wait until somebody has made the target take us again.
pub(super) async fn refused(
    delivery: &Delivery,
    export: &Export,
    target: &Target,
    problem: &str,
) -> Result<()> {
    let mut tx = delivery.db.begin().await?;
    let Some(export) = current(&mut tx, export).await? else { return Ok(()) };
    let organization = export.organization_id;
    let refused = target::State::Refused;
    if !store::target::set_state_since(&mut *tx, organization, target, refused).await? {
        // Somebody was faster: the refusal may be old news.
        Deliver::of(&export).enqueue(delivery, &mut tx, Some(export.pause())).await?;
    }
    pause(delivery, &mut tx, &export, State::Waiting, problem).await?;
    Ok(delivery.outbox.commit(tx).await?)
}

/// Ends an export with all that is left of it failed.
pub(super) async fn give_up(delivery: &Delivery, export: &Export, problem: &str) -> Result<()> {
    let mut tx = delivery.db.begin().await?;
    let Some(export) = current(&mut tx, export).await? else { return Ok(()) };
    fail(delivery, &mut tx, &export, problem).await?;
    Ok(delivery.outbox.commit(tx).await?)
}

/// Ends an export that no run could finish, with all that is left of it failed.
pub(super) async fn abandon(
    delivery: &Delivery,
    organization: OrganizationId,
    id: ExportId,
    problem: &str,
) -> Result<()> {
    let mut tx = delivery.db.begin().await?;
    let mut export = store::export::lock(&mut tx, organization, id).await?;
    if export.state.is_final() {
        return Ok(());
    }
    // Whoever was believed dead, and is not, is overtaken by this.
    export.run = store::export::start(&mut *tx, organization, id).await?;
    fail(delivery, &mut tx, &export, problem).await?;
    Ok(delivery.outbox.commit(tx).await?)
}

/// Ends an export whose items are all decided.
pub(super) async fn end(
    delivery: &Delivery,
    tx: &mut Transaction,
    export: &Export,
    zip: Option<&Zip>,
) -> Result<()> {
    let counted = store::export::get(&mut *tx, export.organization_id, export.id).await?;
    let problem = match counted.tally.failed {
        0 => String::new(),
        1 => "1 item failed".to_owned(),
        n => format!("{n} items failed"),
    };
    let state = State::at_the_end(counted.tally);
    let ended = Export { state, problem, ..counted };
    store::export::end(&mut *tx, &ended, state, zip).await?;
    metric::ended(&ended);
    Ok(delivery.outbox.publish(tx, &[event::ended(&ended)]).await?)
}

/// Locks and reads the export of a run. None if the run was overtaken, or the export cancelled.
pub(super) async fn current(tx: &mut Transaction, export: &Export) -> Result<Option<Export>> {
    let now = store::export::lock(tx, export.organization_id, export.id).await?;
    let is_current = now.run == export.run && !now.state.is_final();
    Ok(is_current.then_some(now))
}

async fn fail(
    delivery: &Delivery,
    tx: &mut Transaction,
    export: &Export,
    problem: &str,
) -> Result<()> {
    store::item::end_pending(&mut *tx, export, item::State::Failed, problem).await?;
    end(delivery, tx, export, export.zip.as_ref()).await
}
