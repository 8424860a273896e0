//! What came back.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::error::{Error, Result};

/// How much of a refusal's body is kept for the log.
const EXCERPT: usize = 2_000;

/// An answer, whole.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// Where it came from after redirects.
    pub url: Url,
}

impl Response {
    /// Requires a success.
    pub fn ok(self) -> Result<Self> {
        if self.status.is_success() {
            return Ok(self);
        }
        let excerpt = &self.body[..self.body.len().min(EXCERPT)];
        let body = String::from_utf8_lossy(excerpt).into_owned();
        let retry_after = self.header("retry-after").and_then(|it| it.trim().parse().ok());
        let retry_after = retry_after.map(Duration::from_secs);
        Err(Error::Status { status: self.status, body, retry_after })
    }

    /// Reads the body as JSON, whatever the status.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        Ok(serde_json::from_slice(&self.body)?)
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// A file that was fetched.
#[derive(Clone, Debug)]
pub struct Download {
    /// The bytes.
    pub bytes: Bytes,
    /// Their SHA-256.
    pub sha256: [u8; 32],
    /// What the server calls the type, without parameters, in lower case. Not to be believed.
    pub content_type: Option<String>,
    /// Where it came from after redirects.
    pub url: Url,
}

impl Download {
    /// The SHA-256 in hexadecimal.
    pub fn sha256_hex(&self) -> String {
        hex::encode(self.sha256)
    }
}

/// An answer whose body is still on its way.
#[derive(Debug)]
pub struct Incoming {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// Where it comes from after redirects.
    pub url: Url,
    response: reqwest::Response,
    limits: Limits,
    taken_bytes: u64,
}

/// What the body is held to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) max_bytes: u64,
    pub(crate) idle_timeout: Duration,
    /// When it must be over; a stream without an end has none.
    pub(crate) deadline: Option<Instant>,
}

impl Incoming {
    pub(crate) fn new(response: reqwest::Response, url: Url, limits: Limits) -> Result<Self> {
        // Refuse before the first byte where the server is honest about the length.
        if response.content_length().is_some_and(|it| it > limits.max_bytes) {
            return Err(Error::TooLarge(limits.max_bytes));
        }
        Ok(Self {
            status: response.status(),
            headers: response.headers().clone(),
            url,
            response,
            limits,
            taken_bytes: 0,
        })
    }

    /// The next piece, or nothing at the end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        let idle = Instant::now() + self.limits.idle_timeout;
        let deadline = self.limits.deadline.map_or(idle, |it| it.min(idle));
        let chunk =
            timeout_at(deadline, self.response.chunk()).await.map_err(|_| Error::Timeout)?;
        let Some(chunk) = chunk.map_err(broken)? else { return Ok(None) };
        self.taken_bytes += chunk.len() as u64;
        if self.taken_bytes > self.limits.max_bytes {
            return Err(Error::TooLarge(self.limits.max_bytes));
        }
        Ok(Some(chunk))
    }

    /// The type the server gives, without parameters, in lower case.
    pub fn content_type(&self) -> Option<String> {
        let value = self.headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
        let essence = value.split(';').next().unwrap_or_default().trim();
        Some(essence.to_ascii_lowercase())
    }

    /// Lets the body go on for as long as it does not pause.
    pub(crate) fn unlimit_time(&mut self) {
        self.limits.deadline = None;
    }

    pub(crate) fn check_type(&self, content_types: &[&str]) -> Result<()> {
        if content_types.is_empty() || !self.status.is_success() {
            return Ok(());
        }
        let found = self.content_type().unwrap_or_default();
        let is_wanted = content_types
            .iter()
            .any(|it| found == *it || (it.ends_with('/') && found.starts_with(it)));
        if is_wanted { Ok(()) } else { Err(Error::ContentType(found)) }
    }

    /// Waits for the rest.
    pub(crate) async fn whole(mut self) -> Result<Response> {
        let mut body = BytesMut::new();
        while let Some(chunk) = self.chunk().await? {
            body.extend_from_slice(&chunk);
        }
        let Self { status, headers, url, .. } = self;
        Ok(Response { status, headers, body: body.freeze(), url })
    }

    /// Waits for the rest of a success, hashing as it comes.
    pub(crate) async fn downloaded(mut self) -> Result<Download> {
        if !self.status.is_success() {
            return Err(self.whole().await?.ok().err().unwrap_or(Error::Timeout));
        }
        let content_type = self.content_type();
        let mut bytes = BytesMut::new();
        let mut hash = Sha256::new();
        while let Some(chunk) = self.chunk().await? {
            hash.update(&chunk);
            bytes.extend_from_slice(&chunk);
        }
        let sha256 = hash.finalize().into();
        Ok(Download { bytes: bytes.freeze(), sha256, content_type, url: self.url })
    }
}

/// Whatever happens after the head of an answer, the request was seen.
fn broken(error: reqwest::Error) -> Error {
    let error = error.without_url();
    if error.is_timeout() { Error::Timeout } else { Error::Broken(error.into()) }
}
