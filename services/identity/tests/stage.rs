//! An identity on a database of its own, and people who sign up with it.

use std::sync::Arc;
use std::time::Duration;

use api::sartiq::identity::v1::auth_service_client::AuthServiceClient;
use api::sartiq::identity::v1::member_service_client::MemberServiceClient;
use api::sartiq::identity::v1::organization_service_client::OrganizationServiceClient;
use api::sartiq::identity::v1::session_service_client::SessionServiceClient;
use api::sartiq::identity::v1::user_service_client::UserServiceClient;
use api::sartiq::identity::v1::*;
use identity::{Identity, Settings};
use server::Mesh;
use sqlx::PgPool;
use testkit::Client;
use tonic::{Code, Status};

pub(crate) type Result<T = (), E = Box<dyn std::error::Error + Send + Sync>> =
    std::result::Result<T, E>;

pub(crate) const PASSWORD: &str = "correct horse";
pub(crate) const CATALOG_KEY: &str = "catalog-key-0123456789";

/// An identity, served.
pub(crate) struct Stage {
    pub(crate) db: PgPool,
    pub(crate) channel: Client,
}

impl Stage {
    pub(crate) async fn open(db: PgPool) -> Result<Self> {
        Self::open_with(db, settings()).await
    }

    pub(crate) async fn open_with(db: PgPool, settings: Settings) -> Result<Self> {
        let identity = Identity::open(db.clone(), &settings).await?;
        let mesh = Mesh::join_with("identity", &testkit::config(), Arc::new(identity.clone()));
        let channel = testkit::serve(mesh, identity.routes()).await;
        Ok(Self { db, channel })
    }

    pub(crate) fn auth(&self) -> AuthServiceClient<Client> {
        AuthServiceClient::new(self.channel.clone())
    }

    /// Returns a door for somebody who presents `token`.
    pub(crate) fn signed(&self, token: &str) -> Client {
        testkit::signed(&self.channel, token)
    }

    /// Signs somebody up, by a name that is also the name of their organization.
    pub(crate) async fn sign_up(&self, name: &str) -> Result<Person> {
        let response = self.auth().sign_up(sign_up_request(name)).await?.into_inner();
        Person::new(self, response.user, response.tokens)
    }

    /// Signs somebody in once more.
    pub(crate) async fn login(&self, name: &str) -> Result<Person> {
        let response = self.auth().login(login_request(name, PASSWORD)).await?.into_inner();
        Person::new(self, response.user, response.tokens)
    }

    /// Signs somebody up and makes them a member of the organization that `host` acts in.
    pub(crate) async fn join(&self, host: &Person, name: &str, role: Role) -> Result<Person> {
        let guest = self.sign_up(name).await?;
        let token = host.invite(&guest.user.email, role).await?;
        guest.accept(&token).await?;
        guest.switch(self, &host.tokens.organization_id).await
    }

    pub(crate) async fn refresh(&self, token: &str) -> Result<SessionTokens, Status> {
        let request = RefreshRequest { refresh_token: token.to_owned() };
        let response = self.auth().refresh(request).await?.into_inner();
        response.tokens.ok_or_else(|| Status::internal("no tokens"))
    }

    /// Returns a door for the service `catalog`.
    pub(crate) async fn service(&self) -> Result<AuthServiceClient<Client>> {
        let request = ExchangeKeyRequest { service: "catalog".into(), key: CATALOG_KEY.to_owned() };
        let token = self.auth().exchange_key(request).await?.into_inner().access_token;
        Ok(AuthServiceClient::new(self.signed(&token)))
    }

    /// Returns the revoked sessions, as services learn of them.
    pub(crate) async fn revocations(&self) -> Result<Vec<String>> {
        let mut service = self.service().await?;
        Ok(service.list_revocations(ListRevocationsRequest {}).await?.into_inner().session_ids)
    }

    /// Runs `sql` where no RPC would let time pass.
    pub(crate) async fn execute(&self, sql: &'static str) -> Result {
        sqlx::query(sql).execute(&self.db).await?;
        Ok(())
    }
}

/// Somebody who has signed in.
pub(crate) struct Person {
    pub(crate) user: User,
    pub(crate) tokens: SessionTokens,
    pub(crate) channel: Client,
}

