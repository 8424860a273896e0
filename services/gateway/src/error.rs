//! What can go wrong at the door.

use std::sync::LazyLock;
use std::time::Duration;

use http::HeaderValue;
use server::{Code, Fault};
use tonic::Status;

/// The content type of an answer over gRPC-Web.
pub(crate) static GRPC_WEB: LazyLock<HeaderValue> =
    LazyLock::new(|| HeaderValue::from_static("application/grpc-web+proto"));

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("too many calls; try again in a moment")]
    RateLimited { wait: Duration },
    #[error("pages of this origin may not call")]
    OriginRefused,
    #[error("the cursor is older than what is remembered; read afresh and subscribe without one")]
    CursorExpired,
    #[error("`cursor` is not one that was given out")]
    CursorMalformed,
    #[error("events cannot be followed at the moment")]
    EventsUnavailable(#[source] events::Error),
    #[error("the events came faster than they were read; go on from the last cursor")]
    SlowConsumer,
}

impl Fault for Error {
    fn code(&self) -> Code {
        match self {
            Self::RateLimited { .. } | Self::SlowConsumer => Code::ResourceExhausted,
            Self::OriginRefused => Code::PermissionDenied,
            Self::CursorExpired => Code::OutOfRange,
            Self::CursorMalformed => Code::InvalidArgument,
            Self::EventsUnavailable(_) => Code::Unavailable,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::RateLimited { .. } => "RATE_LIMITED",
            Self::OriginRefused => "ORIGIN_REFUSED",
            Self::CursorExpired => "CURSOR_EXPIRED",
            Self::CursorMalformed => "FIELD_INVALID",
            Self::EventsUnavailable(_) => "EVENTS_UNAVAILABLE",
            Self::SlowConsumer => "SLOW_CONSUMER",
        }
    }

    fn fields(&self) -> Vec<(String, String)> {
        match self {
            Self::CursorMalformed => vec![("cursor".to_owned(), self.to_string())],
            _ => Vec::new(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { wait } => Some(*wait),
            Self::EventsUnavailable(_) => Some(Duration::from_secs(1)),
            _ => None,
        }
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        server::status(&error)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use api::sartiq::event::v1::ErrorReason;

    use super::*;

    /// One of each that has a reason of its own.
    fn every() -> Vec<Error> {
        vec![
            Error::RateLimited { wait: Duration::ZERO },
            Error::OriginRefused,
            Error::CursorExpired,
            Error::CursorMalformed,
            Error::EventsUnavailable(events::Error::Empty),
            Error::SlowConsumer,
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
