//! What can go wrong in the engine.

use std::collections::HashMap;

use server::{Code, Fault};
use tonic::Status;
use types::PageTokenError;
use types::id::{ParseIdError, TaskId, WorkflowId};

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// A field that is wrong, and a sentence about it.
pub(crate) type Field = (String, String);

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("workflow {0} does not exist")]
    WorkflowNotFound(WorkflowId),
    #[error("task {0} does not exist")]
    TaskNotFound(TaskId),
    #[error("{}", summary(.0))]
    Invalid(Vec<Field>),
    #[error("no provider that answers can do this")]
    NoLane,
    #[error(transparent)]
    MalformedId(#[from] ParseIdError),
    #[error(transparent)]
    PageToken(#[from] PageTokenError),
    #[error(transparent)]
    Replay(#[from] pg::replay::Error),
    #[error("{}", .0.message())]
    Refused(Status),
    #[error("stored message")]
    Stored(#[from] prost::DecodeError),
    #[error("store")]
    Store(#[from] sqlx::Error),
}

fn summary(fields: &[Field]) -> String {
    let fields = fields.iter().map(|(path, sentence)| format!("`{path}` {sentence}"));
    fields.collect::<Vec<_>>().join(", ")
}

impl Fault for Error {
    fn code(&self) -> Code {
        match self {
            Self::WorkflowNotFound(_) | Self::TaskNotFound(_) => Code::NotFound,
            Self::Invalid(_) | Self::MalformedId(_) | Self::PageToken(_) => Code::InvalidArgument,
            Self::NoLane => Code::Unavailable,
            Self::Replay(error) => error.code(),
            Self::Store(error) if pg::is_transient(error) => Code::Unavailable,
            Self::Refused(_) | Self::Stored(_) | Self::Store(_) => Code::Internal,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::WorkflowNotFound(_) => "WORKFLOW_NOT_FOUND",
            Self::TaskNotFound(_) => "TASK_NOT_FOUND",
            Self::Invalid(_) | Self::MalformedId(_) => "FIELD_INVALID",
            Self::PageToken(_) => "PAGE_TOKEN_INVALID",
            Self::NoLane => "NO_LANE",
            Self::Replay(error) => error.reason(),
            Self::Store(error) if pg::is_transient(error) => "STORE_UNAVAILABLE",
            Self::Refused(_) | Self::Stored(_) | Self::Store(_) => "INTERNAL",
        }
    }

    fn metadata(&self) -> HashMap<String, String> {
        match self {
            Self::Invalid(fields) => {
                let first = fields.first().map(|(path, _)| ("field".to_owned(), path.clone()));
                first.into_iter().collect()
            }
            Self::Replay(error) => error.metadata(),
            _ => HashMap::new(),
        }
    }

    fn fields(&self) -> Vec<Field> {
        match self {
            Self::Invalid(fields) => fields.clone(),
            Self::Replay(error) => error.fields(),
            _ => Vec::new(),
        }
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        match error {
            // What the stack refused is said in its own words.
            Error::Refused(status) => status,
            error => server::status(&error),
        }
    }
}

impl From<Status> for Error {
    fn from(status: Status) -> Self {
        Self::Refused(status)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use api::sartiq::compute::v1::ErrorReason;

    use super::*;

    /// One of each that has a reason of its own.
    fn every() -> Vec<Error> {
        vec![
            Error::WorkflowNotFound(WorkflowId::generate()),
            Error::TaskNotFound(TaskId::generate()),
            Error::Invalid(Vec::new()),
            Error::NoLane,
            Error::PageToken(PageTokenError::Malformed),
            Error::Replay(pg::replay::Error::RequestIdReused(uuid::Uuid::nil())),
            Error::Store(sqlx::Error::PoolTimedOut),
            Error::Store(sqlx::Error::RowNotFound),
        ]
    }

    #[test]
    fn reasons_are_those_of_the_contract() {
        let given: BTreeSet<_> = every().iter().map(Fault::reason).collect();
        let promised: BTreeSet<_> = (1..)
            .map_while(|it| ErrorReason::try_from(it).ok())
            .filter_map(|it| it.as_str_name().strip_prefix("ERROR_REASON_"))
            .collect();
        assert_eq!(given, promised);
    }
}
