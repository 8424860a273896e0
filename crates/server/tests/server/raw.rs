//! Calls without a client library, to see what is really answered.

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use crate::Result;

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) headers: HeaderMap,
    pub(crate) trailers: HeaderMap,
}

impl Answer {
    /// Returns a header, or a trailer of that name.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let value = self.headers.get(name).or_else(|| self.trailers.get(name));
        value.and_then(|it| it.to_str().ok())
    }
}

/// Calls the method at `path` with an empty message and these headers.
pub(crate) async fn call(url: &str, path: &str, headers: &[(&str, &str)]) -> Result<Answer> {
    call_with(url, path, headers, &[]).await
}

/// Calls the method at `path` with an encoded message and these headers.
pub(crate) async fn call_with(
    url: &str,
    path: &str,
    headers: &[(&str, &str)],
    message: &[u8],
) -> Result<Answer> {
    let client = Client::builder(TokioExecutor::new()).http2_only(true).build_http();
    let mut frame = vec![0];
    frame.extend_from_slice(&u32::try_from(message.len())?.to_be_bytes());
    frame.extend_from_slice(message);
    let mut request = Request::post(format!("{url}{path}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = client.request(request.body(Full::new(Bytes::from(frame)))?).await?;
    let (head, body) = response.into_parts();
    let collected = body.collect().await?;
    let trailers = collected.trailers().cloned().unwrap_or_default();
    Ok(Answer { headers: head.headers, trailers })
}

/// Returns the `authorization` of a viewer.
pub(crate) fn bearer() -> String {
    let organization = types::id::OrganizationId::generate();
    format!("Bearer {}", testkit::token(server::Role::Viewer, organization))
}
