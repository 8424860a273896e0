//! Session RPCs.

use api::sartiq::identity::v1 as pb;
use pg::replay::Replay;
use server::{Caller, timestamp};

use crate::error::{Error, Result};
use crate::rpc::{SCHEMA, now, user_of};
use crate::session::{Revocation, Session};
use crate::{Identity, store};

pub(super) async fn list(identity: &Identity, caller: Caller) -> Result<pb::ListSessionsResponse> {
    let sessions = store::session::list(&identity.db, user_of(&caller)?, now()).await?;
    let sessions = sessions.into_iter().map(|session| {
        let is_current = caller.session_id == Some(session.id);
        shown(session, is_current)
    });
    Ok(pb::ListSessionsResponse { sessions: sessions.collect() })
}

pub(super) async fn revoke(
    identity: &Identity,
    caller: Caller,
    request: pb::RevokeSessionRequest,
) -> Result<pb::RevokeSessionResponse> {
    let (user_id, id) = (user_of(&caller)?, request.id.parse()?);
    let replay = Replay::of(SCHEMA, user_id, "RevokeSession", &request.request_id, &request)?;
    let mut tx = identity.db.begin().await?;
    if let Some(reply) = replay.find(&mut tx).await? {
        return Ok(reply);
    }
    let now = now();
    let has_ended =
        !store::session::revoke(&mut *tx, id, user_id, Revocation::Revoked, now).await?;
    if has_ended && !store::session::is_of(&mut *tx, id, user_id).await? {
        return Err(Error::SessionNotFound(id));
    }
    let reply = pb::RevokeSessionResponse {};
    replay.store(&mut tx, &reply).await?;
    tx.commit().await?;
    identity.revocations.add([id], now);
    Ok(reply)
}

fn shown(session: Session, is_current: bool) -> pb::Session {
    pb::Session {
        id: session.id.to_string(),
        device: session.device,
        create_time: Some(timestamp(session.created_at)),
        refresh_time: Some(timestamp(session.refreshed_at)),
        expire_time: Some(timestamp(session.expires_at)),
        current: is_current,
    }
}
