//! How a fetch fails, sorted by what the caller may do next.

use std::{error::Error as StdError, net::IpAddr, time::Duration};

use http::StatusCode;

/// The result of a fetch.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a fetch gave nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The URL cannot be read.
    #[error("not a URL")]
    Url(#[from] url::ParseError),

    /// The policy forbids it; asking again changes nothing.
    #[error("refused: {0}")]
    Refused(Refusal),

    /// A header or the JSON body cannot be written.
    #[error("the request cannot be made")]
    Request(#[source] Box<dyn StdError + Send + Sync>),

    /// No connection came about. Not a byte of the request has left.
    #[error("cannot connect")]
    Connect(#[source] Box<dyn StdError + Send + Sync>),

    /// It took too long. The request may have been received.
    #[error("timed out")]
    Timeout,

    /// The connection broke after the request began to leave, or during the answer.
    #[error("the exchange broke off")]
    Broken(#[source] Box<dyn StdError + Send + Sync>),

    /// The answer is longer than allowed.
    #[error("the answer is longer than {0} bytes")]
    TooLarge(u64),

    /// The answer is of a type that was not asked for.
    #[error("the answer is of type `{0}`")]
    ContentType(String),

    /// More redirects than the policy follows.
    #[error("more than {0} redirects")]
    Redirects(usize),

    /// An answer that is not a success, where one was required.
    #[error("the answer is {status}")]
    Status {
        /// The status.
        status: StatusCode,
        /// The beginning of the body, for the log.
        body: String,
        /// How long the server asks to be left alone, if it says so in seconds.
        retry_after: Option<Duration>,
    },

    /// The answer is not the JSON that was expected.
    #[error("the answer is not the JSON expected")]
    Json(#[from] serde_json::Error),
}

/// What the policy found.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Only http and https, or only https, are fetched.
    #[error("the scheme `{0}`")]
    Scheme(String),

    /// The URL names no host.
    #[error("no host")]
    NoHost,

    /// The URL carries a user name or password.
    #[error("a user name in the URL")]
    UserInfo,

    /// The host is not on the list.
    #[error("the host `{0}`")]
    Host(String),

    /// The host's address is not on the public internet.
    #[error("the address {0}")]
    Address(IpAddr),

    /// A redirect left https for http.
    #[error("a redirect to plain http")]
    Downgrade,
}

impl Error {
    /// Whether it is certain that the server has not seen the request.
    ///
    /// Where this is `false`, a request that costs money must not be sent again unless the
    /// server knows it by a key.
    pub fn is_unsent(&self) -> bool {
        matches!(self, Self::Url(_) | Self::Refused(_) | Self::Request(_) | Self::Connect(_))
    }

    /// Whether the same request may do better later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Connect(_) | Self::Timeout | Self::Broken(_) => true,
            Self::Status { status, .. } => {
                status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429)
            }
            _ => false,
        }
    }

    /// How long the server asks to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether the policy, not the network, said no.
    pub fn is_refused(&self) -> bool {
        matches!(self, Self::Refused(_))
    }

    /// Sorts what the transport reports.
    pub(crate) fn transport(error: reqwest::Error) -> Self {
        // The URL may carry a signature or a key; errors go to logs.
        let error = error.without_url();
        if let Some(refusal) = refusal(&error) {
            return Self::Refused(refusal);
        }
        if error.is_builder() {
            return Self::Request(error.into());
        }
        if error.is_connect() {
            return Self::Connect(error.into());
        }
        if error.is_timeout() {
            return Self::Timeout;
        }
        Self::Broken(error.into())
    }
}

/// The resolver's verdict, wrapped several times on its way out of the connector.
fn refusal(error: &reqwest::Error) -> Option<Refusal> {
    let mut source = error.source();
    while let Some(it) = source {
        if let Some(refusal) = it.downcast_ref::<Refusal>() {
            return Some(refusal.clone());
        }
        source = it.source();
    }
    None
}
