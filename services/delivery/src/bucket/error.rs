//! What can go wrong with a customer's bucket, sorted by what to do about it.
//!
//! The sentences are for the customer, and say nothing about our side of the wall.

use std::error::Error as StdError;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

use super::guard::NotPublicError;

/// The result of everything that can fail here.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// How much of what a store calls its error is passed on.
const LONGEST_CODE: usize = 60;

/// What stores call a refusal that they answer with 400.
const REFUSALS: [&str; 4] =
    ["AuthorizationHeaderMalformed", "ExpiredToken", "InvalidToken", "TokenRefreshRequired"];

/// What went wrong with a bucket.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The address is one that customers may not name.
    #[error("the address of the target {0}")]
    NotPublic(String),
    /// The store knows us not, or lets us not. Trying again does not help.
    #[error("the target refuses the credentials ({0})")]
    Refused(String),
    /// The store does not answer, or is out of order.
    #[error("the target cannot be reached ({0})")]
    Unreachable(String),
    /// It answers, but not as a store does.
    #[error("the target is not an S3-compatible store: {0}")]
    Odd(&'static str),
    /// The store does not want this file; another one it may want.
    #[error("the target does not take the file ({0})")]
    Rejected(String),
    /// There is a file that is not ours.
    #[error("the target has another file of that name, which was not delivered from here")]
    Foreign,
    /// There is a file of a newer export.
    #[error("a newer export has delivered a file of that name")]
    Newer,
    /// Somebody else writes the file at the same time.
    #[error("the file at the target is being changed by somebody else")]
    Changing,
    /// There is no such file.
    #[error("the target has no such file")]
    Missing,
    /// The condition of a write is not met.
    #[error("the target has a file of that name")]
    Taken,
    /// The store knows no conditions.
    #[error("the target knows no conditional writes")]
    Unsupported,
}

impl<E> From<SdkError<E, HttpResponse>> for Error
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    fn from(error: SdkError<E, HttpResponse>) -> Self {
        if let Some(found) = not_public(&error) {
            return Self::NotPublic(found.to_string());
        }
        let code = error.as_service_error().and_then(|it| it.code());
        let code: Option<String> = code.map(|it| it.chars().take(LONGEST_CODE).collect());
        let status = error.raw_response().map(|it| it.status().as_u16());
        let named = |status: u16| code.clone().unwrap_or_else(|| format!("HTTP {status}"));
        match status {
            None => Self::Unreachable("no answer".to_owned()),
            Some(status @ (401 | 403)) => Self::Refused(named(status)),
            // Refusals by another number.
            Some(status @ 400) if code.as_deref().is_some_and(|it| REFUSALS.contains(&it)) => {
                Self::Refused(named(status))
            }
            // May be made any moment, and then everything goes on.
            Some(404) if code.as_deref() == Some("NoSuchBucket") => {
                Self::Unreachable("there is no such bucket".to_owned())
            }
            Some(404) => Self::Missing,
            Some(412) => Self::Taken,
            Some(409) => Self::Changing,
            Some(501) => Self::Unsupported,
            Some(status @ (400..=499)) if !matches!(status, 408 | 425 | 429) => {
                Self::Rejected(named(status))
            }
            // A success that cannot be read.
            Some(200..=299) => Self::Odd("its answer cannot be read"),
            Some(status) => Self::Unreachable(named(status)),
        }
    }
}

/// The guard's verdict, wrapped several times on its way out of the connector.
fn not_public<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a NotPublicError> {
    let mut source = Some(error);
    while let Some(it) = source {
        if let Some(found) = it.downcast_ref() {
            return Some(found);
        }
        source = it.source();
    }
    None
}
