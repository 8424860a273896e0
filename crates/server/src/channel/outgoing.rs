//! A call to another service as its caller sees it: timed, and a part of a trace.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Frame, SizeHint};
use tonic::body::Body;
use tonic::{Code, Status};

use crate::metric::Peer;
use crate::span::{self, Span, Trace};
use crate::{method, metric};

/// A call that is under way.
pub(super) struct Outgoing {
    method: &'static str,
    peer: Peer,
    span: Option<Span>,
    started: Instant,
    has_ended: bool,
}

impl Outgoing {
    /// Begins to follow `request`. None where nobody would know.
    pub(super) fn begin(request: &mut Request<Body>, peer: &Peer) -> Option<Self> {
        let parent = Trace::of(request.headers());
        let name = method::name(request.uri().path());
        let span = if span::is_recorded() && parent.is_known() {
            let mut span = Span::client(name, parent);
            span.note("rpc.system.name", "grpc");
            span.note("server.address", peer.address());
            span.trace().write(request.headers_mut());
            Some(span)
        } else {
            if !parent.is_known() {
                // Nobody's wish: what services ask each other all day long makes no traces.
                Trace::unsampled().write(request.headers_mut());
            }
            None
        };
        if span.is_none() && !metric::is_read() {
            return None;
        }
        let started = Instant::now();
        Some(Self { method: name, peer: peer.clone(), span, started, has_ended: false })
    }

    /// Follows the call to the end of `response`.
    pub(super) fn watch(mut self, response: Response<Body>) -> Response<Body> {
        if let Some(code) = code(response.headers()) {
            self.end(code);
            return response;
        }
        response.map(|body| Body::new(Followed { body, outgoing: self }))
    }

    fn end(&mut self, code: Code) {
        if std::mem::replace(&mut self.has_ended, true) {
            return;
        }
        metric::called(self.method, &self.peer, code, self.started.elapsed());
        if let Some(mut span) = self.span.take() {
            span.note("rpc.response.status_code", metric::name(code));
            if code != Code::Ok {
                span.fail(metric::name(code));
            }
        }
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        // Whoever asked does not want to know any more.
        self.end(Code::Cancelled);
    }
}

fn code(headers: &HeaderMap) -> Option<Code> {
    headers.get("grpc-status").map(|it| Code::from_bytes(it.as_bytes()))
}

/// An answer that is followed to its end.
struct Followed {
    body: Body,
    outgoing: Outgoing,
}

impl http_body::Body for Followed {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        let poll = Pin::new(&mut this.body).poll_frame(cx);
        match &poll {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(trailers) = frame.trailers_ref() {
                    this.outgoing.end(code(trailers).unwrap_or(Code::Unknown));
                }
            }
            Poll::Ready(Some(Err(status))) => this.outgoing.end(status.code()),
            Poll::Ready(None) => this.outgoing.end(Code::Unknown),
            Poll::Pending => {}
        }
        poll
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
