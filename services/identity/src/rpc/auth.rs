//! Auth RPCs for those who have signed in, and for services.

use api::sartiq::identity::v1 as pb;
use secrecy::{ExposeSecret, SecretString};
use server::{Caller, timestamp};
use time::OffsetDateTime;
use types::id::SessionId;

use crate::error::{Error, Result};
use crate::organization::Membership;
use crate::rpc::{now, session_of, tokens, user_of};
use crate::session::{RefreshToken, Revocation, Verdict};
use crate::{Identity, revocation, store, token};

pub(super) async fn refresh(
    identity: &Identity,
    request: pb::RefreshRequest,
) -> Result<pb::RefreshResponse> {
    let presented = SecretString::from(request.refresh_token);
    let presented = RefreshToken::parse(&identity.secret, presented.expose_secret());
    let presented = presented.ok_or(Error::RefreshTokenInvalid)?;
    let mut tx = identity.db.begin().await?;
    let session = store::session::lock(&mut *tx, presented.session_id()).await?;
    let mut session = session.ok_or(Error::RefreshTokenInvalid)?;
    let now = now();
    // Read under the lock of the session: whoever ends or changes the membership revokes the
    // session afterwards, and with it what is issued here.
    let role = match session.organization_id {
        Some(id) => store::membership::role_of(&mut *tx, id, session.user_id).await?,
        None => None,
    };
    let membership = session
        .organization_id
        .zip(role)
        .map(|(organization_id, role)| Membership { organization_id, role });
    let next = match session.judge(&identity.secret, &presented, now) {
        Verdict::Rotate(next) => {
            session.rotate(&next, now);
            store::session::update(&mut *tx, &session).await?;
            next
        }
        Verdict::Repeat(next) => next,
        Verdict::Reused => {
            let (id, user_id) = (session.id, session.user_id);
            store::session::revoke(&mut *tx, id, user_id, Revocation::Reuse, now).await?;
            tx.commit().await?;
            identity.revocations.add([id], now);
            tracing::warn!(session.id = %id, user.id = %user_id, "refresh token used twice");
            return Err(Error::RefreshTokenReused);
        }
        Verdict::Replaced => return Err(Error::RefreshTokenInvalid),
        Verdict::Revoked => return Err(Error::SessionRevoked),
        Verdict::Expired => return Err(Error::SessionExpired),
    };
    // Before the old token is used up: who gets no answer must be able to ask again.
    let tokens = tokens::issue(identity, &session, membership, &next, now)?;
    tx.commit().await?;
    Ok(pb::RefreshResponse { tokens: Some(tokens) })
}

pub(super) async fn logout(identity: &Identity, caller: Caller) -> Result<pb::LogoutResponse> {
    let (id, user_id, now) = (session_of(&caller)?, user_of(&caller)?, now());
    store::session::revoke(&identity.db, id, user_id, Revocation::Logout, now).await?;
    identity.revocations.add([id], now);
    Ok(pb::LogoutResponse {})
}

pub(super) fn exchange_key(
    identity: &Identity,
    request: pb::ExchangeKeyRequest,
) -> Result<pb::ExchangeKeyResponse> {
    if !identity.service_keys.proves(&request.service, &request.key.into()) {
        tracing::warn!(service = request.service, "service key refused");
        return Err(Error::ServiceKeyInvalid);
    }
    let issued = token::for_service(&identity.ring, &request.service, now())?;
    Ok(pb::ExchangeKeyResponse {
        access_token: issued.token.expose_secret().to_owned(),
        expire_time: Some(timestamp(issued.expires_at)),
    })
}

pub(super) fn list_signing_keys(identity: &Identity) -> pb::ListSigningKeysResponse {
    let keys = identity.ring.published(now()).into_iter().map(|key| pb::SigningKey {
        id: key.id.to_string(),
        public_key: key.public_key.to_vec().into(),
        create_time: Some(timestamp(key.signs_at)),
        retire_time: key.retires_at.map(timestamp),
    });
    pb::ListSigningKeysResponse { keys: keys.collect() }
}

pub(super) async fn list_revocations(identity: &Identity) -> Result<pb::ListRevocationsResponse> {
    let ids = revoked(identity, now()).await?;
    let session_ids = ids.into_iter().map(String::from).collect();
    Ok(pb::ListRevocationsResponse { session_ids })
}

/// Returns the sessions whose tokens must be refused, other replicas' revocations included.
pub(super) async fn revoked(identity: &Identity, now: OffsetDateTime) -> Result<Vec<SessionId>> {
    let revocations = &identity.revocations;
    if revocations.is_stale(now) {
        let _reading = identity.reading_revocations.lock().await;
        // One reads for all who wait.
        if revocations.is_stale(now) {
            match store::session::revoked(&identity.db, now - revocation::MEMORY).await {
                Ok(found) => revocations.refresh(found, now),
                // While the database is away nobody revokes anything there either.
                Err(error) if revocations.is_known() => {
                    tracing::warn!(%error, "revocations are answered from memory");
                }
                Err(error) => return Err(error),
            }
        }
    }
    Ok(revocations.list())
}
