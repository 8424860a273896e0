//! Delivering into a zip that can be downloaded.
//!
//! The zip is built anew by every run, on the disk of whoever runs, and is there for others only once it is
//! whole: under a key of its own, written down together with the receipts of what is in it.

use api::sartiq::media::v1::{SignWriteRequest, SignedWrite, WriteTarget};
use http::{HeaderMap, HeaderName, HeaderValue};
use server::Caller;
use time::{Duration, OffsetDateTime};
use types::id::ExportItemId;
use uuid::Uuid;

use crate::archive::{self, Archive};
use crate::error::Error;
use crate::export::{Export, Tally, Zip};
use crate::item::{Item, Receipt, State};
use crate::jobs::deliver::Stop;
use crate::jobs::picture::{self, BATCH, Picture, Trouble};
use crate::jobs::settle;
use crate::jobs::teller::Teller;
use crate::{Delivery, store};

/// How long the workspace keeps a zip.
const LIFE: Duration = Duration::days(7);

/// What is said to users while something of ours is out of order.
const AWAY: &str = "the zip cannot be stored right now";

/// What is in the zip so far.
struct Packed {
    archive: Archive,
    receipts: Vec<(ExportItemId, Receipt)>,
    failed: Vec<(ExportItemId, String)>,
    size_bytes: u64,
}

/// Packs the items of an export, and ends it.
pub(super) async fn deliver(
    delivery: &Delivery,
    caller: &Caller,
    export: &Export,
) -> Result<(), Stop> {
    let packed = pack(delivery, caller, export).await?;
    let zip = match packed.receipts.as_slice() {
        [] => None,
        _ => Some(store(delivery, caller, export, packed.archive).await?),
    };
    let mut tx = delivery.db.begin().await.map_err(Error::from)?;
    let Some(export) = settle::current(&mut tx, export).await? else { return Err(Stop::Overtaken) };
    for (id, receipt) in &packed.receipts {
        store::item::set_delivered(&mut *tx, &export, *id, receipt).await?;
    }
    for (id, problem) in &packed.failed {
        store::item::set_problem(&mut *tx, &export, *id, State::Failed, problem).await?;
    }
    settle::end(delivery, &mut tx, &export, zip.as_ref()).await?;
    Ok(delivery.outbox.commit(tx).await.map_err(Error::from)?)
}

/// Writes the items into a zip on the disk, one at a time.
///
/// Those of earlier runs are packed again: what can be downloaded is always one zip, with everything.
async fn pack(delivery: &Delivery, caller: &Caller, export: &Export) -> Result<Packed, Stop> {
    let archive = Archive::create(export.created_at).map_err(|error| disk(&error))?;
    let mut packed = Packed { archive, receipts: Vec::new(), failed: Vec::new(), size_bytes: 0 };
    let mut teller = Teller::new(delivery, export);
    let mut after = String::new();
    loop {
        let items = next(delivery, export, &after).await?;
        let Some(last) = items.last() else { return Ok(packed) };
        after = last.filename.clone();
        let reads = picture::sign(delivery, caller, &items).await;
        let reads = reads.map_err(|trouble| Stop::Later(trouble.sentence()))?;
        for (item, read) in items.iter().zip(reads) {
            let picture = match read {
                Ok(read) => picture::read(delivery, &read, export.format).await,
                Err(trouble) => Err(trouble),
            };
            packed = match picture {
                Ok(picture) => add(packed, item, picture).await?,
                Err(Trouble::Away(problem)) => return Err(Stop::Later(problem)),
                Err(Trouble::Passing(problem)) if item.after_a_mishap() == State::Pending => {
                    let (db, state) = (&delivery.db, State::Pending);
                    store::item::set_problem(db, export, item.id, state, &problem).await?;
                    return Err(Stop::Later(problem));
                }
                Err(Trouble::Passing(problem) | Trouble::Lasting(problem)) => {
                    packed.failed.push((item.id, problem));
                    packed
                }
            };
            teller.tell(packed.tally(export));
        }
    }
}

