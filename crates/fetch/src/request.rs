//! What to ask for.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde::Serialize;
use url::Url;

use crate::error::{Error, Result};

/// One request. What cannot be written (a bad URL, a header with a line break) is reported when
/// it is sent, so that requests chain.
#[derive(Debug)]
pub struct Request {
    pub(crate) method: Method,
    pub(crate) url: Result<Url>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) max_bytes: Option<u64>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) content_types: &'static [&'static str],
    problem: Option<Error>,
}

impl Request {
    /// Begins a request.
    pub fn new(method: Method, url: impl AsRef<str>) -> Self {
        Self {
            method,
            url: Url::parse(url.as_ref()).map_err(Error::from),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            max_bytes: None,
            timeout: None,
            content_types: &[],
            problem: None,
        }
    }

    /// Begins a GET.
    pub fn get(url: impl AsRef<str>) -> Self {
        Self::new(Method::GET, url)
    }

    /// Begins a POST.
    pub fn post(url: impl AsRef<str>) -> Self {
        Self::new(Method::POST, url)
    }

    /// Begins a PUT.
    pub fn put(url: impl AsRef<str>) -> Self {
        Self::new(Method::PUT, url)
    }

    /// Begins a DELETE.
    pub fn delete(url: impl AsRef<str>) -> Self {
        Self::new(Method::DELETE, url)
    }

    /// Sets a header.
    pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        match (name.as_ref().parse::<HeaderName>(), value.as_ref().parse::<HeaderValue>()) {
            (Ok(name), Ok(value)) => {
                self.headers.insert(name, value);
            }
            (Err(error), _) => self.problem = Some(Error::Request(error.into())),
            (_, Err(error)) => self.problem = Some(Error::Request(error.into())),
        }
        self
    }

    /// Sets a header that must not be printed, such as a key.
    pub fn secret_header(self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        let mut request = self.header(name.as_ref(), value);
        if let Some(value) = request.headers.get_mut(name.as_ref()) {
            value.set_sensitive(true);
        }
        request
    }

    /// Sets several headers.
    pub fn headers(mut self, headers: HeaderMap) -> Self {
        self.headers.extend(headers);
        self
    }

    /// Adds to the query of the URL.
    pub fn query(mut self, name: &str, value: &str) -> Self {
        if let Ok(url) = &mut self.url {
            url.query_pairs_mut().append_pair(name, value);
        }
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets the body to JSON, and says so.
    pub fn json(mut self, body: &impl Serialize) -> Self {
        match serde_json::to_vec(body) {
            Ok(json) => self.body = json.into(),
            Err(error) => self.problem = Some(Error::Request(error.into())),
        }
        let json = HeaderValue::from_static("application/json");
        self.headers.entry(header::CONTENT_TYPE).or_insert(json);
        self
    }

    /// Limits the answer to other than the policy's size.
    pub fn max_bytes(mut self, max_bytes: u64) -> Self {
        self.max_bytes = Some(max_bytes);
        self
    }

    /// Limits the exchange to other than the policy's time.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Takes only these types from a success: `image/png`, or `image/` for all of them.
    pub fn content_types(mut self, content_types: &'static [&'static str]) -> Self {
        self.content_types = content_types;
        self
    }

    /// Reports what was put off.
    pub(crate) fn checked(mut self) -> Result<(Url, Self)> {
        if let Some(problem) = self.problem.take() {
            return Err(problem);
        }
        let mut url = std::mem::replace(&mut self.url, Err(url::ParseError::EmptyHost.into()))?;
        url.set_fragment(None);
        Ok((url, self))
    }
}
