//! The answer of a call: counted as load until it is read, and cut when its time is up.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep};
use tonic::Status;
use tonic::body::Body;

use super::endpoint::Busy;
use crate::{answer, deadline};

/// An answer on its way to the caller.
pub(super) struct Held {
    body: Body,
    end: Option<Pin<Box<Sleep>>>,
    // Given back with the last frame, not when the caller drops the answer.
    busy: Option<Busy>,
    has_ended: bool,
}

impl Held {
    pub(super) fn new(body: Body, end: Option<Instant>, busy: Busy) -> Self {
        let end = end.map(|it| Box::pin(tokio::time::sleep_until(it)));
        Self { body, end, busy: Some(busy), has_ended: false }
    }
}

impl http_body::Body for Held {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.has_ended {
            return Poll::Ready(None);
        }
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) {
            if !matches!(&frame, Some(Ok(frame)) if frame.is_data()) {
                this.busy = None;
            }
            return Poll::Ready(frame.map(|it| it.map_err(super::retry::lost)));
        }
        if let Some(end) = &mut this.end
            && end.as_mut().poll(cx).is_ready()
        {
            this.has_ended = true;
            this.body = Body::empty();
            this.busy = None;
            return Poll::Ready(Some(Ok(answer::trailers(&deadline::exceeded()))));
        }
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        self.has_ended || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
