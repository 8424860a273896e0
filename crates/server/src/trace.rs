//! The id of a request, its place in a trace, and the log lines about it.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, HeaderValue};
use tonic::Code;
use tracing::Instrument;

use crate::span::{Span, TRACEPARENT, Trace};
use crate::{answer, method, metric};

/// The header that carries the id of a request all the way through the mesh.
pub(crate) const REQUEST_ID: &str = "x-request-id";

const LONGEST_ID: usize = 64;

/// The id of a request, as everything within it may read it.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(pub(crate) Arc<str>);

impl RequestId {
    /// Returns the id that the caller chose, or a new one.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        Self(accepted(headers).unwrap_or_else(fresh_id).into())
    }

    pub(crate) fn header(&self) -> HeaderValue {
        HeaderValue::from_str(&self.0).expect("ids are plain ASCII")
    }
}

/// Gives the request an id, a span and, at its end, a log line; answers carry the id.
pub(crate) async fn layer(request: Request, next: Next) -> Response {
    followed(request, |it| next.run(it)).await
}

/// Follows a call that a door of the mesh hands on as it is: `request` gets an id and a place in a
/// trace, and `answer` is timed and completed as the answers of services are.
pub async fn follow<B, F>(
    mut request: http::Request<B>,
    answer: impl FnOnce(http::Request<B>) -> F,
) -> http::Response<tonic::body::Body>
where
    F: Future<Output = http::Response<tonic::body::Body>>,
{
    admit(request.headers_mut());
    let answered =
        followed(request, |it| async { answer(it).await.map(axum::body::Body::new) }).await;
    answered.map(tonic::body::Body::new)
}

/// Reads the trace that a caller from outside of the mesh began, and nothing else it says of it.
pub fn admit(headers: &mut HeaderMap) {
    let trace = Trace::of(headers);
    for name in [TRACEPARENT, "tracestate", "baggage"] {
        headers.remove(name);
    }
    if trace.is_known() {
        trace.judged().write(headers);
    }
}

async fn followed<B, F>(
    mut request: http::Request<B>,
    answer: impl FnOnce(http::Request<B>) -> F,
) -> Response
where
    F: Future<Output = Response>,
{
    let id = RequestId::of(request.headers());
    let value = id.header();
    let call = Call::begin(request.uri().path(), &id, Trace::of(request.headers()));
    let headers = request.headers_mut();
    headers.insert(REQUEST_ID, value.clone());
    // What is called from here on belongs to this call.
    call.trace.write(headers);
    request.extensions_mut().insert(id.clone());
    request.extensions_mut().insert(call.trace);

    let span = call.span.clone();
    let mut response = answer(request).instrument(span).await;
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
    pub(crate) span: tracing::Span,
    trace: Trace,
    recorded: Option<Span>,
    method: &'static str,
    started: Instant,
    has_ended: bool,
}

impl Call {
    fn begin(path: &str, id: &RequestId, parent: Trace) -> Self {
        let method = method::name(path);
        // Probes come every few seconds, and are nobody's work.
        let is_probe = path.starts_with("/grpc.health.");
        let mut recorded = match is_probe {
            true => Span::server(method, Trace::unsampled()),
            false => Span::server(method, parent),
        };
        recorded.note("rpc.system.name", "grpc");
        recorded.note("request.id", id.0.to_string());
        let trace = recorded.trace();
        let span = tracing::info_span!(
            "rpc",
            rpc.method = path.trim_start_matches('/'),
            request.id = &*id.0,
            trace.id = trace.id()
        );
        let (started, has_ended) = (Instant::now(), false);
        Self { span, trace, recorded: Some(recorded), method, started, has_ended }
    }

    /// Writes the line about the call, once.
    pub(crate) fn end(&mut self, code: Code) {
        if std::mem::replace(&mut self.has_ended, true) {
            return;
        }
        let _in_call = self.span.enter();
        metric::answered(self.method, code, self.started.elapsed());
        if let Some(mut recorded) = self.recorded.take() {
            recorded.note("rpc.response.status_code", metric::name(code));
            if code != Code::Ok {
                recorded.fail(metric::name(code));
            }
        }
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
