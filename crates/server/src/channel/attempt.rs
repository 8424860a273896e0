//! One call, from the first try to the last.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full};
use tokio::time::Instant;
use tonic::Status;
use tonic::body::Body;
use tower::Service;

use super::body::Held;
use super::endpoint::Endpoint;
use super::{Channel, Link, retry};
use crate::deadline::{self, GRPC_TIMEOUT, LEAST};
use crate::method::Method;

/// What larger requests cost in memory is more than a second try is worth.
const MOST_KEPT: usize = 1024 * 1024;

/// The header that tells a service how often it was asked before.
const PREVIOUS_ATTEMPTS: &str = "grpc-previous-rpc-attempts";

/// A call that is to be made.
pub(super) struct Call {
    parts: Parts,
    payload: Payload,
    method: Method,
    deadline: Option<Instant>,
}

/// What is sent.
enum Payload {
    /// Not read yet. Can be sent once.
    Fresh(Body),
    /// Read, and kept to be sent again.
    Kept(Bytes),
    /// Sent and gone.
    Gone,
}

/// How one try ended.
enum Outcome {
    /// The service answered, be it with a refusal.
    Answered(Response<Body>),
    /// The service never saw the request.
    Unsent,
    /// The service may have seen the request.
    Lost(Status),
}

impl Call {
    pub(super) fn of(
        request: Request<Body>,
        method: Method,
        longest_call: Duration,
    ) -> Result<Self, Status> {
        let time = match deadline::asked(request.headers()) {
            None if method.is_unary() => Some(longest_call),
            asked => asked,
        };
        if time.is_some_and(|it| it < LEAST) {
            return Err(deadline::exceeded());
        }
        let (parts, body) = request.into_parts();
        let deadline = time.map(|it| Instant::now() + it);
        Ok(Self { parts, payload: Payload::Fresh(body), method, deadline })
    }

    /// Makes the call, and makes it again where that helps and does no harm.
    pub(super) async fn run(self, channel: &Channel) -> Response<Body> {
        let deadline = self.deadline;
        let answered = self.answered(channel);
        match deadline {
            None => answered.await,
            Some(deadline) => match tokio::time::timeout_at(deadline, answered).await {
                Ok(response) => response,
                Err(_) => deadline::exceeded().into_http(),
            },
        }
    }

    async fn answered(mut self, channel: &Channel) -> Response<Body> {
        match self.prepare(channel).await {
            Ok(()) => self.attempts(&channel.link).await,
            Err(status) => status.into_http(),
        }
    }

    async fn prepare(&mut self, channel: &Channel) -> Result<(), Status> {
        channel.complete(&mut self.parts).await?;
        match self.method.takes_stream {
            true => Ok(()),
            false => self.keep_payload().await,
        }
    }

    async fn attempts(mut self, link: &Link) -> Response<Body> {
        let mut attempt = 0;
        let mut tried = Vec::new();
        loop {
            attempt += 1;
            let outcome = self.attempt(link, &mut tried, attempt).await;
            let is_last = attempt == retry::ATTEMPTS;
            let pause = match &outcome {
                Outcome::Answered(response) => match retry::unavailable(response.headers()) {
                    None => {
                        link.budget.earn();
                        None
                    }
                    Some(status) => {
                        let may = link.budget.spend() && self.may_repeat() && !is_last;
                        let refusal = Some((&status, response.headers()));
                        may.then(|| retry::pause(attempt, refusal)).flatten()
                    }
                },
                // Nothing was sent: nothing can be done twice, and nobody's load is added to.
                Outcome::Unsent => {
                    let may = self.can_repeat() && !is_last;
                    may.then(|| retry::pause(attempt, None)).flatten()
                }
                Outcome::Lost(_) => {
                    let may = link.budget.spend() && self.may_repeat() && !is_last;
                    may.then(|| retry::pause(attempt, None)).flatten()
                }
            };
            match (pause, outcome) {
                (Some(pause), _) if self.has_time_for(pause) => tokio::time::sleep(pause).await,
                (_, Outcome::Answered(response)) => return response,
                (_, Outcome::Unsent) => {
                    return retry::unreachable(link.picker.target()).into_http();
                }
                (_, Outcome::Lost(status)) => return status.into_http(),
            }
            if !link.picker.is_fit() || tried.len() == link.picker.endpoints().len() {
                // Everybody had a turn; the pause may have changed things.
                tried.clear();
            }
        }
    }

