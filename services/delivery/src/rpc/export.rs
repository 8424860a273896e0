//! Export RPCs.

mod gate;

use api::sartiq::delivery::v1 as pb;
use api::sartiq::media::v1::{ReadSource, SignReadRequest};
use pg::Page;
use pg::replay::{self, Replay};
use server::Caller;
use time::OffsetDateTime;
use tonic::Code;
use types::id::{ExportId, ShootingId, ShotId, TargetId};

use crate::error::{Error, Result};
use crate::export::{Export, State, Tally};
use crate::rpc::{event, wire};
use crate::{Delivery, SCHEMA, filename, item, jobs, store};

pub(super) async fn create(
    delivery: &Delivery,
    caller: Caller,
    request: pb::CreateExportRequest,
) -> Result<pb::CreateExportResponse> {
    let organization = caller.organization()?;
    let replay = Replay::of(SCHEMA, organization, "CreateExport", &request.request_id, &request)?;
    // Who asks again gets the first answer, whatever was decided about the shots since.
    if let Some(reply) = replay.known(&delivery.db).await? {
        return Ok(reply);
    }
    let name = request.name.trim();
    if name.is_empty() {
        return Err(Error::field("name", "must not be empty"));
    }
    let target_id = optional_id::<TargetId>("target_id", &request.target_id)?;
    if let Some(id) = target_id {
        store::target::find(&delivery.db, organization, id).await?;
    }
    let shooting_id: ShootingId = request.shooting_id.parse()?;
    let named = request.shot_ids.iter().map(|it| it.parse()).collect::<Result<Vec<ShotId>, _>>()?;
    let format = wire::format(request.format);
    let items = gate::pass(delivery, &caller, shooting_id, &named, format).await?;
    let export = Export {
        id: ExportId::generate(),
        organization_id: organization,
        state: State::Queued,
        name: name.to_owned(),
        shooting_id,
        target_id,
        format,
        run: 0,
        pauses: 0,
        stuck_since: None,
        zip: None,
        problem: String::new(),
        created_at: OffsetDateTime::now_utc(),
        ended_at: None,
        traceparent: caller.trace.to_store(),
        tally: Tally { items: i32::try_from(items.len()).unwrap_or(i32::MAX), ..Tally::default() },
    };

    let mut tx = delivery.db.begin().await?;
    let reply = replay::once(&mut tx, &replay, async |tx| {
        if let Some(id) = target_id {
            // It is not deleted before the export is there to keep it.
            store::target::hold(&mut *tx, organization, id).await?;
        }
        store::export::insert(&mut *tx, &export).await?;
        store::item::insert_all(&mut *tx, export.id, &items).await?;
        jobs::Deliver::of(&export).enqueue(delivery, &mut *tx, None).await?;
        // As everybody will read it: the database rounds times.
        let export = store::export::get(tx, organization, export.id).await?;
        Ok::<_, Error>(pb::CreateExportResponse { export: Some(wire::export(&export)) })
    })
    .await?;
    delivery.outbox.commit(tx).await?;
    delivery.queue.poke();
    if let Some(progress) = delivery.progress.get() {
        progress.tell(event::progress(&export, export.tally).caused_by(&caller));
    }
    Ok(reply)
}

pub(super) async fn get(
    delivery: &Delivery,
    caller: Caller,
    request: pb::GetExportRequest,
) -> Result<pb::GetExportResponse> {
    let id = request.id.parse()?;
    let export = store::export::get(&delivery.db, caller.organization()?, id).await?;
    Ok(pb::GetExportResponse { export: Some(wire::export(&export)) })
}

pub(super) async fn list(
    delivery: &Delivery,
    caller: Caller,
    request: pb::ListExportsRequest,
) -> Result<pb::ListExportsResponse> {
    let organization = caller.organization()?;
    let shooting = optional_id("shooting_id", &request.shooting_id)?;
    let arguments = ("export", organization, shooting);
    let page = Page::parse(request.page_size, &request.page_token, arguments)?;
    let found = store::export::list(&delivery.db, organization, shooting, &page).await?;
    let (ids, next_page_token) = page.cut(found, |it| vec![*it]);
    let exports = store::export::find(&delivery.db, organization, &ids).await?;
    let exports = exports.iter().map(wire::export).collect();
    Ok(pb::ListExportsResponse { exports, next_page_token })
}

