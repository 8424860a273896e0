//! Why a mutation is not answered from memory.

use std::collections::HashMap;

use server::{Code, Fault};
use uuid::Uuid;

/// Why a mutation is not answered from memory.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The same name for something else.
    #[error("request id {0} was used for another request")]
    RequestIdReused(Uuid),
    /// A name that is none.
    #[error("`{0}` is not a request id")]
    MalformedId(String),
    /// An answer that is not what the method answers any more.
    #[error("stored reply")]
    Reply(#[from] prost::DecodeError),
    /// The database.
    #[error("store")]
    Store(#[from] sqlx::Error),
}

impl Fault for Error {
    fn code(&self) -> Code {
        match self {
            Self::RequestIdReused(_) => Code::AlreadyExists,
            Self::MalformedId(_) => Code::InvalidArgument,
            Self::Reply(_) => Code::Internal,
            Self::Store(error) if crate::is_transient(error) => Code::Unavailable,
            Self::Store(_) => Code::Internal,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::RequestIdReused(_) => "REQUEST_ID_REUSED",
            Self::MalformedId(_) => "FIELD_INVALID",
            Self::Reply(_) => "INTERNAL",
            Self::Store(error) if crate::is_transient(error) => "STORE_UNAVAILABLE",
            Self::Store(_) => "INTERNAL",
        }
    }

    fn metadata(&self) -> HashMap<String, String> {
        match self {
            Self::RequestIdReused(id) => HashMap::from([("used_id".to_owned(), id.to_string())]),
            _ => HashMap::new(),
        }
    }

    fn fields(&self) -> Vec<(String, String)> {
        match self {
            Self::MalformedId(_) => {
                vec![("request_id".to_owned(), "must be a UUID".to_owned())]
            }
            _ => Vec::new(),
        }
    }
}
