//! Member RPCs.

use api::sartiq::identity::v1 as pb;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pg::Page;
use pg::replay::Replay;
use server::{Caller, Role, timestamp};
use types::id::{InvitationId, OrganizationId, UserId};

use crate::error::{Error, Result};
use crate::organization::{
    INVITATION_LIFE, Invitation, Member, Membership, keeps_an_owner, may_grant,
};
use crate::rpc::{SCHEMA, now, organization_of, user_of};
use crate::session::Revocation;
use crate::user::Email;
use crate::{Identity, revocation, secret, store};

pub(super) async fn list(
    identity: &Identity,
    caller: Caller,
    request: pb::ListMembersRequest,
) -> Result<pb::ListMembersResponse> {
    let organization_id = organization_of(&caller)?;
    let arguments = ("member", organization_id);
    let page = Page::parse(request.page_size, &request.page_token, arguments)?;
    let members =
        store::membership::list(&identity.db, organization_id, page.after()?, page.limit());
    let (members, next_page_token) = page.cut(members.await?, |(place, _)| vec![*place]);
    let members = members.into_iter().map(|(_, member)| member.into()).collect();
    Ok(pb::ListMembersResponse { members, next_page_token })
}

pub(super) async fn invite(
    identity: &Identity,
    caller: Caller,
    request: pb::InviteMemberRequest,
) -> Result<pb::InviteMemberResponse> {
    let (organization_id, user_id) = (organization_of(&caller)?, user_of(&caller)?);
    let (email, role) = (Email::normalized(&request.email), role_of(request.role)?);
    let replay =
        Replay::of(SCHEMA, organization_id, "InviteMember", &request.request_id, &request)?;
    let mut tx = identity.db.begin().await?;
    if let Some(reply) = replay.find(&mut tx).await? {
        return Ok(reply);
    }
    store::organization::lock(&mut *tx, organization_id).await?;
    let own = store::membership::role_of(&mut *tx, organization_id, user_id).await?;
    may_grant(own.ok_or(Error::AccessDenied)?, role)?;
    if store::membership::is_member(&mut *tx, organization_id, &email).await? {
        return Err(Error::AlreadyMember(email.to_string()));
    }
    let invitation = Invitation {
        id: InvitationId::generate(),
        organization_id,
        email,
        role,
        expires_at: now() + INVITATION_LIFE,
        is_accepted: false,
    };
    let token = format!("inv_{}", URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()));
    let token_hash = secret::hash(token.as_bytes());
    store::invitation::withdraw(&mut *tx, organization_id, &invitation.email).await?;
    store::invitation::insert(&mut *tx, &invitation, &token_hash, user_id).await?;
    let mut reply =
        pb::InviteMemberResponse { invitation: Some(invitation.into()), token: String::new() };
    // Without the token, which nobody may read later.
    replay.store(&mut tx, &reply).await?;
    tx.commit().await?;
    reply.token = token;
    Ok(reply)
}

pub(super) async fn accept(
    identity: &Identity,
    caller: Caller,
    mut request: pb::AcceptInvitationRequest,
) -> Result<pb::AcceptInvitationResponse> {
    let user_id = user_of(&caller)?;
    let token_hash = secret::hash(std::mem::take(&mut request.token).as_bytes());
    request.token = hex::encode(token_hash);
    let replay = Replay::of(SCHEMA, user_id, "AcceptInvitation", &request.request_id, &request)?;
    let mut tx = identity.db.begin().await?;
    if let Some(reply) = replay.find(&mut tx).await? {
        return Ok(reply);
    }
    let now = now();
    let user = store::user::find(&mut *tx, user_id).await?.ok_or(Error::UserMissing)?;
    let invitation = store::invitation::lock_by_token(&mut *tx, &token_hash).await?;
    let invitation = invitation.ok_or(Error::InvitationNotFound)?;
    invitation.admit(&user.email, now)?;
    let (organization_id, role) = (invitation.organization_id, invitation.role);
    let membership = Membership { organization_id, role };
    store::membership::insert(&mut *tx, membership, user_id, &user.email).await?;
    store::invitation::set_accepted(&mut *tx, invitation.id, now).await?;
    let reply = pb::AcceptInvitationResponse {
        organization_id: organization_id.to_string(),
        role: role.into(),
    };
    replay.store(&mut tx, &reply).await?;
    tx.commit().await?;
    Ok(reply)
}

