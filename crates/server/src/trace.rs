//! The id of a request and the log lines about it.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, HeaderValue};
use tonic::Code;
use tracing::{Instrument, Span};

use crate::answer;

/// The header that carries the id of a request all the way through the mesh.
pub(crate) const REQUEST_ID: &str = "x-request-id";

const LONGEST_ID: usize = 64;

/// The id of a request, as everything within it may read it.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(pub(crate) Arc<str>);

/// Gives the request an id, a span and, at its end, a log line; answers carry the id.
pub(crate) async fn layer(mut request: Request, next: Next) -> Response {
    let id = RequestId(accepted(request.headers()).unwrap_or_else(fresh_id).into());
    let value = HeaderValue::from_str(&id.0).expect("ids are plain ASCII");
    request.headers_mut().insert(REQUEST_ID, value.clone());
    request.extensions_mut().insert(id.clone());

    let call = Call::begin(request.uri().path(), &id);
    let span = call.span.clone();
    let mut response = next.run(request).instrument(span).await;
    response.headers_mut().insert(REQUEST_ID, value);
    answer::watch(response, id, call)
}

/// Returns a new id for a request.
pub(crate) fn fresh_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

/// Returns the id that the caller chose, if it is one that may go into logs.
fn accepted(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(REQUEST_ID)?.to_str().ok()?;
    let is_fit = !id.is_empty()
        && id.len() <= LONGEST_ID
        && id.bytes().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_' | b'.'));
    is_fit.then(|| id.to_owned())
}

/// One call, from its first byte to its last.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) span: Span,
    started: Instant,
    has_ended: bool,
}

impl Call {
    fn begin(path: &str, id: &RequestId) -> Self {
        let method = path.trim_start_matches('/');
        let span = tracing::info_span!("rpc", rpc.method = method, request.id = &*id.0);
        Self { span, started: Instant::now(), has_ended: false }
    }

    /// Writes the line about the call, once.
    pub(crate) fn end(&mut self, code: Code) {
        if std::mem::replace(&mut self.has_ended, true) {
            return;
        }
        let _in_call = self.span.enter();
        let code = format!("{code:?}");
        let duration_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        // Why a call failed is logged where it failed; this line says only that it ended.
        match code.as_str() {
            "Unknown" | "Internal" | "DataLoss" | "DeadlineExceeded" | "Unavailable" => {
                tracing::info!(rpc.code = code, duration_ms, "call failed");
            }
            _ => tracing::debug!(rpc.code = code, duration_ms, "call ended"),
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        // The client went away, or the connection did.
        self.end(Code::Cancelled);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(id: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(REQUEST_ID, HeaderValue::from_str(id).ok()?);
        accepted(&headers)
    }

    #[test]
    fn fit_ids_are_kept_and_others_replaced() {
        assert_eq!(ask("a-1_2.Z").as_deref(), Some("a-1_2.Z"));
        assert_eq!(ask(&fresh_id()).map(|it| it.len()), Some(36));
        assert_eq!(ask(""), None);
        assert_eq!(ask("a b"), None);
        assert_eq!(ask("{\"level\":\"error\"}"), None);
        assert_eq!(ask(&"a".repeat(65)), None);
    }
}
