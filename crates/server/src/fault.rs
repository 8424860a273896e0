//! Errors that cross the wire.

use std::collections::HashMap;
use std::error::Error;
use std::time::Duration;

use tonic::Status;
use tonic_types::{ErrorDetails, StatusExt};
use types::chain;

/// Whose reasons ours are, as `ErrorInfo` says it.
pub(crate) const DOMAIN: &str = "sartiq";

/// The status codes a service may answer with: deliberately fewer than gRPC has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Code {
    /// Lost a race: read again, then decide.
    Aborted,
    /// Exists: choose another name, or accept it.
    AlreadyExists,
    /// Took longer than the caller would wait.
    DeadlineExceeded,
    /// Not in this state: change the state first.
    FailedPrecondition,
    /// A bug: report it with the request id.
    Internal,
    /// Malformed: fix the request.
    InvalidArgument,
    /// Not there, or not for the caller to see.
    NotFound,
    /// Beyond what is there: start over.
    OutOfRange,
    /// Not allowed: ask the owner.
    PermissionDenied,
    /// Too much: wait, then retry.
    ResourceExhausted,
    /// Who is calling: sign in.
    Unauthenticated,
    /// Not now: retry with backoff.
    Unavailable,
}

/// An error that a service answers with.
pub trait Fault: Error + 'static {
    /// Says what the caller should do about it.
    fn code(&self) -> Code;

    /// Says why, in a word that programs may compare.
    fn reason(&self) -> &'static str;

    /// Carries the values that the message interpolates.
    fn metadata(&self) -> HashMap<String, String> {
        HashMap::new()
    }

    /// Names the fields of the request that are at fault, each with a sentence about it.
    fn fields(&self) -> Vec<(String, String)> {
        Vec::new()
    }

    /// Says when to try again.
    fn retry_after(&self) -> Option<Duration> {
        None
    }
}

/// Turns `fault` into what the caller sees, and logs what the caller must not.
pub fn status(fault: &impl Fault) -> Status {
    let message = match fault.code() {
        Code::Internal => {
            tracing::error!(reason = fault.reason(), error = %chain(fault), "request failed");
            "internal error".to_owned()
        }
        Code::Unavailable => {
            tracing::warn!(reason = fault.reason(), error = %chain(fault), "request refused");
            fault.to_string()
        }
        _ => fault.to_string(),
    };
    let mut details = ErrorDetails::with_error_info(fault.reason(), DOMAIN, fault.metadata());
    for (field, sentence) in fault.fields() {
        details.add_bad_request_violation(field, sentence);
    }
    if let Some(delay) = fault.retry_after() {
        details.set_retry_info(Some(delay));
    }
    Status::with_error_details(fault.code().into(), message, details)
}

/// Refuses with `reason`, where the refusal is the mesh's own and no service's.
pub(crate) fn refusal(code: Code, reason: &'static str, message: impl Into<String>) -> Status {
    let details = ErrorDetails::with_error_info(reason, DOMAIN, HashMap::new());
    Status::with_error_details(code.into(), message, details)
}

/// Refuses for now, and says when to come back.
pub(crate) fn refusal_for(
    delay: Duration,
    reason: &'static str,
    message: impl Into<String>,
) -> Status {
    let mut details = ErrorDetails::with_error_info(reason, DOMAIN, HashMap::new());
    details.set_retry_info(Some(delay));
    Status::with_error_details(tonic::Code::Unavailable, message, details)
}

impl From<Code> for tonic::Code {
    fn from(code: Code) -> Self {
        match code {
            Code::Aborted => Self::Aborted,
            Code::AlreadyExists => Self::AlreadyExists,
            Code::DeadlineExceeded => Self::DeadlineExceeded,
            Code::FailedPrecondition => Self::FailedPrecondition,
            Code::Internal => Self::Internal,
            Code::InvalidArgument => Self::InvalidArgument,
            Code::NotFound => Self::NotFound,
            Code::OutOfRange => Self::OutOfRange,
            Code::PermissionDenied => Self::PermissionDenied,
            Code::ResourceExhausted => Self::ResourceExhausted,
            Code::Unauthenticated => Self::Unauthenticated,
            Code::Unavailable => Self::Unavailable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("pool timed out")]
    struct Secret;

    #[derive(Debug, thiserror::Error)]
    enum Failure {
        #[error("store")]
        Store(#[source] Secret),
        #[error("the name of a product cannot be empty")]
        Name,
    }

    impl Fault for Failure {
        fn code(&self) -> Code {
            match self {
                Self::Store(_) => Code::Internal,
                Self::Name => Code::InvalidArgument,
            }
        }

        fn reason(&self) -> &'static str {
            match self {
                Self::Store(_) => "INTERNAL",
                Self::Name => "FIELD_INVALID",
            }
        }

        fn fields(&self) -> Vec<(String, String)> {
            match self {
                Self::Store(_) => Vec::new(),
                Self::Name => vec![("product.name".into(), "must not be empty".into())],
            }
        }

        fn retry_after(&self) -> Option<Duration> {
            Some(Duration::from_secs(2))
        }
    }

    #[test]
    fn internal_faults_keep_their_cause_to_themselves() {
        let status = status(&Failure::Store(Secret));
        assert_eq!(status.message(), "internal error");
        let details = status.get_error_details();
        assert_eq!(details.error_info().map(|it| it.reason.as_str()), Some("INTERNAL"));
        assert!(!String::from_utf8_lossy(status.details()).contains("pool"));
        assert_eq!(chain(&Failure::Store(Secret)), "store: pool timed out");
    }

    #[test]
    fn fields_and_waits_reach_the_caller() {
        let details = status(&Failure::Name).get_error_details();
        let violations = details.bad_request().map(|it| it.field_violations.clone());
        let [violation] = &violations.unwrap_or_default()[..] else { panic!("one violation") };
        assert_eq!(
            (&*violation.field, &*violation.description),
            ("product.name", "must not be empty")
        );
        let delay = details.retry_info().and_then(|it| it.retry_delay);
        assert_eq!(delay, Some(Duration::from_secs(2)));
        assert_eq!(details.error_info().map(|it| it.domain.as_str()), Some("sartiq"));
    }
}
