//! The client.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::{
    error::{Error, Refusal, Result},
    event::Events,
    policy::{Policy, Route},
    request::Request,
    resolve::{Lookup, Resolver, SystemLookup},
    response::{Download, Incoming, Limits, Response},
    tls,
};

/// The headers that may follow a redirect to another origin. The others may be secrets.
const HARMLESS: [header::HeaderName; 3] = [header::ACCEPT, header::ACCEPT_LANGUAGE, header::RANGE];

/// The guarded client. Cheap to clone; clones share connections.
#[derive(Clone, Debug)]
pub struct Client {
    policy: Arc<Policy>,
    /// Two, so that a connection that trust opened is never reused by what is not trusted.
    guarded: reqwest::Client,
    trusted: reqwest::Client,
}

impl Client {
    /// Makes a client that resolves names as the machine does.
    pub fn new(policy: Policy) -> Result<Self> {
        Self::with_lookup(policy, Arc::new(SystemLookup))
    }

    /// Makes a client that resolves names by `lookup`; the policy judges its answers.
    pub fn with_lookup(policy: Policy, lookup: Arc<dyn Lookup>) -> Result<Self> {
        let inner = |route| build(&policy, Resolver { lookup: Arc::clone(&lookup), route });
        let (guarded, trusted) = (inner(Route::Guarded)?, inner(Route::Trusted)?);
        Ok(Self { policy: Arc::new(policy), guarded, trusted })
    }

    /// Sends a request and waits for the whole answer, whatever its status.
    pub async fn send(&self, request: Request) -> Result<Response> {
        self.open(request).await?.whole().await
    }

    /// Sends a request and reads a success as JSON.
    pub async fn json<T: DeserializeOwned>(&self, request: Request) -> Result<T> {
        self.send(request).await?.ok()?.json()
    }

    /// Gets the bytes behind a URL.
    pub async fn get_bytes(&self, url: &str) -> Result<Bytes> {
        Ok(self.send(Request::get(url)).await?.ok()?.body)
    }

    /// Puts bytes where a presigned URL says; the headers must be those that were signed.
    pub async fn put_bytes(&self, url: &str, headers: HeaderMap, body: Bytes) -> Result<Response> {
        self.send(Request::put(url).headers(headers).body(body)).await?.ok()
    }

    /// Fetches a file into memory, with its hash.
    pub async fn download(&self, request: Request) -> Result<Download> {
        self.open(request).await?.downloaded().await
    }

    /// Sends a request and yields the answer's server-sent events as they come.
    ///
    /// The time limit holds until the answer begins; after that, only the idle one.
    pub async fn events(&self, request: Request) -> Result<Events> {
        let mut incoming = self.open(request.header("accept", "text/event-stream")).await?;
        if !incoming.status.is_success() {
            return Err(incoming.whole().await?.ok().err().unwrap_or(Error::Timeout));
        }
        incoming.check_type(&["text/event-stream"])?;
        incoming.unlimit_time();
        Ok(Events::new(incoming))
    }

    /// Sends a request and returns when the answer begins.
    pub async fn open(&self, request: Request) -> Result<Incoming> {
        let (url, request) = request.checked()?;
        let deadline = Instant::now() + request.timeout.unwrap_or(self.policy.timeout);
        let limits = Limits {
            max_bytes: request.max_bytes.unwrap_or(self.policy.max_bytes),
            idle_timeout: self.policy.idle_timeout,
            deadline: Some(deadline),
        };
        let content_types = request.content_types;
        let follow = self.follow(url, request);
        let (response, url) = timeout_at(deadline, follow).await.map_err(|_| Error::Timeout)??;
        let incoming = Incoming::new(response, url, limits)?;
        incoming.check_type(content_types)?;
        Ok(incoming)
    }

    pub(crate) fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The client that may dial `url`.
    pub(crate) fn inner(&self, url: &Url) -> Result<&reqwest::Client> {
        Ok(match self.policy.check(url).map_err(Error::Refused)? {
            Route::Guarded => &self.guarded,
            Route::Trusted => &self.trusted,
        })
    }

    async fn follow(&self, mut url: Url, request: Request) -> Result<(reqwest::Response, Url)> {
        let Request { method, mut headers, body, .. } = request;
        let is_followed = matches!(method, Method::GET | Method::HEAD) && self.policy.redirects > 0;
        for _ in 0..=self.policy.redirects {
            let response = self.once(&method, &url, &headers, &body).await?;
            let Some(target) = redirect(&response).filter(|_| is_followed) else {
                return Ok((response, url));
            };
            let next = url.join(&target)?;
            if url.scheme() == "https" && next.scheme() == "http" {
                return Err(Error::Refused(Refusal::Downgrade));
            }
            if url.origin() != next.origin() {
                headers = HARMLESS
                    .into_iter()
                    .filter_map(|name| Some((name.clone(), headers.remove(&name)?)))
                    .collect();
            }
            url = next;
        }
        Err(Error::Redirects(self.policy.redirects))
    }

    async fn once(
        &self,
        method: &Method,
        url: &Url,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Result<reqwest::Response> {
        let mut request =
            self.inner(url)?.request(method.clone(), url.clone()).headers(headers.clone());
        let has_body = matches!(*method, Method::POST | Method::PUT | Method::PATCH);
        if has_body || !body.is_empty() {
            request = request.body(body.clone());
        }
        request.send().await.map_err(Error::transport)
    }
}

fn build(policy: &Policy, resolver: Resolver) -> Result<reqwest::Client> {
    let tls = tls::config().map_err(|error| Error::Request(error.into()))?;
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .dns_resolver(resolver)
        // A proxy would resolve the name again, out of our sight.
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        // Whether to ask again is the caller's decision; it may cost money.
        .retry(reqwest::retry::never())
        .referer(false)
        .connect_timeout(policy.connect_timeout)
        .user_agent(policy.user_agent.clone())
        .build()
        .map_err(|error| Error::Request(error.into()))
}

fn redirect(response: &reqwest::Response) -> Option<String> {
    let is_redirect = matches!(
        response.status(),
        StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::SEE_OTHER
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT
    );
    if !is_redirect {
        return None;
    }
    Some(response.headers().get(header::LOCATION)?.to_str().ok()?.to_owned())
}