    /// Asks one endpoint after the other until one of them was sent the request.
    async fn attempt(&mut self, link: &Link, tried: &mut Vec<SocketAddr>, attempt: u32) -> Outcome {
        while let Some(endpoint) = link.picker.pick(tried).await {
            tried.push(endpoint.address);
            match self.send(&endpoint, attempt).await {
                Outcome::Unsent if self.can_repeat() => link.picker.alarm.notify_one(),
                outcome => return outcome,
            }
        }
        Outcome::Unsent
    }

    async fn send(&mut self, endpoint: &Arc<Endpoint>, attempt: u32) -> Outcome {
        let busy = endpoint.begin();
        let Ok(connection) = endpoint.connection().await else { return Outcome::Unsent };
        let mut channel = connection.channel.clone();
        let sent = async {
            std::future::poll_fn(|cx| channel.poll_ready(cx)).await?;
            channel.call(self.request(attempt)).await
        };
        match sent.await {
            Ok(response) => {
                match retry::unavailable(response.headers()) {
                    Some(_) => endpoint.refused(),
                    None => endpoint.answered(),
                }
                let end = self.deadline;
                Outcome::Answered(response.map(|body| Body::new(Held::new(body, end, busy))))
            }
            // tonic watches the clock as well, and may be the first to look at it.
            Err(error) if retry::is_late(&error) => {
                Outcome::Answered(deadline::exceeded().into_http())
            }
            Err(error) => {
                // The next call connects anew, and finds out whether that is possible at all.
                endpoint.give_up(&connection).await;
                endpoint.lost();
                match retry::was_unsent(&error) {
                    true => Outcome::Unsent,
                    false => Outcome::Lost(retry::cut_off(&error)),
                }
            }
        }
    }

    fn request(&mut self, attempt: u32) -> Request<Body> {
        let body = match std::mem::replace(&mut self.payload, Payload::Gone) {
            Payload::Fresh(body) => body,
            Payload::Kept(bytes) => {
                self.payload = Payload::Kept(bytes.clone());
                Body::new(Full::new(bytes))
            }
            Payload::Gone => Body::empty(),
        };
        let mut request = Request::from_parts(self.parts.clone(), body);
        if let Some(deadline) = self.deadline {
            let left = deadline.saturating_duration_since(Instant::now());
            request.headers_mut().insert(GRPC_TIMEOUT, deadline::header(left));
        }
        if 1 < attempt {
            request.headers_mut().insert(PREVIOUS_ATTEMPTS, HeaderValue::from(attempt - 1));
        }
        request
    }

    /// Reads the payload, to be able to send it again.
    async fn keep_payload(&mut self) -> Result<(), Status> {
        if let Payload::Fresh(body) = std::mem::replace(&mut self.payload, Payload::Gone) {
            self.payload = Payload::Kept(body.collect().await?.to_bytes());
        }
        Ok(())
    }

    /// Tells whether there is still something to send.
    fn can_repeat(&self) -> bool {
        !matches!(self.payload, Payload::Gone)
    }

    /// Tells whether the call may reach the service twice.
    fn may_repeat(&self) -> bool {
        let is_small = matches!(&self.payload, Payload::Kept(bytes) if bytes.len() <= MOST_KEPT);
        self.method.is_idempotent && self.method.is_unary() && is_small
    }

    fn has_time_for(&self, pause: Duration) -> bool {
        self.deadline.is_none_or(|deadline| Instant::now() + pause + LEAST < deadline)
    }
}
