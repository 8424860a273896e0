//! What a token says, believed only when all of it holds.

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use types::id::{OrganizationId, SessionId};

use super::Refusal;
use crate::{Caller, Role};

const ISSUER: &str = "sartiq";
const AUDIENCE: &str = "sartiq";

/// How far clocks of the mesh may be apart.
const LEEWAY_SECONDS: u64 = 5;

#[derive(Deserialize)]
struct Claims {
    sub: String,
    typ: String,
    iat: u64,
    org: Option<String>,
    role: Option<String>,
    sid: Option<String>,
}

/// Reads `token`, which `key` must have signed, into who it names.
pub(super) fn read(token: &str, key: &DecodingKey) -> Result<Caller, Refusal> {
    // One algorithm, ours; never what the token asks for.
    let mut rules = Validation::new(Algorithm::EdDSA);
    rules.leeway = LEEWAY_SECONDS;
    rules.validate_nbf = true;
    rules.set_issuer(&[ISSUER]);
    rules.set_audience(&[AUDIENCE]);
    rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    let claims = jsonwebtoken::decode::<Claims>(token, key, &rules)
        .map_err(|error| match error.kind() {
            ErrorKind::ExpiredSignature => Refusal::Expired,
            ErrorKind::InvalidSignature => Refusal::Invalid("signature"),
            ErrorKind::InvalidIssuer => Refusal::Invalid("issuer"),
            ErrorKind::InvalidAudience => Refusal::Invalid("audience"),
            _ => Refusal::Invalid("malformed"),
        })?
        .claims;
    if jsonwebtoken::get_current_timestamp() + LEEWAY_SECONDS < claims.iat {
        return Err(Refusal::Invalid("from the future"));
    }
    match claims.typ.as_str() {
        "user" => user(claims),
        "service" => service(claims),
        _ => Err(Refusal::Invalid("type")),
    }
}

fn user(claims: Claims) -> Result<Caller, Refusal> {
    let organization_id: Option<OrganizationId> =
        claims.org.map(|it| it.parse()).transpose().map_err(|_| Refusal::Invalid("org"))?;
    let role: Option<Role> =
        claims.role.map(|it| it.parse()).transpose().map_err(|_| Refusal::Invalid("role"))?;
    let session_id: Option<SessionId> =
        claims.sid.map(|it| it.parse()).transpose().map_err(|_| Refusal::Invalid("sid"))?;
    // Without a session, nobody could ever revoke it.
    let session_id = session_id.ok_or(Refusal::Invalid("no session"))?;
    Ok(Caller {
        organization_id,
        user_id: Some(claims.sub.parse().map_err(|_| Refusal::Invalid("sub"))?),
        session_id: Some(session_id),
        role,
        ..Caller::default()
    })
}

fn service(claims: Claims) -> Result<Caller, Refusal> {
    match claims.sub.strip_prefix("service:") {
        Some(name) if !name.is_empty() => {
            Ok(Caller { service: Some(name.to_owned()), ..Caller::default() })
        }
        _ => Err(Refusal::Invalid("sub")),
    }
}
