//! What every test of media begins with: the service, its store, and people who use it.

use std::collections::BTreeMap;
use std::error::Error;

use api::sartiq::media::v1::media_service_client::MediaServiceClient;
use api::sartiq::media::v1::upload_service_client::UploadServiceClient;
use api::sartiq::media::v1::workspace_service_client::WorkspaceServiceClient;
use api::sartiq::media::v1::{
    CompleteUploadRequest, CompleteUploadResponse, CreateUploadRequest, Media, Upload,
};
use aws_sdk_s3::Client as Store;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::primitives::ByteStream;
use events::Outbox;
use media::{Library, ObjectsConfig};
use reqwest::StatusCode;
use server::Role;
use sqlx::PgPool;
use testkit::{Bucket, Client, request_id};
use tonic::Status;
use types::id::OrganizationId;

pub(crate) type Result<T = (), E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

/// A stage at which files come in, for one organization.
pub(crate) struct Stage {
    pub(crate) db: PgPool,
    pub(crate) library: Library,
    pub(crate) organization: OrganizationId,
    pub(crate) http: reqwest::Client,
    bucket: Bucket,
    store: Store,
    channel: Client,
}

impl Stage {
    pub(crate) async fn open(db: PgPool) -> Result<Self> {
        // The client of the tests is built without a choice of cryptography.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let bucket = testkit::bucket().await;
        let config = ObjectsConfig {
            s3_endpoint_url: bucket.endpoint.clone(),
            s3_public_url: None,
            s3_access_key: bucket.access_key.clone(),
            s3_secret_key: bucket.secret_key.clone().into(),
            s3_bucket: bucket.name.clone(),
            s3_region: "us-east-1".to_owned(),
        };
        let library = Library::new(db.clone(), Outbox::new("media"), &config, 2);
        let channel = testkit::dial(library.clone().routes()).await;
        let secret = &bucket.secret_key;
        let store = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(&bucket.endpoint)
            .force_path_style(true)
            .credentials_provider(Credentials::new(&bucket.access_key, secret, None, None, "test"))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        Ok(Self {
            db,
            library,
            organization: OrganizationId::generate(),
            http: reqwest::Client::new(),
            store: Store::from_conf(store),
            bucket,
            channel,
        })
    }

    /// The same stage, of another organization.
    pub(crate) fn uploads_of(&self, organization: OrganizationId) -> UploadServiceClient<Client> {
        UploadServiceClient::new(testkit::as_role(&self.channel, Role::Editor, organization))
    }

    pub(crate) fn uploads(&self) -> UploadServiceClient<Client> {
        self.uploads_of(self.organization)
    }

    pub(crate) fn media_of(&self, organization: OrganizationId) -> MediaServiceClient<Client> {
        MediaServiceClient::new(testkit::as_role(&self.channel, Role::Viewer, organization))
    }

    pub(crate) fn media(&self) -> MediaServiceClient<Client> {
        self.media_of(self.organization)
    }

    pub(crate) fn services_of(&self, organization: OrganizationId) -> MediaServiceClient<Client> {
        MediaServiceClient::new(testkit::as_service(&self.channel, "catalog", organization))
    }

    pub(crate) fn workspace_of(
        &self,
        organization: OrganizationId,
    ) -> WorkspaceServiceClient<Client> {
        WorkspaceServiceClient::new(testkit::as_service(&self.channel, "generation", organization))
    }

    pub(crate) fn workspace(&self) -> WorkspaceServiceClient<Client> {
        self.workspace_of(self.organization)
    }

    pub(crate) fn workspace_as(&self, role: Role) -> WorkspaceServiceClient<Client> {
        let channel = testkit::as_role(&self.channel, role, self.organization);
        WorkspaceServiceClient::new(channel)
    }

    /// PUTs bytes as a browser would.
    pub(crate) async fn put(
        &self,
        url: &str,
        headers: &BTreeMap<String, String>,
        bytes: impl Into<Vec<u8>>,
    ) -> Result<(StatusCode, String)> {
        let mut request = self.http.put(url).body(bytes.into());
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let answer = request.send().await?;
        let etag = answer.headers().get("etag").and_then(|it| it.to_str().ok());
        Ok((answer.status(), etag.unwrap_or_default().to_owned()))
    }

    /// Announces a file and puts it, but does not complete it.
    pub(crate) async fn put_upload(&self, name: &str, kind: &str, bytes: &[u8]) -> Result<Upload> {
        let request = announce(name, kind, bytes);
        let created = self.uploads().create_upload(request).await?.into_inner();
        let [part] = created.parts.as_slice() else { return Err("one part".into()) };
        let (status, _) = self.put(&part.url, &part.headers, bytes).await?;
        assert_eq!(status, StatusCode::OK);
        Ok(created.upload.ok_or("no upload")?)
    }

    pub(crate) async fn complete(&self, id: &str) -> Result<CompleteUploadResponse, Status> {
        let request = CompleteUploadRequest {
            request_id: request_id(),
            id: id.to_owned(),
            parts: Vec::new(),
        };
        Ok(self.uploads().complete_upload(request).await?.into_inner())
    }

    /// Brings a file in, as a person does.
    pub(crate) async fn bring(&self, name: &str, kind: &str, bytes: &[u8]) -> Result<Media> {
        let upload = self.put_upload(name, kind, bytes).await?;
        Ok(self.complete(&upload.id).await?.media.ok_or("no media")?)
    }

    /// Writes an object past the service.
    pub(crate) async fn smuggle(&self, key: &str, bytes: impl Into<Vec<u8>>) -> Result {
        let body = ByteStream::from(bytes.into());
        self.store.put_object().bucket(&self.bucket.name).key(key).body(body).send().await?;
        Ok(())
    }

    /// The keys that begin with `prefix`.
    pub(crate) async fn keys(&self, prefix: &str) -> Result<Vec<String>> {
        let listed =
            self.store.list_objects_v2().bucket(&self.bucket.name).prefix(prefix).send().await?;
        Ok(listed.contents().iter().filter_map(|it| it.key().map(str::to_owned)).collect())
    }

    /// How many files in parts are not put together yet.
    pub(crate) async fn has_parts(&self, key: &str, multipart_id: &str) -> bool {
        let parts = self.store.list_parts().bucket(&self.bucket.name).key(key);
        parts.upload_id(multipart_id).send().await.is_ok()
    }

    /// How many events were published.
    pub(crate) async fn events(&self) -> Result<i64> {
        Ok(sqlx::query_scalar("select count(*) from media.outbox").fetch_one(&self.db).await?)
    }
}

pub(crate) fn announce(name: &str, kind: &str, bytes: &[u8]) -> CreateUploadRequest {
    CreateUploadRequest {
        request_id: request_id(),
        filename: name.to_owned(),
        media_type: kind.to_owned(),
        size_bytes: bytes.len() as i64,
        sha256: Default::default(),
    }
}

/// One of the project's photographs.
pub(crate) fn photo(name: &str) -> Result<Vec<u8>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/photos");
    Ok(std::fs::read(format!("{folder}/{name}"))?)
}

/// A picture that does not compress.
pub(crate) fn noise(width: u32, height: u32) -> Result<Vec<u8>> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut pixels = Vec::with_capacity(width as usize * height as usize * 4);
    for _ in 0..width * height {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let [r, g, b, ..] = state.to_le_bytes();
        pixels.extend([r, g, b, 255]);
    }
    Ok(pixels::Picture::from_rgba(width, height, pixels)?.to_png()?)
}
