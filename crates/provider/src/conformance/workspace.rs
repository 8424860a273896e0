//! A workspace for tests: files in memory behind signed URLs, and the service that signs them.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use api::sartiq::media::v1::workspace_service_server::{WorkspaceService, WorkspaceServiceServer};
use api::sartiq::media::v1::*;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tonic::service::Routes;
use tonic::{Request, Response, Status};
use uuid::Uuid;

/// The header that every write must carry, because it was signed.
const SIGNED: &str = "x-test-signed";

/// Files in memory, behind URLs that only this workspace gives out.
#[derive(Clone, Debug)]
pub struct Workspace(Arc<Mutex<Files>>);

#[derive(Debug, Default)]
struct Files {
    base: String,
    files: HashMap<String, Bytes>,
    /// What each token in a URL allows to read or write.
    signed: HashMap<String, Signed>,
    refusals: usize,
    reads: usize,
}

#[derive(Clone, Debug)]
enum Signed {
    Read(String),
    Write { key: String, media_type: String, size_bytes: usize },
}

impl Workspace {
    /// Starts an empty workspace on a port of its own.
    pub async fn start(mesh: &server::Mesh) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let workspace = Self(Arc::default());
        workspace.files().base = format!("http://{address}");
        let router = Router::new()
            .route("/{token}", get(read).put(write))
            .layer(DefaultBodyLimit::max(64 << 20))
            .with_state(workspace.clone());
        mesh.spawn("workspace", async move {
            // The listener lasts as long as the test.
            let _ = axum::serve(listener, router).await;
        });
        workspace
    }

    /// The service that signs.
    pub fn routes(&self) -> Routes {
        Routes::new(WorkspaceServiceServer::new(self.clone()))
    }

    /// Puts a file in.
    pub fn put(&self, key: &str, content: impl Into<Bytes>) {
        self.files().files.insert(key.to_owned(), content.into());
    }

    /// Takes a file out.
    pub fn get(&self, key: &str) -> Option<Bytes> {
        self.files().files.get(key).cloned()
    }

    /// Refuses so many writes from now on.
    pub fn refuse(&self, writes: usize) {
        self.files().refusals = writes;
    }

    /// Counts the reads so far.
    pub fn reads(&self) -> usize {
        self.files().reads
    }

    fn files(&self) -> std::sync::MutexGuard<'_, Files> {
        self.0.lock().expect("nothing panics while it is held")
    }

    fn sign(&self, signed: Signed) -> String {
        let token = Uuid::now_v7().simple().to_string();
        let mut files = self.files();
        let url = format!("{}/{token}", files.base);
        files.signed.insert(token, signed);
        url
    }
}

async fn read(
    State(workspace): State<Workspace>,
    Path(token): Path<String>,
) -> Result<Bytes, StatusCode> {
    let mut files = workspace.files();
    files.reads += 1;
    match files.signed.get(&token) {
        Some(Signed::Read(key)) => files.files.get(key).cloned().ok_or(StatusCode::NOT_FOUND),
        _ => Err(StatusCode::FORBIDDEN),
    }
}

async fn write(
    State(workspace): State<Workspace>,
    Path(token): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let mut files = workspace.files();
    if files.refusals > 0 {
        files.refusals -= 1;
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    let Some(Signed::Write { key, media_type, size_bytes }) = files.signed.get(&token).cloned()
    else {
        return StatusCode::FORBIDDEN;
    };
    let is_signed = headers.contains_key(SIGNED)
        && headers.get("content-type").is_some_and(|it| it.as_bytes() == media_type.as_bytes());
    if !is_signed || body.len() != size_bytes {
        return StatusCode::FORBIDDEN;
    }
    files.files.insert(key, body);
    StatusCode::OK
}

#[tonic::async_trait]
impl WorkspaceService for Workspace {
    async fn sign_write(
        &self,
        request: Request<SignWriteRequest>,
    ) -> Result<Response<SignWriteResponse>, Status> {
        let (caller, request) = server::open(request)?;
        caller.organization()?;
        let writes = request.targets.into_iter().map(|target| {
            let headers = BTreeMap::from([
                ("content-type".to_owned(), target.media_type.clone()),
                ("content-length".to_owned(), target.size_bytes.to_string()),
                (SIGNED.to_owned(), "yes".to_owned()),
            ]);
            let url = self.sign(Signed::Write {
                key: target.key.clone(),
                media_type: target.media_type,
                size_bytes: usize::try_from(target.size_bytes).unwrap_or(0),
            });
            SignedWrite { key: target.key, url, headers, expire_time: Some(later()) }
        });
        Ok(Response::new(SignWriteResponse { writes: writes.collect() }))
    }

    async fn sign_read(
        &self,
        request: Request<SignReadRequest>,
    ) -> Result<Response<SignReadResponse>, Status> {
        let (caller, request) = server::open(request)?;
        caller.organization()?;
        let mut reads = Vec::new();
        for source in request.sources {
            let key = if source.key.is_empty() { source.media_id } else { source.key };
            let content = self.get(&key).ok_or_else(|| Status::not_found("no such file"))?;
            reads.push(SignedRead {
                url: self.sign(Signed::Read(key)),
                media_type: String::new(),
                size_bytes: i64::try_from(content.len()).unwrap_or(i64::MAX),
                sha256: Sha256::digest(&content).to_vec().into(),
                expire_time: Some(later()),
            });
        }
        Ok(Response::new(SignReadResponse { reads }))
    }

    async fn adopt(&self, _: Request<AdoptRequest>) -> Result<Response<AdoptResponse>, Status> {
        Err(Status::unimplemented("adapters adopt nothing"))
    }
}

fn later() -> prost_types::Timestamp {
    (SystemTime::now() + Duration::from_secs(3600)).into()
}