pub(super) async fn list_items(
    delivery: &Delivery,
    caller: Caller,
    request: pb::ListExportItemsRequest,
) -> Result<pb::ListExportItemsResponse> {
    let organization = caller.organization()?;
    let export = store::export::get(&delivery.db, organization, request.export_id.parse()?).await?;
    let arguments = ("export item", organization, export.id);
    let page = Page::parse(request.page_size, &request.page_token, arguments)?;
    let found = store::item::list(&delivery.db, organization, export.id, &page).await?;
    let (items, next_page_token) = page.cut(found, |it| vec![it.filename.clone()]);
    let items = items.iter().map(wire::item).collect();
    Ok(pb::ListExportItemsResponse { items, next_page_token })
}

pub(super) async fn sign_download(
    delivery: &Delivery,
    caller: Caller,
    request: pb::SignDownloadRequest,
) -> Result<pb::SignDownloadResponse> {
    let id = request.id.parse()?;
    let export = store::export::get(&delivery.db, caller.organization()?, id).await?;
    let expired = "the zip of the export expired; create the export again";
    let zip = export.zip_at(OffsetDateTime::now_utc()).ok_or(Error::ZipNotThere(
        match (export.target_id, &export.zip) {
            (Some(_), _) => "the export delivers to a target; it has no zip",
            (None, Some(_)) => expired,
            (None, None) => "the zip of the export is not there yet",
        },
    ))?;
    let name = filename::safe(&export.name).unwrap_or_else(|| "export".to_owned());
    let source = ReadSource {
        key: zip.key.clone(),
        download_filename: format!("{name}.zip"),
        ..ReadSource::default()
    };
    let call = caller.call(SignReadRequest { sources: vec![source] });
    let reads = match delivery.clients.workspace.clone().sign_read(call).await {
        Ok(reply) => reply.into_inner().reads,
        Err(status) if status.code() == Code::NotFound => return Err(Error::ZipNotThere(expired)),
        Err(status) => return Err(status.into()),
    };
    let read = reads.into_iter().next().unwrap_or_default();
    Ok(pb::SignDownloadResponse { url: read.url, expire_time: read.expire_time })
}

pub(super) async fn retry(
    delivery: &Delivery,
    caller: Caller,
    request: pb::RetryExportRequest,
) -> Result<pb::RetryExportResponse> {
    let organization = caller.organization()?;
    let replay = Replay::of(SCHEMA, organization, "RetryExport", &request.request_id, &request)?;
    let id: ExportId = request.id.parse()?;
    let mut tx = delivery.db.begin().await?;
    let reply = replay::once(&mut tx, &replay, async |tx| {
        let export = store::export::lock(&mut *tx, organization, id).await?;
        if !export.state.may_be_retried() {
            let only = "only one that ended with failed items can be retried";
            return Err(Error::StateConflict { state: export.state, only });
        }
        if let Some(target) = export.target_id {
            store::target::hold(&mut *tx, organization, target).await?;
        }
        store::item::forgive(&mut *tx, &export).await?;
        store::export::reopen(&mut *tx, &export, caller.trace.to_store()).await?;
        jobs::Deliver::of(&export).enqueue(delivery, &mut *tx, None).await?;
        let export = store::export::get(tx, organization, id).await?;
        Ok(pb::RetryExportResponse { export: Some(wire::export(&export)) })
    })
    .await?;
    delivery.outbox.commit(tx).await?;
    delivery.queue.poke();
    Ok(reply)
}

pub(super) async fn cancel(
    delivery: &Delivery,
    caller: Caller,
    request: pb::CancelExportRequest,
) -> Result<pb::CancelExportResponse> {
    let organization = caller.organization()?;
    let replay = Replay::of(SCHEMA, organization, "CancelExport", &request.request_id, &request)?;
    let id: ExportId = request.id.parse()?;
    let mut tx = delivery.db.begin().await?;
    let reply = replay::once(&mut tx, &replay, async |tx| {
        let export = store::export::lock(&mut *tx, organization, id).await?;
        if export.state == State::Cancelled {
            return Ok(pb::CancelExportResponse { export: Some(wire::export(&export)) });
        }
        if export.state.is_final() {
            let only = "only one that has not ended can be cancelled";
            return Err(Error::StateConflict { state: export.state, only });
        }
        store::item::end_pending(&mut *tx, &export, item::State::Cancelled, "").await?;
        store::export::cancel(&mut *tx, &export).await?;
        let export = store::export::get(&mut *tx, organization, id).await?;
        let ended = event::ended(&export).caused_by(&caller);
        delivery.outbox.publish(tx, &[ended]).await?;
        Ok(pb::CancelExportResponse { export: Some(wire::export(&export)) })
    })
    .await?;
    delivery.outbox.commit(tx).await?;
    Ok(reply)
}

fn optional_id<T: std::str::FromStr>(path: &str, text: &str) -> Result<Option<T>> {
    match text {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| Error::field(path, "must be a UUID")),
    }
}
