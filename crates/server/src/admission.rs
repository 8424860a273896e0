//! How much is worked on at once: a few wait for a moment, the rest is told to come back.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::Status;

use crate::fault::refusal_for;
use crate::method;

/// How long a call waits for its turn. Longer queues only make everybody late.
const PATIENCE: Duration = Duration::from_millis(50);

/// How many streams may be open for each call that is worked on: they cost little but memory.
const STREAMS_PER_CALL: usize = 8;

/// The turnstile of a service.
#[derive(Clone, Debug)]
pub(crate) struct Admission {
    calls: Arc<Semaphore>,
    queue: Arc<Semaphore>,
    streams: Arc<Semaphore>,
}

impl Admission {
    pub(crate) fn new(concurrency: usize) -> Self {
        Self {
            calls: Arc::new(Semaphore::new(concurrency)),
            queue: Arc::new(Semaphore::new(concurrency)),
            streams: Arc::new(Semaphore::new(concurrency.saturating_mul(STREAMS_PER_CALL))),
        }
    }

    async fn call(&self) -> Result<OwnedSemaphorePermit, Status> {
        if let Ok(permit) = self.calls.clone().try_acquire_owned() {
            return Ok(permit);
        }
        let _place = self.queue.try_acquire().map_err(|_| overloaded())?;
        match tokio::time::timeout(PATIENCE, self.calls.clone().acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(overloaded()),
        }
    }

    fn stream(&self) -> Result<OwnedSemaphorePermit, Status> {
        self.streams.clone().try_acquire_owned().map_err(|_| overloaded())
    }
}

/// Lets a call in or refuses it at once.
pub(crate) async fn layer(
    State(admission): State<Admission>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    // An overloaded process is alive; only a dead one should be replaced.
    if path.starts_with("/grpc.health.") {
        return next.run(request).await;
    }
    let permit = match method::of(path).is_unary() {
        true => admission.call().await,
        false => admission.stream(),
    };
    match permit {
        Ok(permit) => {
            next.run(request).await.map(|body| Body::new(Admitted { body, _permit: permit }))
        }
        Err(status) => status.into_http(),
    }
}

fn overloaded() -> Status {
    // Spread, so that those who were refused together do not come back together.
    let delay = Duration::from_millis(rand::random_range(100..400));
    refusal_for(delay, "OVERLOADED", "the server is overloaded")
}

/// A body that counts as work until it is sent.
struct Admitted {
    body: Body,
    _permit: OwnedSemaphorePermit,
}

impl http_body::Body for Admitted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
