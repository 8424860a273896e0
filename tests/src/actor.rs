//! Somebody who uses the mesh through the gateway.

use std::path::Path;

use api::sartiq::catalog::v1 as catalog;
use api::sartiq::catalog::v1::product_service_client::ProductServiceClient;
use api::sartiq::catalog::v1::shot_type_service_client::ShotTypeServiceClient;
use api::sartiq::catalog::v1::style_service_client::StyleServiceClient;
use api::sartiq::catalog::v1::subject_service_client::SubjectServiceClient;
use api::sartiq::generation::v1 as generation;
use api::sartiq::generation::v1::generation_service_client::GenerationServiceClient;
use api::sartiq::identity::v1::auth_service_client::AuthServiceClient;
use api::sartiq::identity::v1::member_service_client::MemberServiceClient;
use api::sartiq::identity::v1::organization_service_client::OrganizationServiceClient;
use api::sartiq::identity::v1::{
    AcceptInvitationRequest, InviteMemberRequest, LoginRequest, Role, SignUpRequest,
    SwitchOrganizationRequest,
};
use api::sartiq::media::v1::upload_service_client::UploadServiceClient;
use api::sartiq::media::v1::{CompleteUploadRequest, CreateUploadRequest, Media};
use api::sartiq::shooting::v1 as shooting;
use api::sartiq::shooting::v1::look_service_client::LookServiceClient;
use api::sartiq::shooting::v1::shooting_service_client::ShootingServiceClient;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use crate::{House, Result, until};

/// What everybody signs in with.
const PASSWORD: &str = "correct horse battery";

/// Adds a token to each call.
#[derive(Clone, Debug)]
pub struct Bearer(MetadataValue<Ascii>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

/// What the generated clients are made of.
pub type Signed = InterceptedService<Channel, Bearer>;

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The access token.
    pub token: String,
    /// The organization that it acts in.
    pub organization_id: String,
    /// The user.
    pub user_id: String,
    /// The e-mail address.
    pub email: String,
    /// A connection to the gateway that carries the token.
    pub signed: Signed,
    bearer: Bearer,
    channel: Channel,
    http: fetch::Client,
}

/// A fresh id that makes a retry safe.
pub fn request_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

impl Actor {
    pub(crate) async fn sign_up(house: &House, name: &str) -> Result<Self> {
        let channel = Endpoint::from_shared(house.gateway.clone())?.connect_lazy();
        let email = format!("{name}-{}@example.com", uuid::Uuid::new_v4().simple());
        let request = SignUpRequest {
            request_id: request_id(),
            email: email.clone(),
            password: PASSWORD.to_owned(),
            name: name.to_owned(),
            organization_name: format!("{name}'s"),
            device: "test".to_owned(),
        };
        let answer = AuthServiceClient::new(channel.clone()).sign_up(request).await?.into_inner();
        let tokens = answer.tokens.ok_or("no tokens")?;
        let user = answer.user.ok_or("no user")?;
        Self::with(channel, tokens.access_token, tokens.organization_id, user.id, email)
    }

    fn with(
        channel: Channel,
        token: String,
        organization_id: String,
        user_id: String,
        email: String,
    ) -> Result<Self> {
        let bearer = Bearer(format!("Bearer {token}").parse()?);
        let signed = InterceptedService::new(channel.clone(), bearer.clone());
        let http = fetch::Client::new(fetch::Policy {
            allow_private: true,
            max_bytes: 1 << 30,
            ..fetch::Policy::default()
        })?;
        Ok(Self { token, organization_id, user_id, email, signed, bearer, channel, http })
    }

    /// What calls over a connection of one's own are made of.
    pub fn over(&self, channel: Channel) -> Signed {
        InterceptedService::new(channel, self.bearer.clone())
    }

    /// The same person, with a fresh token.
    pub async fn sign_in_again(&self) -> Result<Self> {
        let request = LoginRequest {
            email: self.email.clone(),
            password: PASSWORD.to_owned(),
            device: "test".to_owned(),
        };
        let answer = AuthServiceClient::new(self.channel.clone()).login(request).await?;
        let tokens = answer.into_inner().tokens.ok_or("no tokens")?;
        let (user_id, email) = (self.user_id.clone(), self.email.clone());
        let channel = self.channel.clone();
        Self::with(channel, tokens.access_token, tokens.organization_id, user_id, email)
    }

    /// Signs somebody up who joins this actor's organization with `role`.
    pub async fn invite(&self, house: &House, name: &str, role: Role) -> Result<Self> {
        let guest = Self::sign_up(house, name).await?;
        let invite = InviteMemberRequest {
            request_id: request_id(),
            email: guest.email.clone(),
            role: role.into(),
        };
        let token = MemberServiceClient::new(self.signed.clone()).invite_member(invite).await?;
        let token = token.into_inner().token;
        let accept = AcceptInvitationRequest { request_id: request_id(), token };
        MemberServiceClient::new(guest.signed.clone()).accept_invitation(accept).await?;
        let switch = SwitchOrganizationRequest { id: self.organization_id.clone() };
        let mut organizations = OrganizationServiceClient::new(guest.signed.clone());
        let switched = organizations.switch_organization(switch).await?.into_inner();
        let tokens = switched.tokens.ok_or("no tokens")?;
        Self::with(
            guest.channel,
            tokens.access_token,
            tokens.organization_id,
            guest.user_id,
            guest.email,
        )
    }

