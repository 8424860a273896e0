//! What can go wrong in generation.

use std::collections::HashMap;
use std::time::Duration;

use pg::{PageTokenError, replay};
use server::{Code, Fault};
use tonic::Status;
use types::id::{GenerationId, ParseIdError, PredictionId, ShotId};

use crate::generation::State;
use crate::prediction;

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("generation {0} does not exist")]
    GenerationNotFound(GenerationId),
    #[error("prediction {0} does not exist")]
    PredictionNotFound(PredictionId),
    /// The metadata names them: a hundred ids are too long for a sentence.
    #[error("{} of the predictions do not exist", .0.len())]
    PredictionsNotFound(Vec<PredictionId>),
    #[error("the product of shot {0} has no front photo to make pictures from")]
    ProductWithoutPhoto(ShotId),
    #[error("the generation is {}; it cannot be cancelled any more", .0.as_str())]
    StateConflict(State),
    #[error("the prediction is {}; it cannot be cancelled any more", .0.as_str())]
    PredictionFinal(prediction::State),
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
    #[error("what another service sent is no message")]
    Undecodable(#[from] prost::DecodeError),
    #[error("store")]
    Store(#[from] sqlx::Error),
}

#[cfg(test)]
impl Error {
    /// One of each that has a reason of its own, for the test that compares them with the contract.
    fn every() -> Vec<Self> {
        use uuid::Uuid;
        vec![
            Self::GenerationNotFound(GenerationId::generate()),
            Self::PredictionNotFound(PredictionId::generate()),
            Self::PredictionsNotFound(Vec::new()),
            Self::ProductWithoutPhoto(ShotId::generate()),
            Self::StateConflict(State::Completed),
            Self::PredictionFinal(prediction::State::Ready),
            Self::Fields(Vec::new()),
            Self::PageToken(PageTokenError::Malformed),
            Self::Replay(replay::Error::RequestIdReused(Uuid::nil())),
            Self::Store(sqlx::Error::PoolTimedOut),
            Self::Corrupt(String::new()),
        ]
    }
}

impl Fault for Error {
    fn code(&self) -> Code {
        match self {
            Self::GenerationNotFound(_)
            | Self::PredictionNotFound(_)
            | Self::PredictionsNotFound(_) => Code::NotFound,
            Self::ProductWithoutPhoto(_) | Self::StateConflict(_) | Self::PredictionFinal(_) => {
                Code::FailedPrecondition
            }
            Self::Fields(_) | Self::PageToken(_) | Self::MalformedId(_) => Code::InvalidArgument,
            Self::Replay(error) => error.code(),
            Self::Store(error) if pg::is_transient(error) => Code::Unavailable,
            Self::Refused(_) | Self::Corrupt(_) | Self::Undecodable(_) | Self::Store(_) => {
                Code::Internal
            }
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::GenerationNotFound(_) => "GENERATION_NOT_FOUND",
            Self::PredictionNotFound(_) | Self::PredictionsNotFound(_) => "PREDICTION_NOT_FOUND",
            Self::ProductWithoutPhoto(_) => "PRODUCT_WITHOUT_PHOTO",
            Self::StateConflict(_) | Self::PredictionFinal(_) => "STATE_CONFLICT",
            Self::Fields(_) | Self::MalformedId(_) => "FIELD_INVALID",
            Self::PageToken(_) => "PAGE_TOKEN_INVALID",
            Self::Replay(error) => error.reason(),
            Self::Store(error) if pg::is_transient(error) => "STORE_UNAVAILABLE",
            Self::Refused(_) | Self::Corrupt(_) | Self::Undecodable(_) | Self::Store(_) => {
                "INTERNAL"
            }
        }
    }

    fn metadata(&self) -> HashMap<String, String> {
        let (name, value) = match self {
            Self::GenerationNotFound(id) => ("generation_id", id.to_string()),
            Self::PredictionNotFound(id) => ("prediction_id", id.to_string()),
            Self::PredictionsNotFound(ids) => {
                let ids: Vec<_> = ids.iter().map(PredictionId::to_string).collect();
                ("ids", ids.join(","))
            }
            Self::ProductWithoutPhoto(id) => ("shot_id", id.to_string()),
            Self::StateConflict(state) => ("state", state.as_str().to_owned()),
            Self::PredictionFinal(state) => ("state", state.as_str().to_owned()),
            Self::Replay(error) => return error.metadata(),
            _ => return HashMap::new(),
        };
        HashMap::from([(name.to_owned(), value)])
    }

    fn fields(&self) -> Vec<(String, String)> {
        match self {
            Self::Fields(fields) => fields.clone(),
            Self::Replay(error) => error.fields(),
            Self::PageToken(error) => vec![("page_token".to_owned(), error.to_string())],
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

impl From<jobs::Error> for Error {
    fn from(error: jobs::Error) -> Self {
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

    use api::sartiq::generation::v1::ErrorReason;

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
