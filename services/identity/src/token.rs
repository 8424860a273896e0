//! Access tokens: what they say, signed.

use jsonwebtoken::{Algorithm, Header};
use secrecy::SecretString;
use serde::Serialize;
use server::Role;
use time::{Duration, OffsetDateTime};
use types::id::{OrganizationId, SessionId, UserId};
use uuid::Uuid;

use crate::error::Result;
use crate::organization::Membership;
use crate::signing_key::Ring;

/// How long a token holds.
pub(crate) const LIFE: Duration = Duration::minutes(15);

const ISSUER: &str = "sartiq";
const AUDIENCE: &str = "sartiq";

/// A token, and how long it holds.
#[derive(Clone, Debug)]
pub(crate) struct Issued {
    pub(crate) token: SecretString,
    pub(crate) expires_at: OffsetDateTime,
}

#[derive(Serialize)]
struct Claims {
    iss: &'static str,
    aud: &'static str,
    sub: String,
    typ: &'static str,
    jti: Uuid,
    iat: i64,
    exp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    org: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<Role>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<String>,
}

/// Issues a token to a user who acts as `membership` says, or nowhere.
pub(crate) fn for_user(
    ring: &Ring,
    user_id: UserId,
    session_id: SessionId,
    membership: Option<Membership>,
    now: OffsetDateTime,
) -> Result<Issued> {
    let organization_id: Option<OrganizationId> = membership.map(|it| it.organization_id);
    let claims = Claims {
        org: organization_id.map(|it| it.to_string()),
        role: membership.map(|it| it.role),
        sid: Some(session_id.to_string()),
        ..claims(user_id.to_string(), "user", now)
    };
    sign(ring, &claims, now)
}

/// Issues a token to the service `name`.
pub(crate) fn for_service(ring: &Ring, name: &str, now: OffsetDateTime) -> Result<Issued> {
    sign(ring, &claims(format!("service:{name}"), "service", now), now)
}

fn claims(sub: String, typ: &'static str, now: OffsetDateTime) -> Claims {
    Claims {
        iss: ISSUER,
        aud: AUDIENCE,
        sub,
        typ,
        jti: Uuid::now_v7(),
        iat: now.unix_timestamp(),
        exp: (now + LIFE).unix_timestamp(),
        org: None,
        role: None,
        sid: None,
    }
}

fn sign(ring: &Ring, claims: &Claims, now: OffsetDateTime) -> Result<Issued> {
    let (id, signer) = ring.signer(now)?;
    let header = Header { kid: Some(id.to_string()), ..Header::new(Algorithm::EdDSA) };
    let token = jsonwebtoken::encode(&header, claims, &signer)?;
    Ok(Issued { token: token.into(), expires_at: now + LIFE })
}