/// The next items to be packed, as long as the export is not cancelled.
async fn next(delivery: &Delivery, export: &Export, after: &str) -> Result<Vec<Item>, Stop> {
    let db = &delivery.db;
    let now = store::export::get(db, export.organization_id, export.id).await?;
    if now.run != export.run || now.state.is_final() {
        return Err(Stop::Overtaken);
    }
    let limit = i64::try_from(BATCH).expect("a small number");
    let states = [State::Pending, State::Delivered];
    Ok(store::item::next(db, export, &states, after, limit).await?)
}

async fn add(mut packed: Packed, item: &Item, picture: Picture) -> Result<Packed, Stop> {
    packed.size_bytes += picture.bytes.len() as u64;
    if archive::MAX_BYTES < packed.size_bytes {
        return Err(Stop::Hopeless("the zip would be larger than 5 GiB; export fewer".to_owned()));
    }
    let receipt = Receipt {
        location: item.filename.clone(),
        remote_id: String::new(),
        digest: picture.digest,
        delivered_at: OffsetDateTime::now_utc(),
    };
    packed.receipts.push((item.id, receipt));
    let name = item.filename.clone();
    let added = tokio::task::spawn_blocking(move || {
        packed.archive.add(&name, &picture.bytes)?;
        Ok::<_, archive::Error>(packed)
    });
    added.await.map_err(|_| Stop::Later(AWAY.to_owned()))?.map_err(|error| disk(&error))
}

/// Brings a zip into the workspace.
async fn store(
    delivery: &Delivery,
    caller: &Caller,
    export: &Export,
    archive: Archive,
) -> Result<Zip, Stop> {
    let finished = tokio::task::spawn_blocking(move || archive.finish()).await;
    let finished = finished.map_err(|_| Stop::Later(AWAY.to_owned()))?;
    let (file, size) = finished.map_err(|error| disk(&error))?;
    let key = format!("delivery/{}/{}.zip", export.id, Uuid::now_v7());
    let target = WriteTarget {
        key: key.clone(),
        media_type: "application/zip".to_owned(),
        size_bytes: i64::try_from(size).unwrap_or(i64::MAX),
    };
    let size_bytes = target.size_bytes;
    // Before the workspace begins to count.
    let expires_at = OffsetDateTime::now_utc() + LIFE;
    let call = caller.call(SignWriteRequest { targets: vec![target] });
    let signed = delivery.clients.workspace.clone().sign_write(call).await.map_err(|status| {
        tracing::warn!(%status, "media signs no URL for a zip");
        Stop::Later(AWAY.to_owned())
    })?;
    let write = signed.into_inner().writes.into_iter().next().unwrap_or_default();
    let file = tokio::fs::File::from_std(file);
    let put = delivery.http.put_file(&write.url, headers(&write), file).await;
    put.map_err(|error| {
        tracing::warn!(error = &error as &dyn std::error::Error, "cannot write to the store");
        Stop::Later(AWAY.to_owned())
    })?;
    Ok(Zip { key, size_bytes, expires_at })
}

fn headers(write: &SignedWrite) -> HeaderMap {
    let header = |(name, value): (&String, &String)| {
        Some((name.parse::<HeaderName>().ok()?, value.parse::<HeaderValue>().ok()?))
    };
    write.headers.iter().filter_map(header).collect()
}

fn disk(error: &archive::Error) -> Stop {
    tracing::warn!(error = error as &dyn std::error::Error, "cannot write to the disk");
    Stop::Later("the zip cannot be written right now".to_owned())
}

impl Packed {
    fn tally(&self, export: &Export) -> Tally {
        let count = |n| i32::try_from(n).unwrap_or(i32::MAX);
        Tally {
            items: export.tally.items,
            delivered: count(self.receipts.len()),
            failed: count(self.failed.len()),
        }
    }
}
