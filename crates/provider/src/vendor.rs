//! Asking a vendor over HTTP: freely what is free, and never twice what is paid for.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use fetch::{Client, Request, Response};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use tokio::time::{Instant, sleep};
use url::Url;

use crate::failure::{Code, Failure, Result, Scope};
use crate::hosts::Hosts;
use crate::pace::jitter;

/// How often one question is asked.
const TRIES: u32 = 4;

/// How long to wait before the second try; twice as long before each further one.
const PAUSE: Duration = Duration::from_millis(250);

/// The longest that is waited because a vendor says so; longer waits are the caller's.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How long a vendor may take to answer one question.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The most bytes of an answer.
const MOST: u64 = 4 << 20;

/// A vendor's HTTP interface.
#[derive(Clone, Debug)]
pub struct Vendor {
    client: Client,
    hosts: Hosts,
    secret: Option<(&'static str, SecretString)>,
    is_own: fn(&Answer) -> bool,
    timeout: Duration,
}

/// A question to a vendor.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    vendor: &'a Vendor,
    method: &'static str,
    url: String,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
    is_signed: bool,
    believes_own: bool,
}

/// A vendor's answer, whatever its status.
#[derive(Clone, Debug)]
pub struct Answer(Response);

impl Vendor {
    /// Returns a vendor at `hosts` and nowhere else.
    pub fn new(hosts: Hosts) -> Result<Self, crate::Error> {
        let policy =
            fetch::Policy { timeout: TIMEOUT, max_bytes: MOST, redirects: 0, ..hosts.policy() };
        let client = Client::new(policy)?;
        Ok(Self { client, hosts, secret: None, is_own: |_| false, timeout: TIMEOUT })
    }

    /// Waits so long for an answer, in place of half a minute.
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Sends a secret along with each question.
    pub fn with_secret(self, header: &'static str, value: SecretString) -> Self {
        Self { secret: Some((header, value)), ..self }
    }

    /// Says how a refusal of the vendor's own differs from one of the machines in front of it: its
    /// own is final, the others' say nothing about what the vendor has done.
    pub fn with_own(self, is_own: fn(&Answer) -> bool) -> Self {
        Self { is_own, ..self }
    }

    /// Whether the vendor may be found at `url`.
    pub fn permits(&self, url: &Url) -> bool {
        self.hosts.permits(url)
    }

    /// Begins a GET.
    pub fn get(&self, url: impl Into<String>) -> Call<'_> {
        self.call("GET", url.into())
    }

    /// Begins a POST.
    pub fn post(&self, url: impl Into<String>) -> Call<'_> {
        self.call("POST", url.into())
    }

    /// Begins a DELETE.
    pub fn delete(&self, url: impl Into<String>) -> Call<'_> {
        self.call("DELETE", url.into())
    }

    /// Begins a PUT.
    pub fn put(&self, url: impl Into<String>) -> Call<'_> {
        self.call("PUT", url.into())
    }

    fn call(&self, method: &'static str, url: String) -> Call<'_> {
        let body = Bytes::new();
        let headers = Vec::new();
        Call { vendor: self, method, url, headers, body, is_signed: true, believes_own: false }
    }
}

