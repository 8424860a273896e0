//! Organization RPCs.

use api::sartiq::identity::v1 as pb;
use pg::Page;
use pg::replay::Replay;
use server::{Caller, Role, timestamp};
use types::id::OrganizationId;

use crate::error::{Error, Result};
use crate::name::Name;
use crate::organization::{Membership, Organization};
use crate::rpc::{SCHEMA, now, organization_of, session_of, tokens, user_of};
use crate::session::RefreshToken;
use crate::{Identity, store};

pub(super) async fn create(
    identity: &Identity,
    caller: Caller,
    request: pb::CreateOrganizationRequest,
) -> Result<pb::CreateOrganizationResponse> {
    let user_id = user_of(&caller)?;
    let name = Name::parse("name", &request.name)?;
    let replay = Replay::of(SCHEMA, user_id, "CreateOrganization", &request.request_id, &request)?;
    let mut tx = identity.db.begin().await?;
    if let Some(reply) = replay.find(&mut tx).await? {
        return Ok(reply);
    }
    let user = store::user::find(&mut *tx, user_id).await?.ok_or(Error::UserMissing)?;
    let organization = Organization { id: OrganizationId::generate(), name, created_at: now() };
    let membership = Membership { organization_id: organization.id, role: Role::Owner };
    store::organization::insert(&mut *tx, &organization).await?;
    store::membership::insert(&mut *tx, membership, user_id, &user.email).await?;
    let reply = pb::CreateOrganizationResponse { organization: Some(organization.into()) };
    replay.store(&mut tx, &reply).await?;
    tx.commit().await?;
    Ok(reply)
}

pub(super) async fn get(
    identity: &Identity,
    caller: Caller,
    request: pb::GetOrganizationRequest,
) -> Result<pb::GetOrganizationResponse> {
    let (user_id, id) = (user_of(&caller)?, request.id.parse()?);
    let found = store::organization::find_of_member(&identity.db, id, user_id).await?;
    let (organization, role) = found.ok_or(Error::OrganizationNotFound(id))?;
    Ok(pb::GetOrganizationResponse { organization: Some(organization.into()), role: role.into() })
}

pub(super) async fn list(
    identity: &Identity,
    caller: Caller,
    request: pb::ListOrganizationsRequest,
) -> Result<pb::ListOrganizationsResponse> {
    let user_id = user_of(&caller)?;
    let page = Page::parse(request.page_size, &request.page_token, ("organization", user_id))?;
    let organizations =
        store::organization::list_of_member(&identity.db, user_id, page.after()?, page.limit());
    let (organizations, next_page_token) = page.cut(organizations.await?, |it| vec![it.id]);
    let organizations = organizations.into_iter().map(Into::into).collect();
    Ok(pb::ListOrganizationsResponse { organizations, next_page_token })
}

pub(super) async fn update(
    identity: &Identity,
    caller: Caller,
    request: pb::UpdateOrganizationRequest,
) -> Result<pb::UpdateOrganizationResponse> {
    let id = organization_of(&caller)?;
    let name = Name::parse("name", &request.name)?;
    let replay = Replay::of(SCHEMA, id, "UpdateOrganization", &request.request_id, &request)?;
    let mut tx = identity.db.begin().await?;
    if let Some(reply) = replay.find(&mut tx).await? {
        return Ok(reply);
    }
    let organization = store::organization::rename(&mut *tx, id, &name).await?;
    let organization = organization.ok_or(Error::OrganizationNotFound(id))?;
    let reply = pb::UpdateOrganizationResponse { organization: Some(organization.into()) };
    replay.store(&mut tx, &reply).await?;
    tx.commit().await?;
    Ok(reply)
}

pub(super) async fn switch(
    identity: &Identity,
    caller: Caller,
    request: pb::SwitchOrganizationRequest,
) -> Result<pb::SwitchOrganizationResponse> {
    let (user_id, session_id) = (user_of(&caller)?, session_of(&caller)?);
    let id = request.id.parse()?;
    let now = now();
    let mut tx = identity.db.begin().await?;
    let membership = store::membership::hold(&mut *tx, id, user_id).await?;
    let membership = membership.ok_or(Error::OrganizationNotFound(id))?;
    let session = store::session::lock(&mut *tx, session_id).await?;
    let mut session = session.filter(|it| !it.is_revoked).ok_or(Error::SessionRevoked)?;
    if let Some(left) = session.organization_id.filter(|it| *it != id) {
        store::session::depart(&mut *tx, session_id, left, now).await?;
    }
    let refresh = RefreshToken::random(session_id, session.generation + 1);
    session.switch(id, &refresh, now);
    store::session::update(&mut *tx, &session).await?;
    store::user::set_last_organization(&mut *tx, user_id, id).await?;
    let tokens = tokens::issue(identity, &session, Some(membership), &refresh, now)?;
    tx.commit().await?;
    Ok(pb::SwitchOrganizationResponse { tokens: Some(tokens) })
}

impl From<Organization> for pb::Organization {
    fn from(organization: Organization) -> Self {
        Self {
            id: organization.id.to_string(),
            name: organization.name.into(),
            create_time: Some(timestamp(organization.created_at)),
        }
    }
}
