//! Why a token is refused.

use std::time::Duration;

use crate::{Code, Fault};

/// Why a token is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("no token")]
    Missing,
    #[error("the token has expired")]
    Expired,
    // What is wrong with it is for the log; a forger learns nothing.
    #[error("the token is not valid")]
    Invalid(&'static str),
    #[error("the session was revoked")]
    Revoked,
    #[error("the keys that tokens are verified with are not known yet")]
    KeysUnknown,
}

impl Fault for Refusal {
    fn code(&self) -> Code {
        match self {
            // Nobody should be signed out because identity is starting.
            Self::KeysUnknown => Code::Unavailable,
            _ => Code::Unauthenticated,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Missing => "TOKEN_MISSING",
            Self::Expired => "TOKEN_EXPIRED",
            Self::Invalid(_) => "TOKEN_INVALID",
            Self::Revoked => "SESSION_REVOKED",
            Self::KeysUnknown => "KEYS_UNKNOWN",
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        (*self == Self::KeysUnknown).then_some(Duration::from_millis(500))
    }
}
