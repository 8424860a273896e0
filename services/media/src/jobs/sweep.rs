//! Ending what is overdue, and deleting what nothing refers to any more.
//!
//! Rows change first and say what is left to delete, so that a sweep that is interrupted is finished
//! by the next one. Two sweeps at the same time do each other no harm.

use std::time::Duration;

use pg::replay;
use server::Shutdown;
use time::OffsetDateTime;

use crate::error::Result;
use crate::media::folder;
use crate::objects::Entry;
use crate::upload::{self, State, Upload};
use crate::workspace;
use crate::{Library, metric, store};

/// How often it is swept.
const EVERY: Duration = Duration::from_secs(5 * 60);

/// How many rows are taken at a time.
const BATCH: i64 = 100;

/// How many batches one sweep takes; the next one takes the rest.
const BATCHES: usize = 100;

/// How long objects may lie in the store that no row tells of.
const GRACE: time::Duration = time::Duration::hours(24);

/// How long a sweep holds the files that it is deleting.
const LEASE: time::Duration = time::Duration::minutes(5);

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Swept {
    /// Uploads that were not completed in time.
    pub expired_uploads: u64,
    /// Uploads whose remains were deleted.
    pub cleared_uploads: u64,
    /// Workspace files whose time was over.
    pub workspace_files: u64,
    /// Objects that no row told of.
    pub orphans: u64,
}

/// Sweeps again and again until told to stop.
pub(crate) async fn keep(library: Library, shutdown: Shutdown) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let swept = tokio::select! {
            () = shutdown.cancelled() => return,
            swept = run(&library, OffsetDateTime::now_utc()) => swept,
        };
        match swept {
            Ok(swept) if swept == Swept::default() => {}
            Ok(swept) => tracing::info!(?swept, "swept"),
            Err(error) => tracing::warn!(?error, "swept in part; the next sweep goes on"),
        }
    }
}

/// Sweeps once, as if it were `now`.
pub(crate) async fn run(library: &Library, now: OffsetDateTime) -> Result<Swept> {
    let expired_uploads = expire_uploads(library, now).await?;
    metric::expired(expired_uploads);
    let cleared_uploads = clear_uploads(library, now).await?;
    let workspace_files = expire_workspace(library, now).await?;
    let orphans = delete_orphans(library, now).await?;
    replay::forget(&library.db, "media", replay::LIFE).await?;
    Ok(Swept { expired_uploads, cleared_uploads, workspace_files, orphans })
}

/// Deletes what a decided upload left in the store; if that fails, the next sweep does it.
pub(crate) async fn clear_soon(library: &Library, upload: &Upload) {
    if let Err(error) = clear(library, upload, OffsetDateTime::now_utc()).await {
        tracing::warn!(upload.id = %upload.id, ?error, "left to the next sweep");
    }
}

async fn clear(library: &Library, upload: &Upload, now: OffsetDateTime) -> Result<()> {
    let is_assembled = matches!(upload.state, State::Ingested | State::Duplicate);
    if let Some(multipart_id) = upload.multipart_id.as_ref().filter(|_| !is_assembled) {
        library.objects.abort_multipart(&upload.key, multipart_id).await?;
    }
    library.objects.delete([upload.key.clone()]).await?;
    if upload.media_id != Some(upload.candidate_id) && 0 < upload.attempt {
        // An attempt that was interrupted, or that lost to an equal file, may have written these.
        library.objects.delete_folder(&folder(upload.candidate_id)).await?;
    }
    store::upload::set_cleared(&library.db, upload.id, now).await
}

async fn expire_uploads(library: &Library, now: OffsetDateTime) -> Result<u64> {
    let mut n_expired = 0;
    for _ in 0..BATCHES {
        let n_batch = store::upload::expire(&library.db, now, BATCH).await?;
        n_expired += n_batch;
        if n_batch < BATCH.unsigned_abs() {
            break;
        }
    }
    Ok(n_expired)
}

async fn clear_uploads(library: &Library, now: OffsetDateTime) -> Result<u64> {
    let mut n_cleared = 0;
    for _ in 0..BATCHES {
        let uploads = store::upload::uncleared(&library.db, BATCH).await?;
        for upload in &uploads {
            clear(library, upload, now).await?;
            n_cleared += 1;
        }
        if uploads.len() < BATCH.unsigned_abs() as usize {
            break;
        }
    }
    Ok(n_cleared)
}

async fn expire_workspace(library: &Library, now: OffsetDateTime) -> Result<u64> {
    let mut n_expired = 0;
    for _ in 0..BATCHES {
        let files =
            store::workspace_file::claim_expired(&library.db, now, now + LEASE, BATCH).await?;
        if files.is_empty() {
            break;
        }
        let keys: Vec<_> = files.iter().map(|it| it.key.clone()).collect();
        library.objects.delete(keys.clone()).await?;
        for file in files.iter().filter(|it| it.media_id != Some(it.candidate_id)) {
            library.objects.delete_folder(&folder(file.candidate_id)).await?;
        }
        store::workspace_file::set_removed(&library.db, &keys, now).await?;
        store::workspace_file::delete(&library.db, &keys).await?;
        n_expired += keys.len() as u64;
    }
    Ok(n_expired)
}

/// Deletes old objects of the transient folders that no row tells of.
async fn delete_orphans(library: &Library, now: OffsetDateTime) -> Result<u64> {
    let mut n_deleted = 0;
    for prefix in std::iter::once("temp/").chain(workspace::PREFIXES) {
        let mut after = None;
        loop {
            let listing = library.objects.list(prefix, after).await?;
            let is_old = |it: &Entry| it.modified + GRACE < now;
            let old = listing.entries.into_iter().filter(is_old).map(|it| it.key);
            let orphans = orphans(library, prefix, old.collect()).await?;
            n_deleted += orphans.len() as u64;
            library.objects.delete(orphans).await?;
            after = listing.next;
            if after.is_none() {
                break;
            }
        }
    }
    Ok(n_deleted)
}

/// Leaves of `keys` those that no row tells of.
async fn orphans(library: &Library, prefix: &str, keys: Vec<String>) -> Result<Vec<String>> {
    if keys.is_empty() {
        return Ok(keys);
    }
    if workspace::PREFIXES.contains(&prefix) {
        let present = store::workspace_file::present(&library.db, &keys).await?;
        return Ok(keys.into_iter().filter(|it| !present.contains(it)).collect());
    }
    let ids: Vec<_> = keys.iter().filter_map(|it| upload::owner(it)).collect();
    let open = store::upload::open(&library.db, &ids).await?;
    let is_orphan = |key: &String| upload::owner(key).is_none_or(|it| !open.contains(&it));
    Ok(keys.into_iter().filter(is_orphan).collect())
}