impl Call<'_> {
    /// Adds a header.
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Sends `body` as JSON.
    pub fn json(mut self, body: &impl Serialize) -> Self {
        self.body = serde_json::to_vec(body).expect("arguments are plain data").into();
        self.header("content-type", "application/json")
    }

    /// Sends `body` as it is.
    pub fn bytes(mut self, media_type: &str, body: Bytes) -> Self {
        self.body = body;
        self.header("content-type", media_type)
    }

    /// Leaves our secret out: the URL is signed, or leads to another's machine.
    pub fn without_secret(self) -> Self {
        Self { is_signed: false, ..self }
    }

    /// Takes refusals of the vendor's own as its last word: it speaks of the run, not of itself.
    pub fn believing_refusals(self) -> Self {
        Self { believes_own: true, ..self }
    }

    /// Asks what is free to ask, again if need be. A failure is of the asking alone.
    pub async fn freely(self) -> Result<Answer> {
        let mut attempt = 1;
        loop {
            let answer = self.ask().await;
            let pause = match &answer {
                Ok(answer) => match answer.status() {
                    500..600 if self.believes_own && (self.vendor.is_own)(answer) => {
                        return Ok(answer.clone());
                    }
                    408 | 425 | 429 | 500 | 502 | 503 | 504 => answer.retry_after(),
                    _ => return Ok(answer.clone()),
                },
                Err(_) => None,
            };
            let pause = pause.unwrap_or_else(|| backoff(attempt));
            let is_hopeless = answer.as_ref().is_err_and(|it| !it.is_transient());
            if TRIES <= attempt || LONGEST_PAUSE < pause || is_hopeless {
                return answer.map_err(|it| unreached(&it).passing());
            }
            sleep(pause).await;
            attempt += 1;
        }
    }

    /// Asks for what is paid for: again only if the vendor cannot have taken it.
    pub async fn once(self) -> Result<Answer> {
        let began_at = Instant::now();
        let mut attempt = 1;
        loop {
            let answer = self.ask().await;
            let pause = match &answer {
                // Refused at the door, so nothing was taken.
                Ok(answer) if matches!(answer.status(), 429 | 503) => answer.retry_after(),
                Ok(answer) => return Ok(answer.clone()),
                Err(fetch::Error::Connect(_)) => None,
                Err(error) if error.is_unsent() => return Err(unreached(error)),
                Err(error) => return Err(unreached(error).in_doubt()),
            };
            let pause = pause.unwrap_or_else(|| backoff(attempt));
            if TRIES <= attempt || LONGEST_PAUSE < began_at.elapsed() + pause {
                return answer.map_err(|it| unreached(&it));
            }
            sleep(pause).await;
            attempt += 1;
        }
    }

    async fn ask(&self) -> Result<Answer, fetch::Error> {
        let method = self.method.parse().expect("a method of HTTP");
        let mut request = Request::new(method, &self.url)
            .header("accept", "application/json")
            .timeout(self.vendor.timeout);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some((name, value)) = self.vendor.secret.as_ref().filter(|_| self.is_signed) {
            request = request.secret_header(name, value.expose_secret());
        }
        self.vendor.client.send(request.body(self.body.clone())).await.map(Answer)
    }
}

impl Answer {
    /// Returns the HTTP status.
    pub fn status(&self) -> u16 {
        self.0.status.as_u16()
    }

    /// Whether the vendor says yes.
    pub fn is_success(&self) -> bool {
        self.0.status.is_success()
    }

    /// Returns a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.0.header(name)
    }

    /// Reads the body.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.0.body).map_err(|error| Failure {
            http_status: self.status(),
            ..Failure::protocol(format!("the vendor's answer cannot be read: {error}"))
        })
    }

    /// Returns how long the vendor asks to wait, which it says in seconds or as a date.
    pub fn retry_after(&self) -> Option<Duration> {
        let text = self.header("retry-after")?.trim();
        if let Ok(seconds) = text.parse() {
            return Duration::try_from_secs_f64(seconds).ok();
        }
        let moment = OffsetDateTime::parse(text, &Rfc2822).ok()?;
        Some((moment - OffsetDateTime::now_utc()).try_into().unwrap_or(Duration::ZERO))
    }

    /// Returns the failure that the status means, with what else the answer says about it.
    pub fn failure(&self, message: impl Into<String>) -> Failure {
        Failure { retry_after: self.retry_after(), ..Failure::of_status(self.status(), message) }
    }
}

/// Writes bytes as a URL that holds them.
pub fn data_uri(media_type: &str, bytes: &[u8]) -> String {
    format!("data:{media_type};base64,{}", BASE64_STANDARD.encode(bytes))
}

fn backoff(attempt: u32) -> Duration {
    jitter(PAUSE * 2u32.pow(attempt - 1))
}

/// Says that no answer came.
fn unreached(error: &fetch::Error) -> Failure {
    match error {
        fetch::Error::Timeout => {
            let failure = Failure::new(Code::Timeout, "the vendor did not answer in time");
            Failure { scope: Scope::Provider, ..failure }
        }
        fetch::Error::Connect(_) | fetch::Error::Broken(_) => {
            let failure = Failure::new(Code::Upstream, format!("the vendor: {error}"));
            Failure { scope: Scope::Provider, ..failure }
        }
        error if error.is_refused() => Failure::protocol(format!("the vendor's URL is {error}")),
        error => Failure::protocol(format!("the vendor: {error}")),
    }
}
