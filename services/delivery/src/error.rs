//! What can go wrong in delivery.

use std::collections::HashMap;
use std::time::Duration;

use pg::{PageTokenError, replay};
use server::{Code, Fault};
use tonic::Status;
use types::id::{ExportId, ParseIdError, ShotId, TargetId};

use crate::export::State;

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("export {0} does not exist")]
    ExportNotFound(ExportId),
    #[error("target {0} does not exist")]
    TargetNotFound(TargetId),
    /// With the place of each in the request.
    #[error("{} of the shots are not approved shots of the shooting", .0.len())]
    ShotNotApproved(Vec<(usize, ShotId)>),
    #[error("no shot of the shooting is approved")]
    NothingApproved,
    #[error("the export is {state}; {only}")]
    StateConflict { state: State, only: &'static str },
    #[error("{0}")]
    ZipNotThere(&'static str),
    #[error("a target named `{0}` already exists")]
    NameTaken(String),
    #[error("an export delivers to the target")]
    TargetInUse,
    #[error("{}", types::field::sentences(.0))]
    Fields(Vec<(String, String)>),
    #[error("{0}")]
    PageToken(#[from] PageTokenError),
    #[error(transparent)]
    MalformedId(#[from] ParseIdError),
    #[error(transparent)]
    Replay(#[from] replay::Error),
    /// Another service, or the stack, said no. Its words are for the caller.
    #[error("the call was refused: {}", .0.message())]
    Refused(Box<Status>),
    #[error("the stored {0}")]
    Corrupt(String),
    #[error("store")]
    Store(#[from] sqlx::Error),
}

impl Error {
    /// Says that one field is wrong, and why.
    pub(crate) fn field(path: impl Into<String>, sentence: impl Into<String>) -> Self {
        Self::Fields(vec![(path.into(), sentence.into())])
    }

    /// One of each that has a reason of its own, for the test that compares them with the contract.
    #[cfg(test)]
    fn every() -> Vec<Self> {
        vec![
            Self::ExportNotFound(ExportId::generate()),
            Self::TargetNotFound(TargetId::generate()),
            Self::ShotNotApproved(Vec::new()),
            Self::NothingApproved,
            Self::StateConflict { state: State::Queued, only: "" },
            Self::ZipNotThere(""),
            Self::NameTaken(String::new()),
            Self::TargetInUse,
            Self::Fields(Vec::new()),
            Self::PageToken(PageTokenError::Malformed),
            Self::Replay(replay::Error::RequestIdReused(uuid::Uuid::nil())),
            Self::Store(sqlx::Error::PoolTimedOut),
            Self::Corrupt(String::new()),
        ]
    }
}

impl Fault for Error {
    fn code(&self) -> Code {
        match self {
            Self::ExportNotFound(_) | Self::TargetNotFound(_) => Code::NotFound,
            Self::ShotNotApproved(_)
            | Self::NothingApproved
            | Self::StateConflict { .. }
            | Self::ZipNotThere(_)
            | Self::TargetInUse => Code::FailedPrecondition,
            Self::NameTaken(_) => Code::AlreadyExists,
            Self::Fields(_) | Self::PageToken(_) | Self::MalformedId(_) => Code::InvalidArgument,
            Self::Replay(error) => error.code(),
            Self::Store(error) if pg::is_transient(error) => Code::Unavailable,
            Self::Refused(_) | Self::Corrupt(_) | Self::Store(_) => Code::Internal,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::ExportNotFound(_) => "EXPORT_NOT_FOUND",
            Self::TargetNotFound(_) => "TARGET_NOT_FOUND",
            Self::ShotNotApproved(_) => "SHOT_NOT_APPROVED",
            Self::NothingApproved => "NOTHING_APPROVED",
            Self::StateConflict { .. } => "STATE_CONFLICT",
            Self::ZipNotThere(_) => "ZIP_NOT_THERE",
            Self::NameTaken(_) => "NAME_TAKEN",
            Self::TargetInUse => "TARGET_IN_USE",
            Self::Fields(_) | Self::MalformedId(_) => "FIELD_INVALID",
            Self::PageToken(_) => "PAGE_TOKEN_INVALID",
            Self::Replay(error) => error.reason(),
            Self::Store(error) if pg::is_transient(error) => "STORE_UNAVAILABLE",
            Self::Refused(_) | Self::Corrupt(_) | Self::Store(_) => "INTERNAL",
        }
    }

    fn metadata(&self) -> HashMap<String, String> {
        let (name, value) = match self {
            Self::ExportNotFound(id) => ("export_id", id.to_string()),
            Self::TargetNotFound(id) => ("target_id", id.to_string()),
            Self::ShotNotApproved(shots) => {
                let ids: Vec<_> = shots.iter().map(|it| it.1.to_string()).collect();
                ("ids", ids.join(","))
            }
            Self::StateConflict { state, .. } => ("state", state.as_str().to_owned()),
            Self::Replay(error) => return error.metadata(),
            _ => return HashMap::new(),
        };
        HashMap::from([(name.to_owned(), value)])
    }

    fn fields(&self) -> Vec<(String, String)> {
        match self {
            Self::ShotNotApproved(shots) => {
                let path = |it: &(usize, ShotId)| format!("shot_ids[{}]", it.0);
                let sentence = "must be an approved shot of the shooting";
                shots.iter().map(|it| (path(it), sentence.to_owned())).collect()
            }
            Self::NameTaken(_) => vec![("name".to_owned(), self.to_string())],
            Self::Fields(fields) => fields.clone(),
            Self::PageToken(error) => vec![("page_token".to_owned(), error.to_string())],
            Self::Replay(error) => error.fields(),
            _ => Vec::new(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        (self.code() == Code::Unavailable).then_some(Duration::from_secs(1))
    }
}

impl From<Status> for Error {
    fn from(status: Status) -> Self {
        Self::Refused(Box::new(status))
    }
}

impl From<::jobs::Error> for Error {
    fn from(error: ::jobs::Error) -> Self {
        Self::Store(error.into())
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use api::sartiq::delivery::v1::ErrorReason;

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
