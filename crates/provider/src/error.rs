//! What the adapter answers where it could not judge a run. What the vendor says is a `Failure`.

use std::time::Duration;

use server::{Code, Fault};
use tonic::Status;

use crate::failure::Failure;

/// The result of everything that ends in a status.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a request was not judged.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The process is about to stop; the run goes on at the vendor.
    #[error("the adapter is about to stop; resume the run elsewhere")]
    Draining,
    /// As many runs as the process may follow are under way.
    #[error("the adapter follows {0} runs already")]
    Full(usize),
    /// A field of the request is wrong in a way that its rules cannot say.
    #[error("the field `{0}` {1}")]
    Malformed(&'static str, &'static str),
    /// No model has the name.
    #[error("there is no model `{0}`")]
    NoModel(String),
    /// The model cannot do what is asked.
    #[error("{0}")]
    Refused(String),
    /// The vendor could not be asked.
    #[error("the vendor could not be asked: {0}")]
    Unheard(#[source] Failure),
    /// The run has ended at the vendor, and its outputs could not be stored yet.
    #[error("the outputs could not be stored; resume the run")]
    Workspace(#[source] Failure),
    /// The run id was used for another input before.
    #[error("the run `{0}` was asked for with another input before")]
    RunIdReused(String),
}

impl Fault for Error {
    fn code(&self) -> Code {
        match self {
            Self::Draining | Self::Unheard(_) | Self::Workspace(_) => Code::Unavailable,
            Self::Full(_) => Code::ResourceExhausted,
            Self::Malformed(..) | Self::Refused(_) => Code::InvalidArgument,
            Self::NoModel(_) => Code::NotFound,
            Self::RunIdReused(_) => Code::AlreadyExists,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Draining => "ADAPTER_DRAINING",
            Self::Full(_) => "ADAPTER_FULL",
            Self::Malformed(..) => "FIELD_INVALID",
            Self::NoModel(_) => "MODEL_NOT_FOUND",
            Self::Refused(_) => "RUN_REFUSED",
            Self::Unheard(_) => "VENDOR_UNREACHABLE",
            Self::Workspace(_) => "WORKSPACE_UNAVAILABLE",
            Self::RunIdReused(_) => "RUN_ID_REUSED",
        }
    }

    fn fields(&self) -> Vec<(String, String)> {
        match self {
            Self::Malformed(field, sentence) => vec![((*field).into(), (*sentence).into())],
            _ => Vec::new(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        matches!(self, Self::Full(_) | Self::Unheard(_) | Self::Workspace(_))
            .then_some(Duration::from_secs(1))
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        server::status(&error)
    }
}
