//! From bytes that somebody put into the store to a media under its canonical keys.

use std::time::{Duration, Instant};

use api::sartiq::event::v1::MediaReady;
use api::sartiq::event::v1::event::Payload;
use events::Draft;
use futures::future::try_join_all;
use pixels::Kind;
use server::Caller;
use time::OffsetDateTime;
use types::id::{MediaId, OrganizationId, UploadId};

use crate::error::{Error, Result};
use crate::judge::{self, Findings};
use crate::media::{self, Media, Origin, RENDITION_KIND, Sha256};
use crate::refusal::Refusal;
use crate::{Library, store};

/// How long judging one file may take.
const PATIENCE: Duration = Duration::from_secs(110);

/// How long a file stays leased to a process that judged it and died. As long as it lives, it renews
/// the lease.
pub(super) const LEASE: Duration = Duration::from_secs(10);

/// How long one who found a file busy waits before looking again.
pub(super) const PAUSE: Duration = Duration::from_millis(100);

/// Bytes that somebody put into the store.
#[derive(Clone, Debug)]
pub(super) struct Incoming {
    pub(super) organization_id: OrganizationId,
    pub(super) key: String,
    pub(super) filename: String,
    pub(super) kind: Kind,
    pub(super) size_bytes: i64,
    pub(super) sha256: Option<Sha256>,
    pub(super) max_bytes: u64,
    pub(super) origin: Origin,
    // The id of the media if the bytes are new.
    pub(super) candidate_id: MediaId,
}

/// What the bytes turned out to be.
#[derive(Debug)]
pub(super) enum Verdict {
    /// A new media, whose objects are there; its row is not.
    New(Media),
    /// A media that the organization has.
    Known(Media),
    /// Nothing that is taken here.
    Refused(Refusal),
}

/// Does `work` under a lease that `renew` prolongs until the time it is given; no if it was lost. The
/// work ends before the lease may be another's, so that no two ever do it.
pub(super) async fn under_lease<T, R>(
    work: impl Future<Output = Result<T>>,
    renew: impl Fn(OffsetDateTime) -> R,
) -> Result<T>
where
    R: Future<Output = Result<bool>>,
{
    tokio::select! {
        done = work => done,
        () = lost(renew) => Err(Error::TooSlow),
    }
}

async fn lost<R: Future<Output = Result<bool>>>(renew: impl Fn(OffsetDateTime) -> R) {
    let quarter = LEASE / 4;
    let mut renewed = Instant::now();
    while renewed.elapsed() < 3 * quarter {
        tokio::time::sleep(quarter).await;
        let now = Instant::now();
        match tokio::time::timeout(quarter, renew(OffsetDateTime::now_utc() + LEASE)).await {
            Ok(Ok(true)) => renewed = now,
            Ok(Ok(false)) => return,
            // The store may be back in time.
            Ok(Err(_)) | Err(_) => (),
        }
    }
}

/// Judges `incoming` and, if the bytes are new, writes the objects of its media.
///
/// Trying again after an interruption writes the same objects under the same keys.
pub(super) async fn judge(library: &Library, incoming: &Incoming) -> Result<Verdict> {
    let verdict = tokio::time::timeout(PATIENCE, attempt(library, incoming)).await;
    verdict.map_err(|_| Error::TooSlow)?
}

async fn attempt(library: &Library, incoming: &Incoming) -> Result<Verdict> {
    let Some(head) = library.objects.head(&incoming.key).await? else {
        return Err(Error::UploadIncomplete);
    };
    if incoming.max_bytes < head.size_bytes.unsigned_abs() {
        return Ok(Verdict::Refused(Refusal::size_limit(incoming.max_bytes, head.size_bytes)));
    }
    if head.size_bytes != incoming.size_bytes {
        return Ok(Verdict::Refused(Refusal::size(incoming.size_bytes, head.size_bytes)));
    }
    let body = library.objects.get(&incoming.key, incoming.size_bytes).await?;
    let (kind, expected) = (incoming.kind, incoming.sha256);

    let bytes = body.bytes;
    let (bytes, identified) = blocking(move || {
        let identified = judge::identify(&bytes, kind, expected);
        (bytes, identified)
    })
    .await?;
    let sha256 = match identified {
        Ok(sha256) => sha256,
        Err(refusal) => return Ok(Verdict::Refused(refusal)),
    };
    let known = store::media::find_bytes(&library.db, incoming.organization_id, &sha256).await?;
    if let Some(media) = known {
        return Ok(Verdict::Known(media));
    }
    let findings = match blocking(move || judge::examine(&bytes, kind)).await {
        Ok(Ok(findings)) => findings,
        Ok(Err(refusal)) => return Ok(Verdict::Refused(refusal)),
        // A decoder that panics has met a file that no honest encoder wrote.
        Err(_) => return Ok(Verdict::Refused(Refusal::undecodable())),
    };
    let media = describe(incoming, sha256, &findings);
    place(library, incoming, &body.etag, &media, findings).await?;
    Ok(Verdict::New(media))
}

/// Writes the objects of a new media: a copy of what was read, and its renditions.
async fn place(
    library: &Library,
    incoming: &Incoming,
    etag: &str,
    media: &Media,
    findings: Findings,
) -> Result<()> {
    let file = media.key();
    // Who brought the bytes can still overwrite them; the tag makes sure that what is copied is
    // what was judged.
    library.objects.copy(&incoming.key, etag, &file, media.kind).await?;
    try_join_all(findings.renditions.into_iter().map(async |(rendition, bytes)| {
        let key = media::rendition_key(media.id, rendition.long_edge_px);
        library.objects.put(&key, RENDITION_KIND, bytes).await
    }))
    .await?;
    Ok(())
}

fn describe(incoming: &Incoming, sha256: Sha256, findings: &Findings) -> Media {
    let side = |it: u32| i32::try_from(it).expect("sides are limited");
    Media {
        id: incoming.candidate_id,
        organization_id: incoming.organization_id,
        origin: incoming.origin,
        filename: incoming.filename.clone(),
        kind: incoming.kind,
        size_bytes: incoming.size_bytes,
        width_px: side(findings.width_px),
        height_px: side(findings.height_px),
        duration: findings.duration,
        sha256,
        placeholder: findings.placeholder.clone(),
        renditions: findings.renditions.iter().map(|(it, _)| *it).collect(),
        attachment_count: 0,
        created_at: OffsetDateTime::now_utc(),
    }
}

/// Says that a media is ready.
pub(super) fn ready(caller: &Caller, media: &Media, upload: Option<UploadId>) -> Draft {
    let payload = Payload::MediaReady(MediaReady {
        media_id: media.id.to_string(),
        upload_id: upload.map(|it| it.to_string()).unwrap_or_default(),
        placeholder: media.placeholder.clone().into(),
    });
    Draft::new(media.organization_id, payload).caused_by(caller)
}

/// Runs what is bound by the processor beside the runtime. How many at once is the permits' matter.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Error::Interrupted)
}
