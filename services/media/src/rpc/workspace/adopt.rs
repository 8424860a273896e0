//! Adopting a result: it becomes a media once, however often and by how many it is asked for.

use std::time::Instant;

use api::sartiq::media::v1 as pb;
use pixels::Kind;
use server::Caller;
use time::OffsetDateTime;
use tracing::Instrument;
use types::id::OrganizationId;

use super::missing;
use crate::error::{Error, Result};
use crate::judge::{MAX_BYTES, MAX_GENERATED_BYTES};
use crate::media::{Media, Origin, Sha256, folder};
use crate::refusal::Refusal;
use crate::rpc::ingest::{self, Incoming, LEASE, PAUSE, Verdict};
use crate::rpc::sha256;
use crate::store::media::Kept;
use crate::workspace::{Content, WorkspaceFile};
use crate::{Library, metric, store};

/// What a caller says about the file.
#[derive(Clone, Debug)]
struct Wish {
    filename: String,
    sha256: Option<Sha256>,
}

pub(crate) async fn adopt(
    library: &Library,
    caller: &Caller,
    organization: OrganizationId,
    request: pb::AdoptRequest,
) -> Result<pb::AdoptResponse> {
    let wish = Wish { filename: request.filename, sha256: sha256(&request.sha256)? };
    let media = adopted(library, caller, organization, &request.key, &wish).await?;
    if wish.sha256.is_some_and(|it| it != media.sha256) {
        return Err(Error::Refused { field: "sha256", refusal: Refusal::checksum() });
    }
    Ok(pb::AdoptResponse { media: Some(media.into()) })
}

/// Returns the media once the file is adopted, by us or by somebody else.
async fn adopted(
    library: &Library,
    caller: &Caller,
    organization: OrganizationId,
    key: &str,
    wish: &Wish,
) -> Result<Media> {
    loop {
        let keys = [key.to_owned()];
        let found = store::workspace_file::find_all(&library.db, organization, &keys).await?;
        let file = found.into_iter().next().ok_or_else(|| missing(key))?;
        if let Some(id) = file.media_id {
            let media = store::media::find(&library.db, organization, id).await?;
            return media.ok_or_else(|| Error::MediaNotFound(vec![id]));
        }
        let Content::Result(kind) = file.content else {
            return Err(Error::field("key", "must name a picture or a film, not a zip"));
        };
        if file.is_busy(OffsetDateTime::now_utc()) {
            tokio::time::sleep(PAUSE).await;
            continue;
        }
        let permits = library.permits.clone();
        let permit = permits.acquire_owned().await.expect("never closed");
        let now = OffsetDateTime::now_utc();
        let claimed = store::workspace_file::claim(&library.db, &file, now, now + LEASE).await?;
        let Some(attempt) = claimed else { continue };
        let (library, caller, wish) = (library.clone(), caller.clone(), wish.clone());
        let work = library.work.clone();
        let work = work.spawn(
            async move {
                let started = Instant::now();
                let deciding = decide(&library, &caller, &file, kind, attempt, wish);
                let renew =
                    |until| store::workspace_file::renew(&library.db, &file.key, attempt, until);
                let decided = ingest::under_lease(deciding, renew).await;
                let outcome = if decided.is_ok() { "adopted" } else { "failed" };
                metric::adopted(outcome, started.elapsed());
                drop(permit);
                if decided.is_err() {
                    // Should this fail as well, the lease runs out.
                    let _ = store::workspace_file::release(&library.db, &file.key, attempt).await;
                }
                decided
            }
            .in_current_span(),
        );
        return work.await.map_err(|_| Error::Interrupted)?;
    }
}

/// Judges a claimed file and writes down what it became.
async fn decide(
    library: &Library,
    caller: &Caller,
    file: &WorkspaceFile,
    kind: Kind,
    attempt: i32,
    wish: Wish,
) -> Result<Media> {
    let incoming = Incoming {
        organization_id: file.organization_id,
        key: file.key.clone(),
        filename: wish.filename,
        kind,
        size_bytes: file.size_bytes,
        sha256: wish.sha256,
        max_bytes: if kind.is_image() { MAX_BYTES } else { MAX_GENERATED_BYTES },
        origin: Origin::Generated,
        candidate_id: file.candidate_id,
    };
    let verdict = ingest::judge(library, &incoming).await.map_err(|error| match error {
        Error::UploadIncomplete => missing(&file.key),
        error => error,
    })?;
    let mut tx = library.db.begin().await?;
    let kept = match verdict {
        Verdict::New(media) => store::media::keep(&mut tx, media).await?,
        Verdict::Known(media) => Kept::Known(media),
        Verdict::Refused(refusal) => return Err(Error::Refused { field: "key", refusal }),
    };
    let media = match kept {
        Kept::New(media) => {
            let ready = ingest::ready(caller, &media, None);
            library.outbox.publish(&mut tx, &[ready]).await?;
            media
        }
        Kept::Known(media) => media,
    };
    if !store::workspace_file::set_media(&mut *tx, &file.key, attempt, media.id).await? {
        return Err(Error::TooSlow);
    }
    library.outbox.commit(tx).await?;
    if media.id != file.candidate_id && 1 < attempt {
        // What an interrupted attempt wrote. Should this fail, the sweep does it.
        let _ = library.objects.delete_folder(&folder(file.candidate_id)).await;
    }
    Ok(media)
}
