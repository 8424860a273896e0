//! Completing an upload: the bytes are judged once, however often and by how many it is asked for.

use std::time::Instant;

use api::sartiq::media::v1 as pb;
use pg::replay::Replay;
use server::Caller;
use time::OffsetDateTime;
use tracing::Instrument;
use types::id::{OrganizationId, UploadId};

use super::find;
use crate::error::{Error, Result};
use crate::media::Origin;
use crate::objects::Uploaded;
use crate::rpc::id;
use crate::rpc::ingest::{self, Incoming, LEASE, PAUSE, Verdict};
use crate::rpc::memory::{recall, remember};
use crate::store::media::Kept;
use crate::upload::{Standing, State, Upload};
use crate::{Library, jobs, judge, metric, store};

pub(crate) async fn complete(
    library: &Library,
    caller: &Caller,
    organization: OrganizationId,
    request: pb::CompleteUploadRequest,
) -> Result<pb::CompleteUploadResponse> {
    let replay =
        Replay::of("media", organization, "CompleteUpload", &request.request_id, &request)?;
    if let Some(first) = recall(library, &replay).await? {
        return Ok(first);
    }
    let id = id("id", &request.id)?;
    let parts: Vec<_> =
        request.parts.into_iter().map(|it| Uploaded { number: it.number, etag: it.etag }).collect();
    let upload = settled(library, caller, organization, id, parts).await?;
    let reply = answer(library, upload).await?;
    remember(library, &replay, reply).await
}

/// Returns the upload once it is decided, by us or by somebody else.
async fn settled(
    library: &Library,
    caller: &Caller,
    organization: OrganizationId,
    id: UploadId,
    parts: Vec<Uploaded>,
) -> Result<Upload> {
    loop {
        let upload = find(library, organization, id).await?;
        match upload.standing(OffsetDateTime::now_utc()) {
            Standing::Settled => return Ok(upload),
            Standing::Late => return Err(Error::UploadExpired(id)),
            Standing::Busy => tokio::time::sleep(PAUSE).await,
            Standing::Open => {
                check(&upload, &parts)?;
                let permits = library.permits.clone();
                let permit = permits.acquire_owned().await.expect("never closed");
                // Only now: waiting for the permit may have taken long.
                let now = OffsetDateTime::now_utc();
                let claimed = store::upload::claim(&library.db, &upload, now, now + LEASE).await?;
                let Some(upload) = claimed else { continue };
                let (library, caller) = (library.clone(), caller.clone());
                let work = library.work.clone();
                let work = work.spawn(
                    async move {
                        let decided = decide(&library, &caller, upload, &parts).await;
                        drop(permit);
                        decided
                    }
                    .in_current_span(),
                );
                // A caller who hangs up leaves the work to itself; the next one finds it done.
                return work.await.map_err(|_| Error::Interrupted)?;
            }
        }
    }
}

/// Judges a claimed upload and writes down what became of it.
async fn decide(
    library: &Library,
    caller: &Caller,
    upload: Upload,
    parts: &[Uploaded],
) -> Result<Upload> {
    let started = Instant::now();
    let decided = async {
        assemble(library, &upload, parts).await?;
        let verdict = ingest::judge(library, &incoming(&upload)).await?;
        write_down(library, caller, &upload, verdict).await
    };
    let renew = |until| store::upload::renew(&library.db, &upload, until);
    match ingest::under_lease(decided, renew).await {
        Ok(upload) => {
            metric::judged(upload.state.as_str(), started.elapsed());
            jobs::sweep::clear_soon(library, &upload).await;
            Ok(upload)
        }
        Err(error) => {
            metric::judged("interrupted", started.elapsed());
            // Should this fail as well, the lease runs out.
            let _ = store::upload::release(&library.db, &upload).await;
            Err(error)
        }
    }
}

async fn write_down(
    library: &Library,
    caller: &Caller,
    upload: &Upload,
    verdict: Verdict,
) -> Result<Upload> {
    let mut tx = library.db.begin().await?;
    let mut decided = Upload { state: State::Duplicate, ..upload.clone() };
    match verdict {
        Verdict::New(media) => match store::media::keep(&mut tx, media).await? {
            Kept::New(media) => {
                let ready = ingest::ready(caller, &media, Some(upload.id));
                library.outbox.publish(&mut tx, &[ready]).await?;
                decided.state = State::Ingested;
                decided.media_id = Some(media.id);
            }
            Kept::Known(media) => decided.media_id = Some(media.id),
        },
        Verdict::Known(media) => decided.media_id = Some(media.id),
        Verdict::Refused(refusal) => {
            tracing::info!(upload.id = %upload.id, reason = refusal.reason.as_str(), "refused");
            decided.state = State::Rejected;
            decided.refusal = Some(refusal);
        }
    }
    if !store::upload::settle(&mut *tx, &decided, OffsetDateTime::now_utc()).await? {
        // Somebody else holds the lease by now, and decides.
        return Err(Error::TooSlow);
    }
    library.outbox.commit(tx).await?;
    Ok(decided)
}

/// Puts the parts together, unless an earlier attempt got that far.
async fn assemble(library: &Library, upload: &Upload, parts: &[Uploaded]) -> Result<()> {
    let Some(multipart_id) = &upload.multipart_id else { return Ok(()) };
    if library.objects.head(&upload.key).await?.is_some() {
        return Ok(());
    }
    let put = library.objects.complete_multipart(&upload.key, multipart_id, parts).await;
    put.map_err(|error| match error {
        crate::objects::Error::Missing => Error::UploadIncomplete,
        error => error.into(),
    })
}

/// Checks that the caller names the parts that were signed for.
fn check(upload: &Upload, parts: &[Uploaded]) -> Result<()> {
    if !upload.is_multipart() {
        return Ok(());
    }
    let signed = upload.parts();
    let is_complete = parts.len() == signed.len()
        && parts.iter().zip(&signed).all(|(part, signed)| part.number == signed.number);
    if is_complete {
        return Ok(());
    }
    let sentence = format!("must name the parts 1 to {}, each once and in order", signed.len());
    Err(Error::field("parts", sentence))
}

fn incoming(upload: &Upload) -> Incoming {
    Incoming {
        organization_id: upload.organization_id,
        key: upload.key.clone(),
        filename: upload.filename.clone(),
        kind: upload.kind,
        size_bytes: upload.size_bytes,
        sha256: upload.sha256,
        max_bytes: judge::MAX_BYTES,
        origin: Origin::Upload,
        candidate_id: upload.candidate_id,
    }
}

async fn answer(library: &Library, upload: Upload) -> Result<pb::CompleteUploadResponse> {
    match upload.state {
        State::Aborted => return Err(Error::UploadAborted(upload.id)),
        State::Expired => return Err(Error::UploadExpired(upload.id)),
        _ => {}
    }
    if let Some(refusal) = upload.refusal {
        return Err(Error::Refused { field: "id", refusal });
    }
    let id = upload.media_id.expect("a constraint: accepted uploads name their media");
    let media = store::media::find(&library.db, upload.organization_id, id).await?;
    let media = media.ok_or_else(|| Error::MediaNotFound(vec![id]))?;
    Ok(pb::CompleteUploadResponse { upload: Some((&upload).into()), media: Some(media.into()) })
}