impl Person {
    fn new(stage: &Stage, user: Option<User>, tokens: Option<SessionTokens>) -> Result<Self> {
        let (user, tokens) = (user.ok_or("no user")?, tokens.ok_or("no tokens")?);
        Ok(Self { channel: stage.signed(&tokens.access_token), user, tokens })
    }

    pub(crate) fn auth(&self) -> AuthServiceClient<Client> {
        AuthServiceClient::new(self.channel.clone())
    }

    pub(crate) fn users(&self) -> UserServiceClient<Client> {
        UserServiceClient::new(self.channel.clone())
    }

    pub(crate) fn organizations(&self) -> OrganizationServiceClient<Client> {
        OrganizationServiceClient::new(self.channel.clone())
    }

    pub(crate) fn members(&self) -> MemberServiceClient<Client> {
        MemberServiceClient::new(self.channel.clone())
    }

    pub(crate) fn sessions(&self) -> SessionServiceClient<Client> {
        SessionServiceClient::new(self.channel.clone())
    }

    pub(crate) async fn me(&self) -> Result<GetMeResponse, Status> {
        Ok(self.users().get_me(GetMeRequest {}).await?.into_inner())
    }

    /// Tells whether the access token is refused, as it is soon after its session is revoked.
    pub(crate) async fn is_out(&self) -> Result<bool, Status> {
        match self.me().await {
            Ok(_) => Ok(false),
            Err(status) if status.code() == Code::Unauthenticated => Ok(true),
            Err(status) => Err(status),
        }
    }

    pub(crate) async fn invite(&self, email: &str, role: Role) -> Result<String, Status> {
        let request = InviteMemberRequest {
            request_id: testkit::request_id(),
            email: email.to_owned(),
            role: role.into(),
        };
        Ok(self.members().invite_member(request).await?.into_inner().token)
    }

    pub(crate) async fn accept(&self, token: &str) -> Result<AcceptInvitationResponse, Status> {
        let request =
            AcceptInvitationRequest { request_id: testkit::request_id(), token: token.to_owned() };
        Ok(self.members().accept_invitation(request).await?.into_inner())
    }

    pub(crate) async fn set_role(&self, user: &User, role: Role) -> Result<Member, Status> {
        let request = UpdateMemberRoleRequest {
            request_id: testkit::request_id(),
            user_id: user.id.clone(),
            role: role.into(),
        };
        let response = self.members().update_member_role(request).await?.into_inner();
        response.member.ok_or_else(|| Status::internal("no member"))
    }

    pub(crate) async fn remove(&self, user: &User) -> Result<(), Status> {
        let request =
            RemoveMemberRequest { request_id: testkit::request_id(), user_id: user.id.clone() };
        self.members().remove_member(request).await?;
        Ok(())
    }

    /// Acts in another organization from now on.
    pub(crate) async fn switch(&self, stage: &Stage, organization_id: &str) -> Result<Person> {
        let request = SwitchOrganizationRequest { id: organization_id.to_owned() };
        let tokens = self.organizations().switch_organization(request).await?.into_inner().tokens;
        Person::new(stage, Some(self.user.clone()), tokens)
    }
}

pub(crate) fn settings() -> Settings {
    Settings {
        key_secret: "0123456789abcdef0123456789abcdef".into(),
        signing_key_lifetime: Duration::from_secs(30 * 24 * 60 * 60),
        service_keys: format!("catalog={CATALOG_KEY},gateway=gateway-key-0123456789").into(),
        redis_url: None,
        hash_concurrency: 2,
        hash_queue: 64,
    }
}

pub(crate) fn email(name: &str) -> String {
    format!("{}@sartiq.example", name.to_lowercase())
}

pub(crate) fn sign_up_request(name: &str) -> SignUpRequest {
    SignUpRequest {
        request_id: testkit::request_id(),
        email: email(name),
        password: PASSWORD.into(),
        name: name.into(),
        organization_name: format!("{name}'s"),
        device: "a test".into(),
    }
}

pub(crate) fn login_request(name: &str, password: &str) -> LoginRequest {
    LoginRequest { email: email(name), password: password.into(), device: "another test".into() }
}

/// Returns why `result` was refused.
pub(crate) fn refusal<T>(result: Result<T, Status>) -> Result<Status> {
    Ok(result.err().ok_or("not refused")?)
}

/// Returns the reason why `result` was refused.
pub(crate) fn reason<T>(result: Result<T, Status>) -> Result<String> {
    Ok(testkit::reason(&refusal(result)?))
}
