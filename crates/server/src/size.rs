//! How large a request may be.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use http_body::{Frame, SizeHint};

use crate::fault::{Code, refusal};
use crate::{MAX_RECEIVE, method};

/// What gRPC puts before a message.
const PREFIX: usize = 5;

/// Stops reading requests that are too large. Streams of messages are bounded one by one, by
/// tonic.
pub(crate) async fn layer(request: Request, next: Next) -> Response {
    if method::of(request.uri().path()).takes_stream {
        return next.run(request).await;
    }
    let request = request.map(|body| Body::new(Limited { body, left: MAX_RECEIVE + PREFIX }));
    next.run(request).await
}

/// A body that fails when it turns out too large.
struct Limited {
    body: Body,
    left: usize,
}

impl http_body::Body for Limited {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let poll = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &poll {
            let length = frame.data_ref().map_or(0, Bytes::len);
            match self.left.checked_sub(length) {
                Some(left) => self.left = left,
                None => {
                    let message = format!("the request is larger than {MAX_RECEIVE} bytes");
                    let status = refusal(Code::ResourceExhausted, "TOO_LARGE", message);
                    return Poll::Ready(Some(Err(axum::Error::new(status))));
                }
            }
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
