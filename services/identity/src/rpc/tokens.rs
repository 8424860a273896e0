//! The tokens of a session, as its client gets them.

use api::sartiq::identity::v1 as pb;
use secrecy::ExposeSecret;
use server::timestamp;
use time::OffsetDateTime;

use crate::error::Result;
use crate::organization::Membership;
use crate::session::{RefreshToken, Session};
use crate::{Identity, token};

/// Issues an access token of `session`, to be handed out beside `refresh`.
pub(super) fn issue(
    identity: &Identity,
    session: &Session,
    membership: Option<Membership>,
    refresh: &RefreshToken,
    now: OffsetDateTime,
) -> Result<pb::SessionTokens> {
    let access = token::for_user(&identity.ring, session.user_id, session.id, membership, now)?;
    let organization_id = membership.map(|it| it.organization_id.to_string());
    Ok(pb::SessionTokens {
        access_token: access.token.expose_secret().to_owned(),
        access_expire_time: Some(timestamp(access.expires_at)),
        refresh_token: refresh.write(&identity.secret).expose_secret().to_owned(),
        refresh_expire_time: Some(timestamp(session.expires_at)),
        session_id: session.id.to_string(),
        organization_id: organization_id.unwrap_or_default(),
        role: membership.map(|it| it.role.into()).unwrap_or_default(),
    })
}
