//! A delivery on a database of its own, between its neighbours and the bucket of a customer.

use api::sartiq::delivery::v1::export_service_client::ExportServiceClient;
use api::sartiq::delivery::v1::target_service_client::TargetServiceClient;
use api::sartiq::delivery::v1::*;
use api::sartiq::event::v1::Event;
use api::sartiq::event::v1::event::Payload;
use api::sartiq::generation::v1::prediction_service_server::PredictionServiceServer;
use api::sartiq::media::v1::media_service_server::MediaServiceServer;
use api::sartiq::media::v1::workspace_service_server::WorkspaceServiceServer;
use api::sartiq::shooting::v1::shot_service_server::ShotServiceServer;
use aws_sdk_s3::Client as Store;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use delivery::{Delivery, Settings};
use pixels::Picture;
use prost::Message;
use server::{Mesh, Role};
use sqlx::PgPool;
use testkit::{Client, request_id};
use tonic::service::Routes;
use tonic::{Response, Status};
use types::id::{OrganizationId, ShootingId};

use crate::studio::Studio;

pub(crate) type Result<T = (), E = Box<dyn std::error::Error + Send + Sync>> =
    std::result::Result<T, E>;

/// The secret of the customer's key, as it must never be seen again.
pub(crate) const SECRET: &str = "test-secret";

/// A delivery with what is around it.
pub(crate) struct Stage {
    pub(crate) db: PgPool,
    pub(crate) studio: Studio,
    pub(crate) customer: testkit::Bucket,
    pub(crate) organization: OrganizationId,
    pub(crate) shooting: String,
    pub(crate) channel: Client,
    settings: Settings,
    mesh: Mesh,
    _store: testkit::Bucket,
}

impl Stage {
    /// Opens a stage on which exports are delivered.
    pub(crate) async fn open(db: PgPool) -> Result<Self> {
        let stage = Self::open_idle(db).await?;
        stage.work(true)?;
        Ok(stage)
    }

