//! What identity answers, one line per RPC.

mod auth;
mod authority;
mod hasher;
mod member;
mod organization;
mod session;
mod sign_in;
mod tokens;
mod user;

use api::sartiq::identity::v1::auth_service_server::AuthService;
use api::sartiq::identity::v1::member_service_server::MemberService;
use api::sartiq::identity::v1::organization_service_server::OrganizationService;
use api::sartiq::identity::v1::session_service_server::SessionService;
use api::sartiq::identity::v1::user_service_server::UserService;
use api::sartiq::identity::v1::*;
use server::Caller;
use time::OffsetDateTime;
use tonic::{Request, Response, Status};
use types::id::{OrganizationId, SessionId, UserId};

pub(crate) use hasher::Hasher;

use crate::Identity;
use crate::error::{Error, Result};

/// Where identity's tables are, as shared code is told.
pub(crate) const SCHEMA: &str = "identity";

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl AuthService for Identity {
    async fn sign_up(&self, request: Request<SignUpRequest>) -> Answer<SignUpResponse> {
        let source = sign_in::source(&request);
        let request = server::open_public(request)?;
        Ok(Response::new(sign_in::sign_up(self, source, request).await?))
    }

    async fn login(&self, request: Request<LoginRequest>) -> Answer<LoginResponse> {
        let source = sign_in::source(&request);
        let request = server::open_public(request)?;
        Ok(Response::new(sign_in::login(self, source, request).await?))
    }

    async fn refresh(&self, request: Request<RefreshRequest>) -> Answer<RefreshResponse> {
        let request = server::open_public(request)?;
        Ok(Response::new(auth::refresh(self, request).await?))
    }

    async fn logout(&self, request: Request<LogoutRequest>) -> Answer<LogoutResponse> {
        let (caller, _) = server::open(request)?;
        Ok(Response::new(auth::logout(self, caller).await?))
    }

    async fn exchange_key(
        &self,
        request: Request<ExchangeKeyRequest>,
    ) -> Answer<ExchangeKeyResponse> {
        let request = server::open_public(request)?;
        Ok(Response::new(auth::exchange_key(self, request)?))
    }

    async fn list_signing_keys(
        &self,
        request: Request<ListSigningKeysRequest>,
    ) -> Answer<ListSigningKeysResponse> {
        server::open_public(request)?;
        Ok(Response::new(auth::list_signing_keys(self)))
    }

    async fn list_revocations(
        &self,
        request: Request<ListRevocationsRequest>,
    ) -> Answer<ListRevocationsResponse> {
        server::open(request)?;
        Ok(Response::new(auth::list_revocations(self).await?))
    }
}

#[tonic::async_trait]
impl UserService for Identity {
    async fn get_me(&self, request: Request<GetMeRequest>) -> Answer<GetMeResponse> {
        let (caller, _) = server::open(request)?;
        Ok(Response::new(user::get_me(self, caller).await?))
    }

    async fn update_me(&self, request: Request<UpdateMeRequest>) -> Answer<UpdateMeResponse> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(user::update_me(self, caller, request).await?))
    }
}

#[tonic::async_trait]
impl OrganizationService for Identity {
    async fn create_organization(
        &self,
        request: Request<CreateOrganizationRequest>,
    ) -> Answer<CreateOrganizationResponse> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(organization::create(self, caller, request).await?))
    }

    async fn get_organization(
        &self,
        request: Request<GetOrganizationRequest>,
    ) -> Answer<GetOrganizationResponse> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(organization::get(self, caller, request).await?))
    }

    async fn list_organizations(
        &self,
        request: Request<ListOrganizationsRequest>,
    ) -> Answer<ListOrganizationsResponse> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(organization::list(self, caller, request).await?))
    }

    async fn update_organization(
        &self,
        request: Request<UpdateOrganizationRequest>,
    ) -> Answer<UpdateOrganizationResponse> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(organization::update(self, caller, request).await?))
    }

    async fn switch_organization(
        &self,
        request: Request<SwitchOrganizationRequest>,
    ) -> Answer<SwitchOrganizationResponse> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(organization::switch(self, caller, request).await?))
    }
}

#[tonic::async_trait]
impl MemberService for Identity {
    async fn list_members(
        &self,
        request: Request<ListMembersRequest>,
    ) -> Answer<ListMembersResponse> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(member::list(self, caller, request).await?))
    }

    async fn invite_member(
        &self,
        request: Request<InviteMemberRequest>,
    ) -> Answer<InviteMemberResponse> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(member::invite(self, caller, request).await?))
    }

    async fn accept_invitation(
        &self,
        request: Request<AcceptInvitationRequest>,
    ) -> Answer<AcceptInvitationResponse> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(member::accept(self, caller, request).await?))
    }

    async fn update_member_role(
        &self,
        request: Request<UpdateMemberRoleRequest>,
    ) -> Answer<UpdateMemberRoleResponse> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(member::update_role(self, caller, request).await?))
    }

    async fn remove_member(
        &self,
        request: Request<RemoveMemberRequest>,
    ) -> Answer<RemoveMemberResponse> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(member::remove(self, caller, request).await?))
    }
}

#[tonic::async_trait]
impl SessionService for Identity {
    async fn list_sessions(
        &self,
        request: Request<ListSessionsRequest>,
    ) -> Answer<ListSessionsResponse> {
        let (caller, _) = server::open(request)?;
        Ok(Response::new(session::list(self, caller).await?))
    }

    async fn revoke_session(
        &self,
        request: Request<RevokeSessionRequest>,
    ) -> Answer<RevokeSessionResponse> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(session::revoke(self, caller, request).await?))
    }
}

/// Returns the time, as exactly as the database keeps it.
pub(crate) fn now() -> OffsetDateTime {
    let now = OffsetDateTime::now_utc();
    now.replace_nanosecond(now.microsecond() * 1000).unwrap_or(now)
}

fn user_of(caller: &Caller) -> Result<UserId> {
    caller.user_id.ok_or(Error::UserMissing)
}

fn session_of(caller: &Caller) -> Result<SessionId> {
    caller.session_id.ok_or(Error::UserMissing)
}

fn organization_of(caller: &Caller) -> Result<OrganizationId> {
    caller.organization_id.ok_or(Error::OrganizationMissing)
}
