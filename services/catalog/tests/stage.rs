//! A catalog on a database of its own, beside a media that tests can tell what to be like.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use api::sartiq::catalog::v1::guideline_service_client::GuidelineServiceClient;
use api::sartiq::catalog::v1::product_service_client::ProductServiceClient;
use api::sartiq::catalog::v1::shot_type_service_client::ShotTypeServiceClient;
use api::sartiq::catalog::v1::style_service_client::StyleServiceClient;
use api::sartiq::catalog::v1::subject_service_client::SubjectServiceClient;
use api::sartiq::event::v1::Event;
use api::sartiq::event::v1::event::Payload;
use api::sartiq::media::v1::media::Kind;
use api::sartiq::media::v1::media_service_server::{MediaService, MediaServiceServer};
use api::sartiq::media::v1::*;
use catalog::Catalog;
use events::Stream;
use prost::Message;
use server::{Caller, Mesh, Role};
use sqlx::PgPool;
use testkit::Client;
use tonic::service::Routes;
use tonic::{Request, Response, Status};
use types::id::{MediaId, OrganizationId};

pub(crate) type Result<T = (), E = Box<dyn std::error::Error + Send + Sync>> =
    std::result::Result<T, E>;

/// A catalog with what is around it.
pub(crate) struct Stage {
    pub(crate) db: PgPool,
    pub(crate) media: Media,
    pub(crate) organization: OrganizationId,
    pub(crate) stream: Stream,
    channel: Client,
    mesh: Mesh,
}

impl Stage {
    pub(crate) async fn open(db: PgPool) -> Result<Self> {
        let media = Media::default();
        let routes = Routes::new(MediaServiceServer::new(media.clone()));
        let url = testkit::serve_at(&testkit::mesh("media"), routes).await;
        let mesh = testkit::mesh("catalog");
        let catalog = Catalog::new(db.clone(), mesh.channel(&url)?);
        let redis_prefix = format!("{}:", testkit::request_id());
        let stream =
            events::Config { redis_url: testkit::redis_url().into(), redis_prefix }.open()?;
        catalog.work(&mesh, &stream);
        let channel = testkit::serve(mesh.clone(), catalog.routes()).await;
        Ok(Self { db, media, organization: OrganizationId::generate(), channel, mesh, stream })
    }

    /// Returns a channel of an editor of `organization`.
    pub(crate) fn editor_of(&self, organization: OrganizationId) -> Client {
        testkit::as_role(&self.channel, Role::Editor, organization)
    }

    /// Returns a channel of somebody with `role`.
    pub(crate) fn role(&self, role: Role) -> Client {
        testkit::as_role(&self.channel, role, self.organization)
    }

    pub(crate) fn products(&self) -> ProductServiceClient<Client> {
        ProductServiceClient::new(self.role(Role::Editor))
    }

    pub(crate) fn subjects(&self) -> SubjectServiceClient<Client> {
        SubjectServiceClient::new(self.role(Role::Editor))
    }

    pub(crate) fn styles(&self) -> StyleServiceClient<Client> {
        StyleServiceClient::new(self.role(Role::Editor))
    }

    pub(crate) fn guidelines(&self) -> GuidelineServiceClient<Client> {
        GuidelineServiceClient::new(self.role(Role::Editor))
    }

    pub(crate) fn shot_types(&self) -> ShotTypeServiceClient<Client> {
        ShotTypeServiceClient::new(self.role(Role::Editor))
    }

    /// Returns what the catalog has told so far, oldest first.
    pub(crate) async fn told(&self) -> Result<Vec<Payload>> {
        let rows: Vec<Vec<u8>> =
            sqlx::query_scalar("select event from catalog.outbox order by outbox_id")
                .fetch_all(&self.db)
                .await?;
        let events = rows.iter().map(|it| Event::decode(it.as_slice()));
        Ok(events.collect::<Result<Vec<_>, _>>()?.into_iter().filter_map(|it| it.payload).collect())
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // The tasks hold connections to a database that goes away.
        self.mesh.stop();
    }
}

/// Returns the error of a call that ought to fail.
pub(crate) fn refusal<T>(answer: Result<Response<T>, Status>) -> Result<Status> {
    Ok(answer.err().ok_or("it was accepted")?)
}

/// A media that knows what it was told to know.
#[derive(Clone, Default)]
pub(crate) struct Media(Arc<Mutex<Shelf>>);

