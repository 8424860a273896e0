//! What can go wrong in media.

use std::collections::HashMap;
use std::time::Duration;

use pg::{PageTokenError, replay};
use server::{Code, Fault};
use tonic::Status;
use types::id::{MediaId, UploadId};

use crate::objects;
use crate::refusal::Refusal;

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("media {} does not exist", list(.0))]
    MediaNotFound(Vec<MediaId>),
    #[error("media {id} has no rendition of {edge} pixels")]
    RenditionNotFound { id: MediaId, edge: u32 },
    #[error("upload {0} does not exist")]
    UploadNotFound(UploadId),
    #[error("workspace file `{0}` does not exist")]
    WorkspaceFileNotFound(String),
    #[error("the bytes of the upload are not all there; put every part, then complete it")]
    UploadIncomplete,
    #[error("upload {0} was given up")]
    UploadAborted(UploadId),
    #[error("upload {0} was not completed within 24 hours")]
    UploadExpired(UploadId),
    #[error("upload {0} is being judged or is decided, and cannot be given up any more")]
    UploadDecided(UploadId),
    #[error("workspace file `{0}` was adopted and cannot be written any more")]
    WorkspaceFileAdopted(String),
    #[error("{}", .refusal.message)]
    Refused { field: &'static str, refusal: Refusal },
    #[error("the bytes were changed while they were judged")]
    BytesChanged,
    #[error("judging the file took too long")]
    TooSlow,
    #[error("judging the file was interrupted")]
    Interrupted,
    #[error("`{field}` {sentence}")]
    Field { field: String, sentence: String },
    #[error("{0}")]
    PageToken(#[from] PageTokenError),
    #[error(transparent)]
    Replay(#[from] replay::Error),
    #[error("the object store cannot be asked right now")]
    Objects(#[source] objects::Error),
    #[error("the object store refuses")]
    ObjectsRefused(#[source] objects::Error),
    #[error("store")]
    Store(#[from] sqlx::Error),
}

impl Error {
    /// A field that breaks a rule which the contract cannot say.
    pub(crate) fn field(field: impl Into<String>, sentence: impl Into<String>) -> Self {
        Self::Field { field: field.into(), sentence: sentence.into() }
    }
}

impl Fault for Error {
    fn code(&self) -> Code {
        match self {
            Self::MediaNotFound(_)
            | Self::RenditionNotFound { .. }
            | Self::UploadNotFound(_)
            | Self::WorkspaceFileNotFound(_) => Code::NotFound,
            Self::UploadIncomplete
            | Self::UploadAborted(_)
            | Self::UploadExpired(_)
            | Self::UploadDecided(_)
            | Self::WorkspaceFileAdopted(_) => Code::FailedPrecondition,
            Self::Refused { .. } | Self::Field { .. } | Self::PageToken(_) => Code::InvalidArgument,
            Self::BytesChanged => Code::Aborted,
            Self::TooSlow | Self::Interrupted | Self::Objects(_) => Code::Unavailable,
            Self::Replay(error) => error.code(),
            Self::Store(error) if pg::is_transient(error) => Code::Unavailable,
            Self::ObjectsRefused(_) | Self::Store(_) => Code::Internal,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::MediaNotFound(_) => "MEDIA_NOT_FOUND",
            Self::RenditionNotFound { .. } => "RENDITION_NOT_FOUND",
            Self::UploadNotFound(_) => "UPLOAD_NOT_FOUND",
            Self::WorkspaceFileNotFound(_) => "WORKSPACE_FILE_NOT_FOUND",
            Self::UploadIncomplete => "UPLOAD_INCOMPLETE",
            Self::UploadAborted(_) => "UPLOAD_ABORTED",
            Self::UploadExpired(_) => "UPLOAD_EXPIRED",
            Self::UploadDecided(_) => "UPLOAD_DECIDED",
            Self::WorkspaceFileAdopted(_) => "WORKSPACE_FILE_ADOPTED",
            Self::Refused { refusal, .. } => refusal.reason.as_str(),
            Self::BytesChanged => "BYTES_CHANGED",
            Self::TooSlow => "TOO_SLOW",
            Self::Interrupted => "INTERRUPTED",
            Self::Field { .. } => "FIELD_INVALID",
            Self::PageToken(_) => "PAGE_TOKEN_INVALID",
            Self::Replay(error) => error.reason(),
            Self::Objects(_) => "OBJECT_STORE_UNAVAILABLE",
            Self::Store(error) if pg::is_transient(error) => "STORE_UNAVAILABLE",
            Self::ObjectsRefused(_) | Self::Store(_) => "INTERNAL",
        }
    }

    fn metadata(&self) -> HashMap<String, String> {
        match self {
            Self::MediaNotFound(ids) => HashMap::from([("ids".to_owned(), list(ids))]),
            Self::Replay(error) => error.metadata(),
            _ => HashMap::new(),
        }
    }

    fn fields(&self) -> Vec<(String, String)> {
        match self {
            Self::Refused { field, refusal } => {
                vec![((*field).to_owned(), refusal.message.clone())]
            }
            Self::Field { field, sentence } => vec![(field.clone(), sentence.clone())],
            Self::PageToken(error) => vec![("page_token".to_owned(), error.to_string())],
            Self::Replay(error) => error.fields(),
            _ => Vec::new(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Objects(_) | Self::Interrupted => Some(Duration::from_secs(1)),
            Self::TooSlow => Some(Duration::from_secs(5)),
            _ => None,
        }
    }
}

impl From<objects::Error> for Error {
    fn from(error: objects::Error) -> Self {
        match error {
            objects::Error::Missing | objects::Error::Changed => Self::BytesChanged,
            objects::Error::Parts => Self::UploadIncomplete,
            error @ objects::Error::Refused(_) => Self::ObjectsRefused(error),
            error @ objects::Error::Unreachable(_) => Self::Objects(error),
        }
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        server::status(&error)
    }
}

fn list(ids: &[MediaId]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
