//! What can go wrong with the object store, sorted by what to do about it.

use std::error::Error as StdError;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

/// The result of everything that can fail here.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong with the object store.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// There is no such object or upload.
    #[error("no such object")]
    Missing,
    /// The object is no longer the one that was read.
    #[error("the object was changed")]
    Changed,
    /// The parts that were named are not those that are there.
    #[error("the parts are not all there")]
    Parts,
    /// The store does not want it; trying again would not help.
    #[error("the object store refuses")]
    Refused(#[source] Box<dyn StdError + Send + Sync>),
    /// The store does not answer, or is out of order.
    #[error("the object store cannot be reached")]
    Unreachable(#[source] Box<dyn StdError + Send + Sync>),
}

impl<E> From<SdkError<E, HttpResponse>> for Error
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    fn from(error: SdkError<E, HttpResponse>) -> Self {
        let code = error.as_service_error().and_then(|it| it.code());
        if matches!(code, Some("InvalidPart" | "InvalidPartOrder" | "EntityTooSmall")) {
            return Self::Parts;
        }
        match error.raw_response().map(|it| it.status().as_u16()) {
            // A bucket that is not there is no missing object, but a mistake in the settings.
            Some(404) if code == Some("NoSuchBucket") => Self::Refused(error.into()),
            Some(404) => Self::Missing,
            Some(412) => Self::Changed,
            Some(408 | 429) | None => Self::Unreachable(error.into()),
            Some(400..500) => Self::Refused(error.into()),
            Some(_) => Self::Unreachable(error.into()),
        }
    }
}
