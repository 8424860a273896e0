//! What can go wrong with shootings.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use pg::PageTokenError;
use pg::replay;
use server::{Code, Fault};
use tonic::Status;
use types::id::{DecisionId, ParseIdError, PredictionId, ShotId};
use types::{EtagMismatch, Findings};
use uuid::Uuid;

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// What may be missing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Noun {
    Shooting,
    Look,
    Shot,
    Prediction,
    Decision,
}

impl fmt::Display for Noun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Shooting => "shooting",
            Self::Look => "look",
            Self::Shot => "shot",
            Self::Prediction => "prediction",
            Self::Decision => "decision",
        })
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{} {} does not exist", .0, list(.1))]
    NotFound(Noun, Vec<Uuid>),
    #[error(transparent)]
    EtagMismatch(#[from] EtagMismatch),
    #[error("the {noun} is {state}; from there it can only become {}", allowed.join(" or "))]
    StateConflict { noun: Noun, state: &'static str, allowed: &'static [&'static str] },
    #[error("something was generated for shot {0}")]
    ShotInUse(ShotId),
    #[error("a generation of the shooting is running")]
    GenerationRunning,
    #[error("prediction {0} is not ready")]
    PredictionNotReady(PredictionId),
    #[error("prediction {0} was decided about that way already")]
    PredictionDecided(PredictionId),
    #[error("no decision about shot {0} stands")]
    NothingToUndo(ShotId),
    #[error("decision {0} was undone already")]
    DecisionUndone(DecisionId),
    #[error("a later decision about shot {0} stands")]
    DecisionNotLatest(ShotId),
    #[error("the revision has started; cancel its generation instead")]
    RevisionStarted,
    #[error("another person decided that; owners and admins may undo it")]
    DecisionOfAnother,
    #[error(transparent)]
    Fields(#[from] Findings),
    #[error("{0}")]
    PageToken(#[from] PageTokenError),
    #[error(transparent)]
    MalformedId(#[from] ParseIdError),
    #[error("the catalog cannot be asked right now")]
    CatalogUnavailable(#[source] Box<Status>),
    #[error("generation cannot be asked right now")]
    GenerationUnavailable(#[source] Box<Status>),
    #[error("another service")]
    Mesh(#[source] Box<Status>),
    #[error(transparent)]
    Replay(#[from] replay::Error),
    #[error("the call was refused")]
    Refused(#[source] Box<Status>),
    #[error("store")]
    Store(#[from] sqlx::Error),
}

impl Error {
    /// Says what a failed call to the catalog means for the caller.
    pub(crate) fn of_catalog(status: Status) -> Self {
        match is_passing(&status) {
            true => Self::CatalogUnavailable(Box::new(status)),
            false => Self::Mesh(Box::new(status)),
        }
    }

    /// Says what a failed call to generation means for the caller.
    pub(crate) fn of_generation(status: Status) -> Self {
        match is_passing(&status) {
            true => Self::GenerationUnavailable(Box::new(status)),
            false => Self::Mesh(Box::new(status)),
        }
    }

    /// One of each, for the test that compares reasons with the contract.
    #[cfg(test)]
    fn every() -> Vec<Self> {
        let noun = |it| Self::NotFound(it, Vec::new());
        let away = || Box::new(Status::unavailable(""));
        vec![
            noun(Noun::Shooting),
            noun(Noun::Look),
            noun(Noun::Shot),
            noun(Noun::Prediction),
            noun(Noun::Decision),
            Self::EtagMismatch(EtagMismatch(types::Version(1))),
            Self::StateConflict { noun: Noun::Shot, state: "", allowed: &[] },
            Self::ShotInUse(ShotId::generate()),
            Self::GenerationRunning,
            Self::PredictionNotReady(PredictionId::generate()),
            Self::PredictionDecided(PredictionId::generate()),
            Self::NothingToUndo(ShotId::generate()),
            Self::DecisionUndone(DecisionId::generate()),
            Self::DecisionNotLatest(ShotId::generate()),
            Self::RevisionStarted,
            Self::DecisionOfAnother,
            Self::Fields(Findings::default()),
            Self::PageToken(PageTokenError::Malformed),
            Self::CatalogUnavailable(away()),
            Self::GenerationUnavailable(away()),
            Self::Replay(replay::Error::RequestIdReused(Uuid::nil())),
            Self::Store(sqlx::Error::PoolTimedOut),
            Self::Store(sqlx::Error::RowNotFound),
        ]
    }
}

/// Tells whether the same call may succeed later.
pub(crate) fn is_passing(status: &Status) -> bool {
    use tonic::Code;
    matches!(
        status.code(),
        Code::Unavailable
            | Code::DeadlineExceeded
            | Code::ResourceExhausted
            | Code::Cancelled
            | Code::Aborted
            | Code::Unauthenticated
            | Code::Internal
            | Code::Unknown
    )
}

impl Fault for Error {
    fn code(&self) -> Code {
        match self {
            Self::NotFound(..) => Code::NotFound,
            Self::EtagMismatch(_) => Code::Aborted,
            Self::StateConflict { .. }
            | Self::ShotInUse(_)
            | Self::GenerationRunning
            | Self::PredictionNotReady(_)
            | Self::PredictionDecided(_)
            | Self::NothingToUndo(_)
            | Self::DecisionUndone(_)
            | Self::DecisionNotLatest(_)
            | Self::RevisionStarted => Code::FailedPrecondition,
            Self::DecisionOfAnother => Code::PermissionDenied,
            Self::Fields(_) | Self::PageToken(_) | Self::MalformedId(_) => Code::InvalidArgument,
            Self::CatalogUnavailable(_) | Self::GenerationUnavailable(_) => Code::Unavailable,
            Self::Replay(error) => error.code(),
            Self::Store(error) if pg::is_transient(error) => Code::Unavailable,
            Self::Mesh(_) | Self::Refused(_) | Self::Store(_) => Code::Internal,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::NotFound(Noun::Shooting, _) => "SHOOTING_NOT_FOUND",
            Self::NotFound(Noun::Look, _) => "LOOK_NOT_FOUND",
            Self::NotFound(Noun::Shot, _) => "SHOT_NOT_FOUND",
            Self::NotFound(Noun::Prediction, _) => "PREDICTION_NOT_FOUND",
            Self::NotFound(Noun::Decision, _) => "DECISION_NOT_FOUND",
            Self::EtagMismatch(_) => "ETAG_MISMATCH",
            Self::StateConflict { .. } => "STATE_CONFLICT",
            Self::ShotInUse(_) => "SHOT_IN_USE",
            Self::GenerationRunning => "GENERATION_RUNNING",
            Self::PredictionNotReady(_) => "PREDICTION_NOT_READY",
            Self::PredictionDecided(_) => "PREDICTION_DECIDED",
            Self::NothingToUndo(_) => "NOTHING_TO_UNDO",
            Self::DecisionUndone(_) => "DECISION_UNDONE",
            Self::DecisionNotLatest(_) => "DECISION_NOT_LATEST",
            Self::RevisionStarted => "REVISION_STARTED",
            Self::DecisionOfAnother => "DECISION_OF_ANOTHER",
            Self::Fields(_) | Self::MalformedId(_) => "FIELD_INVALID",
            Self::PageToken(_) => "PAGE_TOKEN_INVALID",
            Self::CatalogUnavailable(_) => "CATALOG_UNAVAILABLE",
            Self::GenerationUnavailable(_) => "GENERATION_UNAVAILABLE",
            Self::Replay(error) => error.reason(),
            Self::Store(error) if pg::is_transient(error) => "STORE_UNAVAILABLE",
            Self::Mesh(_) | Self::Refused(_) | Self::Store(_) => "INTERNAL",
        }
    }

    fn metadata(&self) -> HashMap<String, String> {
        let pairs = match self {
            Self::NotFound(_, ids) => vec![("ids", list(ids))],
            Self::EtagMismatch(EtagMismatch(version)) => vec![("etag", version.etag())],
            Self::StateConflict { state, allowed, .. } => {
                vec![("state", (*state).to_owned()), ("allowed", allowed.join(","))]
            }
            Self::ShotInUse(id) | Self::DecisionNotLatest(id) => vec![("shot_id", id.to_string())],
            Self::Replay(error) => return error.metadata(),
            _ => Vec::new(),
        };
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn fields(&self) -> Vec<(String, String)> {
        match self {
            Self::Fields(findings) => findings.fields().to_vec(),
            Self::Replay(error) => error.fields(),
            Self::PageToken(_) => vec![("page_token".to_owned(), self.to_string())],
            _ => Vec::new(),
        }
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

    use api::sartiq::shooting::v1::ErrorReason;

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
