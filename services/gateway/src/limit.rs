//! How much of the mesh one caller may use.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use http::{HeaderValue, StatusCode, header};
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::forward::{self, Kind};

/// A share of calls for each caller.
#[derive(Clone, Debug)]
pub(crate) struct Limits(Arc<DefaultKeyedRateLimiter<u64>>);

impl Limits {
    pub(crate) fn new(per_second: NonZeroU32, burst: NonZeroU32) -> Self {
        let quota = Quota::per_second(per_second).allow_burst(burst);
        Self(Arc::new(RateLimiter::keyed(quota)))
    }

    /// Forgets callers who have been quiet, so that memory does not grow with everybody who ever called.
    pub(crate) async fn forget(self, shutdown: CancellationToken) {
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(Duration::from_secs(60)) => self.0.retain_recent(),
            }
        }
    }
}

/// Refuses callers who have used up their share.
pub(crate) async fn layer(State(limits): State<Limits>, request: Request, next: Next) -> Response {
    let Err(until) = limits.0.check_key(&key(&request)) else { return next.run(request).await };
    let wait = until.wait_time_from(DefaultClock::default().now());
    match Kind::of(&request) {
        Kind::Other => {
            let mut response = StatusCode::TOO_MANY_REQUESTS.into_response();
            let seconds = HeaderValue::from(wait.as_secs() + 1);
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
            response
        }
        kind => forward::refuse(kind, Error::RateLimited { wait }.into()).into_response(),
    }
}

/// Who calls: the token if there is one, and the address otherwise. Neither is proven here; a caller
/// who makes tokens up is refused by the service, and pays with the share of each of them.
fn key(request: &Request) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    match request.headers().get(header::AUTHORIZATION) {
        Some(token) => token.as_bytes().hash(&mut hasher),
        None => {
            let info = request.extensions().get::<ConnectInfo<SocketAddr>>();
            info.map(|it| it.0.ip()).hash(&mut hasher);
        }
    }
    hasher.finish()
}