#[derive(Default)]
struct Shelf {
    known: BTreeMap<MediaId, (OrganizationId, Kind)>,
    attached: BTreeMap<(String, String), Vec<(String, String)>>,
    is_away: bool,
    is_deaf: bool,
}

impl Media {
    /// Returns the id of a new picture of `organization`.
    pub(crate) fn picture(&self, organization: OrganizationId) -> String {
        self.add(organization, Kind::Image)
    }

    /// Returns the id of a new film of `organization`.
    pub(crate) fn film(&self, organization: OrganizationId) -> String {
        self.add(organization, Kind::Video)
    }

    /// Refuses every call, or answers again.
    pub(crate) fn set_away(&self, is_away: bool) {
        self.shelf().is_away = is_away;
    }

    /// Takes no attachment, or takes them again.
    pub(crate) fn set_deaf(&self, is_deaf: bool) {
        self.shelf().is_deaf = is_deaf;
    }

    /// Returns what is attached to an entity, as pairs of slot and media.
    pub(crate) fn attached(&self, entity_type: &str, entity_id: &str) -> Vec<(String, String)> {
        let key = (entity_type.to_owned(), entity_id.to_owned());
        self.shelf().attached.get(&key).cloned().unwrap_or_default()
    }

    fn add(&self, organization: OrganizationId, kind: Kind) -> String {
        let id = MediaId::generate();
        self.shelf().known.insert(id, (organization, kind));
        id.to_string()
    }

    fn find(
        &self,
        organization: OrganizationId,
        id: &str,
    ) -> Result<api::sartiq::media::v1::Media, Status> {
        let missing = || Status::not_found(format!("media {id} does not exist"));
        let key: MediaId = id.parse().map_err(|_| missing())?;
        match self.shelf().known.get(&key) {
            Some((owner, kind)) if *owner == organization => Ok(api::sartiq::media::v1::Media {
                id: id.to_owned(),
                kind: (*kind).into(),
                ..Default::default()
            }),
            _ => Err(missing()),
        }
    }

    fn open<M>(&self, request: Request<M>) -> Result<(OrganizationId, M), Status> {
        if self.shelf().is_away {
            return Err(Status::unavailable("away"));
        }
        let caller = Caller::of(&request).ok_or_else(|| Status::unauthenticated("nobody"))?;
        Ok((caller.organization()?, request.into_inner()))
    }

    fn shelf(&self) -> std::sync::MutexGuard<'_, Shelf> {
        self.0.lock().expect("no test panics while it holds the shelf")
    }
}

#[tonic::async_trait]
impl MediaService for Media {
    async fn get_media(
        &self,
        request: Request<GetMediaRequest>,
    ) -> Result<Response<GetMediaResponse>, Status> {
        let (organization, request) = self.open(request)?;
        let media = Some(self.find(organization, &request.id)?);
        Ok(Response::new(GetMediaResponse { media }))
    }

    async fn batch_get_media(
        &self,
        request: Request<BatchGetMediaRequest>,
    ) -> Result<Response<BatchGetMediaResponse>, Status> {
        let (organization, request) = self.open(request)?;
        let media = request.ids.iter().map(|it| self.find(organization, it));
        Ok(Response::new(BatchGetMediaResponse { media: media.collect::<Result<_, _>>()? }))
    }

    async fn set_attachments(
        &self,
        request: Request<SetAttachmentsRequest>,
    ) -> Result<Response<SetAttachmentsResponse>, Status> {
        let (organization, request) = self.open(request)?;
        if self.shelf().is_deaf {
            return Err(Status::unavailable("deaf"));
        }
        for it in &request.media {
            self.find(organization, &it.media_id)?;
        }
        let pairs = request.media.into_iter().map(|it| (it.slot, it.media_id)).collect();
        self.shelf().attached.insert((request.entity_type, request.entity_id), pairs);
        Ok(Response::new(SetAttachmentsResponse::default()))
    }

    async fn list_media(
        &self,
        _: Request<ListMediaRequest>,
    ) -> Result<Response<ListMediaResponse>, Status> {
        Err(Status::unimplemented("the catalog never asks"))
    }

    async fn sign_urls(
        &self,
        _: Request<SignUrlsRequest>,
    ) -> Result<Response<SignUrlsResponse>, Status> {
        Err(Status::unimplemented("the catalog never asks"))
    }

    async fn list_attachments(
        &self,
        _: Request<ListAttachmentsRequest>,
    ) -> Result<Response<ListAttachmentsResponse>, Status> {
        Err(Status::unimplemented("the catalog never asks"))
    }
}