pub(super) async fn update_role(
    identity: &Identity,
    caller: Caller,
    request: pb::UpdateMemberRoleRequest,
) -> Result<pb::UpdateMemberRoleResponse> {
    let organization_id = organization_of(&caller)?;
    let (user_id, role) = (request.user_id.parse()?, role_of(request.role)?);
    let replay =
        Replay::of(SCHEMA, organization_id, "UpdateMemberRole", &request.request_id, &request)?;
    let mut tx = identity.db.begin().await?;
    if let Some(reply) = replay.find(&mut tx).await? {
        return Ok(reply);
    }
    let mut member = change(&mut tx, organization_id, &caller, user_id, Some(role)).await?;
    let mut revoked = Vec::new();
    let now = now();
    if member.role != role {
        member.role = role;
        store::membership::set_role(&mut *tx, organization_id, user_id, role).await?;
        let why = Revocation::RoleChanged;
        let since = now - revocation::MEMORY;
        revoked =
            store::session::revoke_in(&mut *tx, user_id, organization_id, since, why, now).await?;
    }
    let reply = pb::UpdateMemberRoleResponse { member: Some(member.into()) };
    replay.store(&mut tx, &reply).await?;
    tx.commit().await?;
    identity.revocations.add(revoked, now);
    Ok(reply)
}

pub(super) async fn remove(
    identity: &Identity,
    caller: Caller,
    request: pb::RemoveMemberRequest,
) -> Result<pb::RemoveMemberResponse> {
    let organization_id = organization_of(&caller)?;
    let user_id = request.user_id.parse()?;
    let replay =
        Replay::of(SCHEMA, organization_id, "RemoveMember", &request.request_id, &request)?;
    let mut tx = identity.db.begin().await?;
    if let Some(reply) = replay.find(&mut tx).await? {
        return Ok(reply);
    }
    change(&mut tx, organization_id, &caller, user_id, None).await?;
    let now = now();
    // The membership before the sessions: a sign-in that holds it is revoked with the others.
    store::membership::delete(&mut *tx, organization_id, user_id).await?;
    let (why, since) = (Revocation::Removed, now - revocation::MEMORY);
    let revoked =
        store::session::revoke_in(&mut *tx, user_id, organization_id, since, why, now).await?;
    let reply = pb::RemoveMemberResponse {};
    replay.store(&mut tx, &reply).await?;
    tx.commit().await?;
    identity.revocations.add(revoked, now);
    Ok(reply)
}

/// Checks that `caller` may change `user_id` to role `next`, or remove them.
async fn change(
    tx: &mut store::Connection,
    organization_id: OrganizationId,
    caller: &Caller,
    user_id: UserId,
    next: Option<Role>,
) -> Result<Member> {
    // One change at a time, or two owners could demote each other.
    store::organization::lock(&mut *tx, organization_id).await?;
    // From the table and not from the token, which may be some seconds behind.
    let own = store::membership::role_of(&mut *tx, organization_id, user_of(caller)?).await?;
    let own = own.ok_or(Error::AccessDenied)?;
    let member = store::membership::find(&mut *tx, organization_id, user_id).await?;
    let member = member.ok_or(Error::MemberNotFound(user_id))?;
    may_grant(own, member.role)?;
    if let Some(role) = next {
        may_grant(own, role)?;
    }
    let n_owners = store::membership::count_owners(&mut *tx, organization_id).await?;
    keeps_an_owner(n_owners, member.role, next)?;
    Ok(member)
}

fn role_of(number: i32) -> Result<Role> {
    let role = pb::Role::try_from(number).ok().and_then(|it| Role::try_from(it).ok());
    role.ok_or(Error::Field { field: "role", sentence: "must be a role" })
}

impl From<Member> for pb::Member {
    fn from(member: Member) -> Self {
        Self {
            user_id: member.user_id.to_string(),
            email: member.email.to_string(),
            name: member.name.into(),
            role: member.role.into(),
            create_time: Some(timestamp(member.created_at)),
        }
    }
}

impl From<Invitation> for pb::Invitation {
    fn from(invitation: Invitation) -> Self {
        Self {
            id: invitation.id.to_string(),
            email: invitation.email.to_string(),
            role: invitation.role.into(),
            expire_time: Some(timestamp(invitation.expires_at)),
        }
    }
}