    /// Opens a stage on which nobody does the jobs.
    pub(crate) async fn open_idle(db: PgPool) -> Result<Self> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (store, customer) = (testkit::bucket().await, testkit::bucket().await);
        let studio = Studio::new(client(&store), store.name.clone());
        let routes = Routes::new(ShotServiceServer::new(studio.clone()))
            .add_service(PredictionServiceServer::new(studio.clone()))
            .add_service(MediaServiceServer::new(studio.clone()))
            .add_service(WorkspaceServiceServer::new(studio.clone()));
        let url = testkit::serve_at(&testkit::mesh("studio"), routes).await;
        let settings = Settings {
            shooting_url: url.clone(),
            generation_url: url.clone(),
            media_url: url,
            key_secret: "0123456789abcdef0123456789abcdef".into(),
            store_urls: vec![store.endpoint.parse()?],
            allow_private_targets: true,
            deliveries: 2,
        };
        let mesh = testkit::mesh("delivery");
        let delivery = Delivery::new(db.clone(), &mesh, &settings)?;
        let channel = testkit::serve(mesh.clone(), delivery.routes()).await;
        Ok(Self {
            db,
            studio,
            customer,
            organization: OrganizationId::generate(),
            shooting: ShootingId::generate().into(),
            channel,
            settings,
            mesh,
            _store: store,
        })
    }

    /// Does the jobs, with or without leave to reach private targets.
    pub(crate) fn work(&self, allow_private_targets: bool) -> Result {
        let settings = Settings { allow_private_targets, ..self.settings.clone() };
        let events = events::Config {
            redis_url: testkit::redis_url().into(),
            redis_prefix: format!("{}:", request_id()),
        };
        Delivery::new(self.db.clone(), &self.mesh, &settings)?.work(&events.open()?);
        Ok(())
    }

    /// Returns a channel to a delivery that refuses private targets.
    pub(crate) async fn strict(&self) -> Result<Client> {
        let settings = Settings { allow_private_targets: false, ..self.settings.clone() };
        let delivery = Delivery::new(self.db.clone(), &self.mesh, &settings)?;
        Ok(testkit::serve(self.mesh.clone(), delivery.routes()).await)
    }

    pub(crate) fn role(&self, role: Role) -> Client {
        testkit::as_role(&self.channel, role, self.organization)
    }

    pub(crate) fn exports(&self) -> ExportServiceClient<Client> {
        ExportServiceClient::new(self.role(Role::Editor))
    }

    pub(crate) fn targets(&self) -> TargetServiceClient<Client> {
        TargetServiceClient::new(self.role(Role::Admin))
    }

    /// Adds a shot with an approved picture of so many pixels, and returns its id.
    pub(crate) async fn approved(&self, look: &str, width: u32) -> Result<String> {
        let bytes = picture(width)?;
        self.studio.approved(self.organization, &self.shooting, look, bytes).await
    }

    /// A request for a zip of all that is approved.
    pub(crate) fn creation(&self) -> CreateExportRequest {
        CreateExportRequest {
            request_id: request_id(),
            name: "Spring / 2026".to_owned(),
            shooting_id: self.shooting.clone(),
            ..CreateExportRequest::default()
        }
    }

    pub(crate) async fn create(&self, request: CreateExportRequest) -> Result<Export> {
        let reply = self.exports().create_export(request).await?.into_inner();
        Ok(reply.export.ok_or("no export")?)
    }

    pub(crate) async fn get(&self, id: &str) -> Result<Export> {
        let request = GetExportRequest { id: id.to_owned() };
        Ok(self.exports().get_export(request).await?.into_inner().export.ok_or("no export")?)
    }

    /// Waits until an export is in a state, and returns it.
    pub(crate) async fn until(&self, id: &str, state: export::State) -> Result<Export> {
        testkit::eventually(async || {
            let export = self.get(id).await?;
            match export.state() == state {
                true => Ok::<_, Box<dyn std::error::Error + Send + Sync>>(true),
                false => Err(format!("{export:?}").into()),
            }
        })
        .await?;
        self.get(id).await
    }

    pub(crate) async fn items(&self, id: &str) -> Result<Vec<ExportItem>> {
        let request = ListExportItemsRequest {
            export_id: id.to_owned(),
            ..ListExportItemsRequest::default()
        };
        Ok(self.exports().list_export_items(request).await?.into_inner().items)
    }

    /// A request for a target at the customer's.
    pub(crate) fn target(&self, name: &str) -> CreateTargetRequest {
        let bucket = Bucket {
            endpoint_url: self.customer.endpoint.clone(),
            name: self.customer.name.clone(),
            prefix: "shop/".to_owned(),
            access_key_id: self.customer.access_key.clone(),
            secret_access_key: self.customer.secret_key.clone(),
            ..Bucket::default()
        };
        CreateTargetRequest {
            request_id: request_id(),
            name: name.to_owned(),
            bucket: Some(bucket),
        }
    }

    pub(crate) async fn create_target(&self) -> Result<Target> {
        let reply = self.targets().create_target(self.target("Shop")).await?.into_inner();
        assert_eq!(reply.problem, "");
        Ok(reply.target.ok_or("no target")?)
    }

    pub(crate) async fn test_target(&self, id: &str) -> Result<TestTargetResponse> {
        let request = TestTargetRequest { id: id.to_owned() };
        Ok(self.targets().test_target(request).await?.into_inner())
    }

    /// Changes what delivery knows of a target, as if the customer's side had changed.
    pub(crate) async fn alter(&self, column: &'static str, value: &str) -> Result {
        let sql = sqlx::AssertSqlSafe(format!("update delivery.target set {column} = $1"));
        sqlx::query(sql).bind(value).execute(&self.db).await?;
        Ok(())
    }

    /// Reads a file of the customer.
    pub(crate) async fn delivered(&self, key: &str) -> Result<(Vec<u8>, String)> {
        let get = client(&self.customer).get_object().bucket(&self.customer.name).key(key);
        let object = get.send().await?;
        let etag = object.e_tag().unwrap_or_default().trim_matches('"').to_owned();
        Ok((object.body.collect().await?.to_vec(), etag))
    }

    /// The keys of the customer's files.
    pub(crate) async fn keys(&self) -> Result<Vec<String>> {
        let list = client(&self.customer).list_objects_v2().bucket(&self.customer.name);
        let listed = list.send().await?;
        Ok(listed.contents().iter().filter_map(|it| it.key().map(str::to_owned)).collect())
    }

    /// Writes a file of the customer's own.
    pub(crate) async fn put(&self, key: &str, bytes: &[u8]) -> Result {
        let put = client(&self.customer).put_object().bucket(&self.customer.name).key(key);
        put.body(bytes.to_vec().into()).send().await?;
        Ok(())
    }

    pub(crate) async fn remove(&self, key: &str) -> Result {
        let delete = client(&self.customer).delete_object().bucket(&self.customer.name).key(key);
        delete.send().await?;
        Ok(())
    }

    /// Returns what delivery has told so far, oldest first.
    pub(crate) async fn told(&self) -> Result<Vec<Payload>> {
        let rows: Vec<Vec<u8>> =
            sqlx::query_scalar("select event from delivery.outbox order by outbox_id")
                .fetch_all(&self.db)
                .await?;
        let events = rows.iter().map(|it| Event::decode(it.as_slice()));
        Ok(events.collect::<Result<Vec<_>, _>>()?.into_iter().filter_map(|it| it.payload).collect())
    }
}

/// A picture that no other width has.
pub(crate) fn picture(width: u32) -> Result<Vec<u8>> {
    Ok(Picture::filled(width, width / 2, [width as u8, 90, 160, 255]).to_png()?)
}

/// Returns the error of a call that ought to fail.
pub(crate) fn refusal<T>(answer: Result<Response<T>, Status>) -> Result<Status> {
    Ok(answer.err().ok_or("it was accepted")?)
}

fn client(bucket: &testkit::Bucket) -> Store {
    let secret = &bucket.secret_key;
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(&bucket.endpoint)
        .force_path_style(true)
        .credentials_provider(Credentials::new(&bucket.access_key, secret, None, None, "test"))
        .http_client(aws_smithy_http_client::Builder::new().build_http());
    Store::from_conf(config.build())
}
