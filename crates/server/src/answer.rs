//! The way back: every refusal names its reason and the request, and a panic is an answer too.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use futures::FutureExt;
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use prost::Message;
use prost_types::Any;
use tonic::{Code, Status};
use tonic_types::pb;

use crate::fault::{self, DOMAIN};
use crate::trace::{Call, RequestId};

const ERROR_INFO: &str = "type.googleapis.com/google.rpc.ErrorInfo";

/// Turns a panic of a handler into an answer; the process lives on.
pub(crate) async fn catch_panic(request: Request, next: Next) -> Response {
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response.map(|body| Body::new(Guarded { body, has_ended: false })),
        Err(payload) => panicked(&*payload).into_http(),
    }
}

/// Follows `response` to its end: stamps its refusal and logs how it ended.
pub(crate) fn watch(mut response: Response, id: RequestId, mut call: Call) -> Response {
    if let Some(code) = stamp(response.headers_mut(), &id) {
        call.end(code);
        return response;
    }
    response.map(|body| Body::new(Watched { body, id, call }))
}

/// Completes the refusal in `headers`, if there is one, and returns the code it answers with.
fn stamp(headers: &mut HeaderMap, id: &RequestId) -> Option<Code> {
    let status = Status::from_header_map(headers)?;
    let code = status.code();
    if code == Code::Ok {
        return Some(code);
    }
    let message = match code {
        // Texts of libraries about broken invariants are for the log.
        Code::Unknown | Code::Internal | Code::DataLoss => "internal error",
        _ => status.message(),
    };
    if message != status.message() {
        tracing::error!(rpc.code = ?code, error = status.message(), "request failed");
    }
    let details = completed(&status, message, id);
    headers.remove("grpc-message");
    headers.remove("grpc-status-details-bin");
    // Fails only on a message that no header can hold, which percent-encoding rules out.
    let _ = Status::with_details(code, message, details.into()).add_header(headers);
    Some(code)
}

/// Returns the details of `status` with exactly one `ErrorInfo`, which names the request.
fn completed(status: &Status, message: &str, id: &RequestId) -> Vec<u8> {
    let mut details = pb::Status::decode(status.details()).unwrap_or_default();
    let known = details.details.iter().position(|it| it.type_url == ERROR_INFO);
    let mut info = match known {
        Some(index) => {
            let any = details.details.remove(index);
            pb::ErrorInfo::decode(any.value.as_slice()).unwrap_or_default()
        }
        None => pb::ErrorInfo {
            reason: reason(status.code()).to_owned(),
            domain: DOMAIN.to_owned(),
            ..pb::ErrorInfo::default()
        },
    };
    details.details.retain(|it| it.type_url != ERROR_INFO);
    info.metadata.insert("request_id".to_owned(), id.0.to_string());
    let info = Any { type_url: ERROR_INFO.to_owned(), value: info.encode_to_vec() };
    details.details.insert(0, info);
    details.code = status.code().into();
    details.message = message.to_owned();
    details.encode_to_vec()
}

/// Returns the reason of a refusal that came without one, from a library.
fn reason(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::InvalidArgument => "FIELD_INVALID",
        Code::DeadlineExceeded => "DEADLINE",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "ACCESS_DENIED",
        Code::ResourceExhausted => "TOO_LARGE",
        Code::FailedPrecondition => "STATE_CONFLICT",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Unavailable => "UNAVAILABLE",
        Code::Unauthenticated => "TOKEN_INVALID",
        Code::Unknown | Code::Internal | Code::DataLoss => "INTERNAL",
    }
}

fn panicked(payload: &(dyn std::any::Any + Send)) -> Status {
    let message = payload
        .downcast_ref::<&str>()
        .map(|it| (*it).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    tracing::error!(panic = message, "handler panicked");
    fault::refusal(fault::Code::Internal, "INTERNAL", "internal error")
}

/// Writes `status` as the last frame of a body.
pub(crate) fn trailers(status: &Status) -> Frame<Bytes> {
    let mut headers = HeaderMap::new();
    let _ = status.add_header(&mut headers);
    Frame::trailers(headers)
}

/// A body whose stream may panic.
struct Guarded {
    body: Body,
    has_ended: bool,
}

impl http_body::Body for Guarded {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.has_ended {
            return Poll::Ready(None);
        }
        let body = Pin::new(&mut self.body);
        match std::panic::catch_unwind(AssertUnwindSafe(|| body.poll_frame(cx))) {
            Ok(poll) => poll,
            Err(payload) => {
                self.has_ended = true;
                Poll::Ready(Some(Ok(trailers(&panicked(&*payload)))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.has_ended || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A body that is followed to its end.
struct Watched {
    body: Body,
    id: RequestId,
    call: Call,
}

impl http_body::Body for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        let poll = {
            let _in_call = this.call.span.enter();
            Pin::new(&mut this.body).poll_frame(cx)
        };
        match poll {
            Poll::Ready(Some(Ok(mut frame))) => {
                if let Some(headers) = frame.trailers_mut() {
                    let _in_call = this.call.span.clone().entered();
                    let code = stamp(headers, &this.id);
                    this.call.end(code.unwrap_or(Code::Unknown));
                }
                Poll::Ready(Some(Ok(frame)))
            }
            other => other,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
