//! How much of the mesh one caller may use.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use http::{HeaderValue, StatusCode, header};
use server::Mesh;
use tokio_util::sync::CancellationToken;
use types::id::UserId;

use crate::files;

/// A share of calls for each caller.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    shares: Arc<DefaultKeyedRateLimiter<Key>>,
    mesh: Mesh,
}

/// Whose share a call is taken from.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Key {
    /// A user who has proven to be one, wherever they are.
    User(UserId),
    /// Everybody else at an address: tokens that were made up get nobody a share of their own.
    Address(Option<IpAddr>),
}

impl Limits {
    pub(crate) fn new(mesh: &Mesh, per_second: NonZeroU32, burst: NonZeroU32) -> Self {
        let quota = Quota::per_second(per_second).allow_burst(burst);
        Self { shares: Arc::new(RateLimiter::keyed(quota)), mesh: mesh.clone() }
    }

    /// Forgets callers who have been quiet, so that memory does not grow with everybody who ever called.
    pub(crate) async fn forget(self, shutdown: CancellationToken) {
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(Duration::from_secs(60)) => self.shares.retain_recent(),
            }
        }
    }

    /// Takes a request from its caller's share, or answers how long to wait for one.
    pub(crate) fn admit(
        &self,
        request: &Request,
    ) -> impl Future<Output = Result<(), Duration>> + use<> {
        let address = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|it| it.0.ip());
        let (limits, token) = (self.clone(), files::token(request));
        async move {
            let admitted = limits.shares.check_key(&limits.key(token, address).await);
            admitted.map_err(|until| until.wait_time_from(DefaultClock::default().now()))
        }
    }

    /// Says whose share a call with `token` from `address` is taken from.
    async fn key(&self, token: Option<String>, address: Option<IpAddr>) -> Key {
        if let Some(token) = token {
            let caller = self.mesh.verify(&token).await;
            if let Some(user) = caller.ok().and_then(|it| it.user_id) {
                return Key::User(user);
            }
        }
        Key::Address(address.map(subscriber))
    }
}

/// Refuses who asks for files and has used up their share.
pub(crate) async fn layer(State(limits): State<Limits>, request: Request, next: Next) -> Response {
    let Err(wait) = limits.admit(&request).await else { return next.run(request).await };
    let mut response = StatusCode::TOO_MANY_REQUESTS.into_response();
    let seconds = HeaderValue::from(wait.as_secs() + 1);
    response.headers_mut().insert(header::RETRY_AFTER, seconds);
    response
}

/// The part of an address that one subscriber of a network holds alone: of IPv6, the first half.
fn subscriber(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscriber_has_one_share_whatever_addresses_it_makes_up() {
        let subscriber = |text: &str| text.parse().map(subscriber);
        assert_eq!(subscriber("2001:db8:1:2:3:4:5:6"), subscriber("2001:db8:1:2::9"));
        assert_ne!(subscriber("2001:db8:1:2::9"), subscriber("2001:db8:1:3::9"));
        assert_eq!(subscriber("::ffff:192.0.2.7"), subscriber("192.0.2.7"));
        assert_ne!(subscriber("192.0.2.7"), subscriber("192.0.2.8"));
    }
}
