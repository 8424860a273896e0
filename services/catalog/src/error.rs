//! What can go wrong in the catalog.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use pg::PageTokenError;
use pg::replay;
use server::{Code, Fault};
use tonic::Status;
use types::id::ParseIdError;
use types::{EtagMismatch, Findings};
use uuid::Uuid;

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// What the catalog keeps.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Noun {
    Product,
    Subject,
    Style,
    Guideline,
    ShotType,
}

impl fmt::Display for Noun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Product => "product",
            Self::Subject => "subject",
            Self::Style => "style",
            Self::Guideline => "guideline",
            Self::ShotType => "shot type",
        })
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{} {} does not exist", .0, list(.1))]
    NotFound(Noun, Vec<Uuid>),
    #[error("a product with the SKU `{0}` already exists")]
    SkuTaken(String),
    #[error("a subject with the handle `{0}` already exists")]
    HandleTaken(String),
    #[error("a {0} named `{1}` already exists")]
    NameTaken(Noun, String),
    #[error("a shot type with the code `{0}` already exists")]
    CodeTaken(String),
    #[error(transparent)]
    EtagMismatch(#[from] EtagMismatch),
    #[error("the product is {state}; from there it can only become {allowed}")]
    StateConflict { state: &'static str, allowed: &'static str },
    #[error("shot types of the system set cannot be changed")]
    SystemShotType,
    #[error(transparent)]
    Fields(#[from] Findings),
    #[error("{0}")]
    PageToken(#[from] PageTokenError),
    #[error(transparent)]
    MalformedId(#[from] ParseIdError),
    #[error("media cannot be asked about pictures right now")]
    MediaUnavailable(#[source] Box<Status>),
    #[error("media")]
    Media(#[source] Box<Status>),
    #[error(transparent)]
    Replay(#[from] replay::Error),
    #[error("the call was refused")]
    Refused(#[source] Box<Status>),
    #[error("store")]
    Store(#[from] sqlx::Error),
}

impl Error {
    /// Says what an answer of media means for the caller.
    pub(crate) fn of_media(status: Status) -> Self {
        match status.code() {
            tonic::Code::Unavailable
            | tonic::Code::DeadlineExceeded
            | tonic::Code::ResourceExhausted
            | tonic::Code::Cancelled => Self::MediaUnavailable(Box::new(status)),
            _ => Self::Media(Box::new(status)),
        }
    }

    /// One of each, for the test that compares reasons with the contract.
    #[cfg(test)]
    pub(crate) fn every() -> Vec<Self> {
        let noun = |it| Self::NotFound(it, Vec::new());
        vec![
            noun(Noun::Product),
            noun(Noun::Subject),
            noun(Noun::Style),
            noun(Noun::Guideline),
            noun(Noun::ShotType),
            Self::SkuTaken(String::new()),
            Self::HandleTaken(String::new()),
            Self::NameTaken(Noun::Style, String::new()),
            Self::CodeTaken(String::new()),
            Self::EtagMismatch(EtagMismatch(types::Version(1))),
            Self::StateConflict { state: "", allowed: "" },
            Self::SystemShotType,
            Self::Fields(Findings::default()),
            Self::PageToken(PageTokenError::Malformed),
            Self::MediaUnavailable(Box::new(Status::unavailable(""))),
            Self::Replay(replay::Error::RequestIdReused(Uuid::nil())),
            Self::Store(sqlx::Error::PoolTimedOut),
            Self::Store(sqlx::Error::RowNotFound),
        ]
    }
}

impl Fault for Error {
    fn code(&self) -> Code {
        match self {
            Self::NotFound(..) => Code::NotFound,
            Self::SkuTaken(_) | Self::HandleTaken(_) | Self::NameTaken(..) | Self::CodeTaken(_) => {
                Code::AlreadyExists
            }
            Self::EtagMismatch(_) => Code::Aborted,
            Self::StateConflict { .. } | Self::SystemShotType => Code::FailedPrecondition,
            Self::Fields(_) | Self::PageToken(_) | Self::MalformedId(_) => Code::InvalidArgument,
            Self::MediaUnavailable(_) => Code::Unavailable,
            Self::Replay(error) => error.code(),
            Self::Store(error) if pg::is_transient(error) => Code::Unavailable,
            Self::Media(_) | Self::Refused(_) | Self::Store(_) => Code::Internal,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::NotFound(Noun::Product, _) => "PRODUCT_NOT_FOUND",
            Self::NotFound(Noun::Subject, _) => "SUBJECT_NOT_FOUND",
            Self::NotFound(Noun::Style, _) => "STYLE_NOT_FOUND",
            Self::NotFound(Noun::Guideline, _) => "GUIDELINE_NOT_FOUND",
            Self::NotFound(Noun::ShotType, _) => "SHOT_TYPE_NOT_FOUND",
            Self::SkuTaken(_) => "SKU_TAKEN",
            Self::HandleTaken(_) => "HANDLE_TAKEN",
            Self::NameTaken(..) => "NAME_TAKEN",
            Self::CodeTaken(_) => "CODE_TAKEN",
            Self::EtagMismatch(_) => "ETAG_MISMATCH",
            Self::StateConflict { .. } => "STATE_CONFLICT",
            Self::SystemShotType => "SYSTEM_SHOT_TYPE",
            Self::Fields(_) | Self::MalformedId(_) => "FIELD_INVALID",
            Self::PageToken(_) => "PAGE_TOKEN_INVALID",
            Self::MediaUnavailable(_) => "MEDIA_UNAVAILABLE",
            Self::Replay(error) => error.reason(),
            Self::Store(error) if pg::is_transient(error) => "STORE_UNAVAILABLE",
            Self::Media(_) | Self::Refused(_) | Self::Store(_) => "INTERNAL",
        }
    }

    fn metadata(&self) -> HashMap<String, String> {
        let pairs = match self {
            Self::NotFound(_, ids) => vec![("ids", list(ids))],
            Self::EtagMismatch(EtagMismatch(version)) => vec![("etag", version.etag())],
            Self::StateConflict { state, allowed } => {
                vec![("state", (*state).to_owned()), ("allowed", (*allowed).to_owned())]
            }
            Self::Replay(error) => return error.metadata(),
            _ => Vec::new(),
        };
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn fields(&self) -> Vec<(String, String)> {
        let path = match self {
            Self::Fields(findings) => return findings.fields().to_vec(),
            Self::Replay(error) => return error.fields(),
            Self::SkuTaken(_) => "product.sku",
            Self::HandleTaken(_) => "subject.handle",
            Self::NameTaken(Noun::Style, _) => "style.name",
            Self::NameTaken(Noun::Guideline, _) => "guideline.name",
            Self::CodeTaken(_) => "shot_type.code",
            Self::PageToken(_) => "page_token",
            _ => return Vec::new(),
        };
        vec![(path.to_owned(), self.to_string())]
    }

    fn retry_after(&self) -> Option<Duration> {
        (self.code() == Code::Unavailable).then_some(Duration::from_secs(1))
    }
}

impl From<::jobs::Error> for Error {
    fn from(error: ::jobs::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<Status> for Error {
    fn from(status: Status) -> Self {
        Self::Refused(Box::new(status))
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(status) => *status,
            error => server::status(&error),
        }
    }
}

fn list(ids: &[Uuid]) -> String {
    ids.iter().map(Uuid::to_string).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use api::sartiq::catalog::v1::ErrorReason;

    use super::*;

    #[test]
    fn reasons_are_those_of_the_contract() {
        let given: BTreeSet<_> = Error::every().iter().map(Fault::reason).collect();
        let promised: BTreeSet<_> = (1..)
            .map_while(|it| ErrorReason::try_from(it).ok())
            .filter_map(|it| it.as_str_name().strip_prefix("ERROR_REASON_"))
            .collect();
        assert_eq!(given, promised);
    }
}
