//! Answers that were given before.
//!
//! Work on objects takes longer than a transaction may stay open, so it happens between looking for
//! an earlier answer and keeping the new one; the work itself is done once by its own states.

use pg::replay::Replay;
use prost::Message;

use crate::Library;
use crate::error::Result;

/// Returns the answer that was given to this request before.
pub(super) async fn recall<R: Message + Default>(
    library: &Library,
    replay: &Replay,
) -> Result<Option<R>> {
    let mut tx = library.db.begin().await?;
    Ok(replay.find(&mut tx).await?)
}

/// Keeps `reply` for callers who ask again. Returns the first one if there is one by now.
pub(super) async fn remember<R: Message + Default>(
    library: &Library,
    replay: &Replay,
    reply: R,
) -> Result<R> {
    let mut tx = library.db.begin().await?;
    if let Some(first) = replay.find(&mut tx).await? {
        return Ok(first);
    }
    replay.store(&mut tx, &reply).await?;
    tx.commit().await?;
    Ok(reply)
}
