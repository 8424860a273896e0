//! A gateway with a stand-in behind it, and a browser's view of both.

use std::error::Error;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use gateway::{Config, Upstreams};
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::json;
use tokio::net::TcpListener;

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

pub(crate) const GRPC_WEB: &str = "application/grpc-web+proto";
const NOBODY: &str = "http://127.0.0.1:9";

/// A gateway that listens.
pub(crate) struct Door {
    pub(crate) url: String,
    pub(crate) prefix: String,
    mesh: server::Mesh,
}

impl Drop for Door {
    fn drop(&mut self) {
        self.mesh.stop();
    }
}

/// What a browser gets.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// A header, or an empty text.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default()
    }

    /// The first message.
    pub(crate) fn message(&self) -> Result<Bytes> {
        let [0, a, b, c, d, ..] = *self.body else { return Err("no message came".into()) };
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        Ok(self.body.slice(5..5 + length))
    }

    /// The status code, be it in the headers or in the trailers at the end of the body.
    pub(crate) fn code(&self) -> Option<String> {
        let header = self.headers.get("grpc-status").and_then(|it| it.to_str().ok());
        let text = String::from_utf8_lossy(&self.body).into_owned();
        let trailer = text.split("grpc-status:").nth(1).and_then(|it| it.split('\r').next());
        header.or(trailer.map(str::trim)).map(str::to_owned)
    }
}

/// A message in its frame.
pub(crate) fn frame(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).expect("messages of tests are short");
    [&[0], &length.to_be_bytes()[..], message].concat()
}

impl Door {
    pub(crate) async fn open() -> Result<Self> {
        Self::open_with(|_| ()).await
    }

    /// Opens a gateway whose settings are other than usual.
    pub(crate) async fn open_with(change: impl FnOnce(&mut Config)) -> Result<Self> {
        let upstream = stand_in().await?;
        let prefix = format!("test:{}:", uuid::Uuid::new_v4());
        let mut config = Config {
            server: server::Config { identity_url: NOBODY.to_owned(), ..server::Config::default() },
            events: events::Config {
                redis_url: testkit::redis_url().into(),
                redis_prefix: prefix.clone(),
            },
            upstreams: Upstreams {
                catalog_url: upstream,
                media_url: NOBODY.to_owned(),
                shooting_url: NOBODY.to_owned(),
                generation_url: NOBODY.to_owned(),
                delivery_url: NOBODY.to_owned(),
                compute_url: NOBODY.to_owned(),
            },
            allowed_origins: vec!["https://app.example.com".to_owned()],
            file_origins: Vec::new(),
            web_root: None,
            proxy_count: 0,
            calls_per_second: 5.try_into()?,
            call_burst: 50.try_into()?,
            stream_age: Duration::from_secs(600),
        };
        change(&mut config);
        let mesh = testkit::mesh("gateway");
        let app = gateway::app(&mesh, &config).await.map_err(|it| it.to_string())?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        tokio::spawn(mesh.clone().serve_http_on(listener, app));
        Ok(Self { url, prefix, mesh })
    }

    /// Calls over gRPC-Web.
    pub(crate) async fn web(
        &self,
        path: &str,
        message: &[u8],
        headers: &[(&str, &str)],
    ) -> Result<Answer> {
        self.send("POST", path, GRPC_WEB, &frame(message), headers).await
    }

    /// Sends anything over HTTP/1.1.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        content_type: &str,
        body: &[u8],
        headers: &[(&str, &str)],
    ) -> Result<Answer> {
        let mut request =
            http::Request::builder().method(method).uri(format!("{}{path}", self.url));
        if !content_type.is_empty() {
            request = request.header("content-type", content_type);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let client = Client::builder(TokioExecutor::new()).build_http();
        let request = request.body(Full::new(Bytes::copy_from_slice(body)))?;
        let (parts, body) = client.request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Answer { status: parts.status, headers: parts.headers, body })
    }
}

/// A service that answers each call with what it was sent. Its `Slow` takes longer than anybody waits.
async fn stand_in() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let app = Router::new().fallback(mirror);
    tokio::spawn(testkit::mesh("catalog").serve_http_on(listener, app));
    Ok(url)
}

async fn mirror(request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if parts.uri.path().ends_with("/Slow") {
        tokio::time::sleep(Duration::from_secs(30)).await;
    }
    let body = body.collect().await.map(|it| it.to_bytes()).unwrap_or_default();
    let message = String::from_utf8_lossy(body.get(5..).unwrap_or_default()).into_owned();
    let headers: serde_json::Map<_, _> = parts
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), json!(value.to_str().unwrap_or_default())))
        .collect();
    let seen = json!({ "path": parts.uri.path(), "headers": headers, "message": message });
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let frames: [Result<_, std::convert::Infallible>; 2] = [
        Ok(Frame::data(Bytes::from(frame(seen.to_string().as_bytes())))),
        Ok(Frame::trailers(trailers)),
    ];
    let mut response = Response::new(Body::new(StreamBody::new(futures::stream::iter(frames))));
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    response
}