    /// Uploads a file.
    pub async fn upload(&self, path: &Path, media_type: &str) -> Result<Media> {
        let bytes = Bytes::from(std::fs::read(path)?);
        let mut uploads = UploadServiceClient::new(self.signed.clone());
        let request = CreateUploadRequest {
            request_id: request_id(),
            filename: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            media_type: media_type.to_owned(),
            size_bytes: i64::try_from(bytes.len())?,
            sha256: Bytes::new(),
        };
        let created = uploads.create_upload(request).await?.into_inner();
        let part = created.parts.first().ok_or("no part")?;
        let mut headers = HeaderMap::new();
        for (name, value) in &part.headers {
            if !name.eq_ignore_ascii_case("content-length") {
                headers.insert(HeaderName::try_from(name)?, HeaderValue::try_from(value)?);
            }
        }
        self.http.put_bytes(&part.url, headers, bytes).await?.ok()?;
        let id = created.upload.ok_or("no upload")?.id;
        let request = CompleteUploadRequest { request_id: request_id(), id, parts: Vec::new() };
        let done = uploads.complete_upload(request).await?.into_inner();
        Ok(done.media.ok_or("no media")?)
    }

    /// Reads a path of the gateway, through its redirects.
    pub async fn read(&self, house: &House, path: &str) -> Result<Bytes> {
        let url = format!("{}{path}", house.gateway);
        let request = fetch::Request::get(url).query("token", &self.token);
        Ok(self.http.download(request).await?.bytes)
    }

    /// Makes a product of a photo.
    pub async fn product(&self, photo: &Path) -> Result<catalog::Product> {
        let media = self.upload(photo, "image/png").await?;
        let photo = catalog::ProductPhoto {
            slot: catalog::product_photo::Slot::Front.into(),
            media_id: media.id,
        };
        let product = catalog::ProductInput {
            name: request_id(),
            photos: vec![photo],
            ..catalog::ProductInput::default()
        };
        let request =
            catalog::CreateProductRequest { request_id: request_id(), product: Some(product) };
        let mut products = ProductServiceClient::new(self.signed.clone());
        Ok(products.create_product(request).await?.into_inner().product.ok_or("no product")?)
    }

    /// Makes a shooting with one look of `product` and as many shots as asked for.
    pub async fn shots(
        &self,
        product: &catalog::Product,
        count: usize,
    ) -> Result<(String, Vec<shooting::Shot>)> {
        let mut types = ShotTypeServiceClient::new(self.signed.clone());
        let request = catalog::ListShotTypesRequest::default();
        let types = types.list_shot_types(request).await?.into_inner().shot_types;
        let types = types.into_iter().take(count).map(|it| it.id).collect();
        self.shots_of_types(product, types).await
    }

    /// Makes a shooting with one look of `product` and a shot of each of these types.
    pub async fn shots_of_types(
        &self,
        product: &catalog::Product,
        shot_type_ids: Vec<String>,
    ) -> Result<(String, Vec<shooting::Shot>)> {
        let handle = format!("s{}", uuid::Uuid::new_v4().simple());
        let subject = catalog::SubjectInput {
            handle: handle[..20].to_owned(),
            name: "Mara".to_owned(),
            ..catalog::SubjectInput::default()
        };
        let request =
            catalog::CreateSubjectRequest { request_id: request_id(), subject: Some(subject) };
        let mut subjects = SubjectServiceClient::new(self.signed.clone());
        let subject = subjects.create_subject(request).await?.into_inner().subject;
        let style = catalog::StyleInput { name: request_id(), ..catalog::StyleInput::default() };
        let request = catalog::CreateStyleRequest { request_id: request_id(), style: Some(style) };
        let mut styles = StyleServiceClient::new(self.signed.clone());
        let style = styles.create_style(request).await?.into_inner().style;
        let name = shooting::ShootingInput { name: "A shooting".to_owned(), ..Default::default() };
        let request =
            shooting::CreateShootingRequest { request_id: request_id(), shooting: Some(name) };
        let mut shootings = ShootingServiceClient::new(self.signed.clone());
        let made = shootings.create_shooting(request).await?.into_inner().shooting;
        let shooting_id = made.ok_or("no shooting")?.id;
        let look = shooting::LookInput {
            product_id: product.id.clone(),
            subject_id: subject.ok_or("no subject")?.id,
            style_id: style.ok_or("no style")?.id,
            shot_type_ids,
            ..shooting::LookInput::default()
        };
        let request = shooting::CreateLookRequest {
            request_id: request_id(),
            shooting_id: shooting_id.clone(),
            look: Some(look),
        };
        let mut looks = LookServiceClient::new(self.signed.clone());
        let shots = looks.create_look(request).await?.into_inner().shots;
        Ok((shooting_id, shots))
    }

    /// What starts a generation of `count` pictures for a shot.
    pub fn start_request(shot: &shooting::Shot, count: i32) -> generation::StartGenerationRequest {
        generation::StartGenerationRequest {
            request_id: request_id(),
            generation: Some(generation::GenerationInput {
                shot_id: shot.id.clone(),
                variant_count: count,
                ..generation::GenerationInput::default()
            }),
        }
    }

    /// A client of generations.
    pub fn generations(&self) -> GenerationServiceClient<Signed> {
        GenerationServiceClient::new(self.signed.clone())
    }

    /// Waits until a generation is final, and answers it with its predictions.
    pub async fn ended(&self, id: &str) -> Result<generation::GetGenerationResponse> {
        use generation::generation::State;
        until(90, async || {
            let request = generation::GetGenerationRequest { id: id.to_owned() };
            let answer = self.generations().get_generation(request).await?.into_inner();
            let state = answer.generation.as_ref().map(|it| it.state());
            let is_final =
                matches!(state, Some(State::Completed | State::Failed | State::Cancelled));
            Ok(is_final.then_some(answer))
        })
        .await
    }
}
