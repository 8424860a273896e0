//! A way to another service: found by DNS, balanced, failing over, retried within a budget.

mod attempt;
mod body;
mod budget;
mod discover;
mod endpoint;
mod keeper;
mod outgoing;
mod picker;
mod retry;

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use tonic::Status;
use tonic::body::Body;
use tower::Service;

use crate::Error;
use crate::access::{self, Access};
use crate::metric::Peer;
use crate::token::Own;
use crate::{method, trace};
use attempt::Call;
use budget::Budget;
use discover::Target;
use outgoing::Outgoing;
use picker::Picker;

/// A way to another service, to make its generated client of.
///
/// Each call picks one of the addresses that the service's name stands for, goes to another if
/// that one cannot be reached, and is tried again when the service says that it is unavailable
/// and the contract says that trying again does no harm. No call is without a deadline, but for
/// streams. Failures are answers with a status; the error type is never made.
#[derive(Clone)]
pub struct Channel {
    link: Arc<Link>,
    // What each call presents in place of this process's own token.
    headers: HeaderMap,
    presents: Presents,
}

/// When a channel presents this process's own token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Presents {
    /// Where the method asks for one and the call has none.
    WhereNeeded,
    /// Also where the method would do without.
    Always,
    /// Not at all.
    Never,
}

/// What the clones of a channel share.
pub(crate) struct Link {
    pub(crate) picker: Picker,
    pub(crate) budget: Budget,
    own: Option<Arc<Own>>,
    longest_call: Duration,
    peer: Peer,
}

impl Channel {
    /// Opens a channel to `url`, which presents `own` where a call needs a token.
    ///
    /// A URL may list several addresses, separated by commas. Nothing is connected before the
    /// first call. Must be called within a runtime.
    pub(crate) fn open(
        name: &str,
        url: &str,
        own: Option<Arc<Own>>,
        longest_call: Duration,
    ) -> Result<Self, Error> {
        let target = Target::parse(url)?;
        let peer = Peer::of(&target.origin);
        let picker = Picker::new(name, target);
        let link = Arc::new(Link { picker, budget: Budget::default(), own, longest_call, peer });
        keeper::watch(&link);
        Ok(Self { link, headers: HeaderMap::new(), presents: Presents::WhereNeeded })
    }

    /// Returns a channel over the same connections that presents `token` in place of its own.
    pub fn with_token(&self, token: &str) -> Result<Self, Error> {
        let mut value = HeaderValue::try_from(format!("Bearer {token}"))?;
        value.set_sensitive(true);
        Ok(self.with_header(AUTHORIZATION, value))
    }

    /// Returns a channel over the same connections that adds a header to each call.
    pub fn with_header(&self, name: HeaderName, value: HeaderValue) -> Self {
        let mut channel = self.clone();
        channel.headers.insert(name, value);
        channel
    }

    /// Returns a channel over the same connections that adds no token of its own.
    ///
    /// Who forwards calls of others must not lend them its name.
    pub fn without_token(&self) -> Self {
        Self { presents: Presents::Never, ..self.clone() }
    }

    /// Returns a channel over the same connections that says who it is even where nobody asks.
    pub fn always_signed(&self) -> Self {
        Self { presents: Presents::Always, ..self.clone() }
    }

    async fn answer(self, mut request: Request<Body>) -> Response<Body> {
        let method = method::of(request.uri().path());
        let outgoing = Outgoing::begin(&mut request, &self.link.peer);
        let response = match Call::of(request, method, self.link.longest_call) {
            Ok(call) => call.run(&self).await,
            Err(status) => status.into_http(),
        };
        match outgoing {
            Some(outgoing) => outgoing.watch(response),
            None => response,
        }
    }

    /// Adds the headers that every call in the mesh has.
    async fn complete(&self, request: &mut Parts) -> Result<(), Status> {
        let headers = &mut request.headers;
        for (name, value) in &self.headers {
            if !headers.contains_key(name) {
                headers.insert(name, value.clone());
            }
        }
        if !headers.contains_key(trace::REQUEST_ID) {
            let id = HeaderValue::try_from(trace::fresh_id()).expect("ids are plain ASCII");
            headers.insert(trace::REQUEST_ID, id);
        }
        let is_wanted = match self.presents {
            Presents::WhereNeeded => access::of(request.uri.path()) != Some(&Access::Public),
            Presents::Always => true,
            Presents::Never => false,
        };
        if let (true, false, Some(own)) =
            (is_wanted, headers.contains_key(AUTHORIZATION), &self.link.own)
        {
            headers.insert(AUTHORIZATION, own.header().await?);
        }
        Ok(())
    }
}

impl Service<Request<Body>> for Channel {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // Where a call goes is decided when it is made, not before.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let channel = self.clone();
        Box::pin(async move { Ok(channel.answer(request).await) })
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel").field("to", &self.link.picker.target()).finish_non_exhaustive()
    }
}
