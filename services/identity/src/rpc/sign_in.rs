//! Signing up and signing in.

use std::time::Instant;

use api::sartiq::identity::v1 as pb;
use pg::replay::{self, Replay};
use secrecy::SecretString;
use server::{Caller, Role};
use tonic::Request;
use types::id::{OrganizationId, SessionId, UserId};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::limit::Subject;
use crate::name::Name;
use crate::organization::{Membership, Organization};
use crate::rpc::{SCHEMA, now, tokens};
use crate::session::{RefreshToken, Session};
use crate::user::{Email, User};
use crate::{Identity, password, store};

/// Who forwards the calls of browsers, and is believed about where they come from.
const GATEWAY: &str = "gateway";

const FORWARDED_FOR: &str = "x-forwarded-for";

/// Returns where on the network `request` comes from, if the gateway says so.
pub(super) fn source<M>(request: &Request<M>) -> Option<String> {
    let caller = Caller::of(request)?;
    if caller.service.as_deref() != Some(GATEWAY) {
        return None;
    }
    let hops = request.metadata().get(FORWARDED_FOR)?.to_str().ok()?;
    // The gateway appends what it saw; what stands before it is hearsay.
    hops.rsplit(',').next().map(|it| it.trim().to_owned())
}

pub(super) async fn sign_up(
    identity: &Identity,
    source: Option<String>,
    mut request: pb::SignUpRequest,
) -> Result<pb::SignUpResponse> {
    // Out of the message: what is fingerprinted below must not help to guess the password.
    let password = SecretString::from(std::mem::take(&mut request.password));
    let email = Email::normalized(&request.email);
    let name = Name::parse("name", &request.name)?;
    let organization_name = Name::parse("organization_name", &request.organization_name)?;
    admit(identity, &email, source).await?;
    let password_hash = identity.hasher.hash(password.clone()).await?;

    let replay = Replay::of(SCHEMA, Uuid::nil(), "SignUp", &request.request_id, &request)?;
    let mut tx = identity.db.begin().await?;
    if let Some(reply) = replay.find(&mut tx).await? {
        drop(tx);
        return sign_up_again(identity, &request, password, reply).await;
    }
    let now = now();
    let id = OrganizationId::generate();
    let organization = Organization { id, name: organization_name, created_at: now };
    let user = User {
        id: UserId::generate(),
        email,
        name,
        password_hash,
        last_organization_id: Some(id),
        created_at: now,
    };
    let membership = Membership { organization_id: id, role: Role::Owner };
    let session_id = SessionId::generate();
    let refresh = RefreshToken::of_sign_up(&identity.secret, session_id, &request.request_id);
    let session = Session::open(session_id, user.id, Some(id), request.device, &refresh, now);
    store::user::insert(&mut *tx, &user).await?;
    store::organization::insert(&mut *tx, &organization).await?;
    store::membership::insert(&mut *tx, membership, user.id, &user.email).await?;
    store::session::insert(&mut *tx, &session).await?;
    let mut reply = pb::SignUpResponse {
        user: Some(user.into()),
        organization: Some(organization.into()),
        // Which session it was is all that may be kept; the tokens themselves may not.
        tokens: Some(pb::SessionTokens { session_id: session_id.into(), ..Default::default() }),
    };
    replay.store(&mut tx, &reply).await?;
    tx.commit().await?;
    reply.tokens = Some(tokens::issue(identity, &session, Some(membership), &refresh, now)?);
    Ok(reply)
}

/// Answers a sign-up that succeeded before: with the same tokens, unless they are used up.
async fn sign_up_again(
    identity: &Identity,
    request: &pb::SignUpRequest,
    password: SecretString,
    mut reply: pb::SignUpResponse,
) -> Result<pb::SignUpResponse> {
    let email = Email::normalized(&request.email);
    let user = store::user::find_by_email(&identity.db, &email).await?;
    let hash = user.as_ref().map(|it| it.password_hash.clone());
    let is_right = identity.hasher.check(password, hash).await?;
    let Some(user) = user.filter(|_| is_right) else {
        // The password is part of the request: this is another one.
        let id = request.request_id.parse().unwrap_or_default();
        return Err(replay::Error::RequestIdReused(id).into());
    };
    let first: Option<SessionId> =
        reply.tokens.as_ref().map(|it| it.session_id.parse()).transpose()?;
    let mut tx = identity.db.begin().await?;
    let membership =
        store::membership::hold_first(&mut *tx, user.id, user.last_organization_id).await?;
    if let Some(id) = first
        && let Some(session) = store::session::lock(&mut *tx, id).await?
    {
        let refresh = RefreshToken::of_sign_up(&identity.secret, id, &request.request_id);
        if !session.is_revoked && session.token_hash == refresh.hash() {
            reply.tokens = Some(tokens::issue(identity, &session, membership, &refresh, now())?);
            return Ok(reply);
        }
    }
    drop(tx);
    reply.tokens = Some(open_session(identity, &user, request.device.clone()).await?);
    Ok(reply)
}

pub(super) async fn login(
    identity: &Identity,
    source: Option<String>,
    request: pb::LoginRequest,
) -> Result<pb::LoginResponse> {
    let password = SecretString::from(request.password);
    let email = Email::normalized(&request.email);
    admit(identity, &email, source).await?;
    // From here on, the same is done whether somebody has the address or nobody.
    let user = store::user::find_by_email(&identity.db, &email).await?;
    let hash = user.as_ref().map(|it| it.password_hash.clone());
    let is_right = identity.hasher.check(password.clone(), hash).await?;
    let user = user.filter(|_| is_right).ok_or(Error::InvalidCredentials)?;
    if password::is_outdated(&user.password_hash) {
        // Only now is the password at hand to be hashed as one would today.
        let hash = identity.hasher.hash(password).await?;
        store::user::set_password_hash(&identity.db, &user, &hash).await?;
    }
    let tokens = open_session(identity, &user, request.device).await?;
    Ok(pb::LoginResponse { user: Some(user.into()), tokens: Some(tokens) })
}

/// Opens a session of `user`, where the last one acted.
async fn open_session(
    identity: &Identity,
    user: &User,
    device: String,
) -> Result<pb::SessionTokens> {
    let now = now();
    let mut tx = identity.db.begin().await?;
    let membership =
        store::membership::hold_first(&mut *tx, user.id, user.last_organization_id).await?;
    let id = SessionId::generate();
    let refresh = RefreshToken::random(id, 0);
    let organization_id = membership.map(|it| it.organization_id);
    let session = Session::open(id, user.id, organization_id, device, &refresh, now);
    store::session::insert(&mut *tx, &session).await?;
    tx.commit().await?;
    tokens::issue(identity, &session, membership, &refresh, now)
}

/// Lets a try through unless there were too many, by address or from one place.
async fn admit(identity: &Identity, email: &Email, source: Option<String>) -> Result<()> {
    let subjects = [Some(Subject::email(email)), source.as_deref().map(Subject::source)];
    for subject in subjects.into_iter().flatten() {
        // Here always, so that nobody gains by Redis being away; there for all replicas.
        subject.admit(identity.windows.count(&subject, Instant::now()))?;
        if let Some(counters) = &identity.counters
            && let Some(tries) = counters.count(&subject).await
        {
            subject.admit(tries)?;
        }
    }
    Ok(())
}
