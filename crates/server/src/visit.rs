//! Plain HTTP requests at a door of the mesh, followed as calls are: each has an id, a place in a trace,
//! a count and a log line.

use std::time::Instant;

use http::{Method, Request, Response, StatusCode};
use tracing::Instrument;

use crate::span::{Span, Trace};
use crate::trace::{REQUEST_ID, RequestId, admit};
use crate::{Caller, metric};

/// What a request is to those who answer it. Says nothing about who sent it.
#[derive(Clone, Debug)]
pub struct Visit {
    id: RequestId,
    trace: Trace,
}

impl Visit {
    /// Makes a request of `message` to a service, as a part of this one. It carries no token.
    pub fn call<M>(&self, message: M) -> tonic::Request<M> {
        let request_id = self.id.0.to_string();
        Caller { request_id, trace: self.trace, ..Caller::default() }.call(message)
    }
}

/// Follows a request to `route`, which is its path as a pattern, such as `/files/{id}`. It finds its
/// [`Visit`] among its extensions, and its id in the answer.
pub async fn visit<B, A, F>(
    route: &'static str,
    mut request: Request<B>,
    answer: impl FnOnce(Request<B>) -> F,
) -> Response<A>
where
    F: Future<Output = Response<A>>,
{
    admit(request.headers_mut());
    let id = RequestId::of(request.headers());
    let method = known(request.method());
    let mut followed = Followed::begin(method, route, &id, Trace::of(request.headers()));
    request.extensions_mut().insert(Visit { id: id.clone(), trace: followed.trace });
    let mut response = answer(request).instrument(followed.log.clone()).await;
    response.headers_mut().insert(REQUEST_ID, id.header());
    followed.end(Some(response.status()));
    response
}

/// One request, from its first byte to its answer.
struct Followed {
    method: &'static str,
    route: &'static str,
    log: tracing::Span,
    trace: Trace,
    recorded: Option<Span>,
    started: Instant,
}

impl Followed {
    fn begin(method: &'static str, route: &'static str, id: &RequestId, parent: Trace) -> Self {
        let mut recorded = Span::server(format!("{method} {route}"), parent);
        recorded.note("http.request.method", method);
        recorded.note("http.route", route);
        recorded.note("url.scheme", "http");
        recorded.note("request.id", id.0.to_string());
        let trace = recorded.trace();
        let log = tracing::info_span!(
            "http",
            http.method = method,
            http.route = route,
            request.id = &*id.0,
            trace.id = trace.id()
        );
        Self { method, route, log, trace, recorded: Some(recorded), started: Instant::now() }
    }

    /// Writes the line about the request, once.
    fn end(&mut self, status: Option<StatusCode>) {
        let Some(mut recorded) = self.recorded.take() else { return };
        let _in_visit = self.log.enter();
        metric::visited(self.method, self.route, status, self.started.elapsed());
        let duration_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let Some(status) = status else {
            recorded.fail("CANCELLED");
            tracing::debug!(duration_ms, "request broken off");
            return;
        };
        recorded.note("http.response.status_code", i64::from(status.as_u16()));
        match status.is_server_error() {
            true => {
                recorded.fail("SERVER_ERROR");
                tracing::info!(http.status = status.as_u16(), duration_ms, "request failed");
            }
            false => {
                tracing::debug!(http.status = status.as_u16(), duration_ms, "request ended");
            }
        }
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        // The client went away, or the connection did.
        self.end(None);
    }
}

/// Returns the name of a method. What nobody has heard of shares one, so that strangers cannot make up
/// any number of them.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "_OTHER",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_carries_the_id_and_calls_are_a_part_of_the_request() {
        let request = Request::builder().header(REQUEST_ID, "a-click").body(());
        let request = request.expect("a plain request");
        let answered = visit("/files/{id}", request, async |it| {
            let visit = it.extensions().get::<Visit>().cloned().expect("it is followed");
            let call = visit.call(());
            let text = |name| call.metadata().get(name).and_then(|it| it.to_str().ok());
            assert_eq!(text(REQUEST_ID), Some("a-click"));
            assert_eq!(text("traceparent"), Some(&*visit.trace.to_string()));
            assert_eq!(text("authorization"), None);
            Response::new(())
        });
        let answered = answered.await;
        assert_eq!(
            answered.headers().get(REQUEST_ID).map(|it| it.as_bytes()),
            Some(&b"a-click"[..])
        );
    }

    #[test]
    fn methods_are_few() {
        assert_eq!(known(&Method::GET), "GET");
        let strange = Method::from_bytes(b"BREW").unwrap_or_default();
        assert_eq!(known(&strange), "_OTHER");
    }
}
