//! How runs fail, sorted by what to do next.

use std::time::Duration;

use api::sartiq::provider::v1 as pb;
pub use api::sartiq::provider::v1::failure::{Code, Retry, Scope};

/// The result of everything a vendor can refuse.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// The longest message that is passed on, in characters.
const LONGEST: usize = 500;

/// Why a run ended without an output.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What went wrong.
    pub code: Code,
    /// What to do next.
    pub retry: Retry,
    /// What else it concerns.
    pub scope: Scope,
    /// How long to wait before. `None` if the vendor does not say.
    pub retry_after: Option<Duration>,
    /// Whether the vendor may have taken the run all the same.
    pub maybe_submitted: bool,
    /// The failure as a sentence that may be shown to the user.
    pub message: String,
    /// What the vendor called it.
    pub vendor_code: String,
    /// The HTTP status that the vendor answered with. 0 if none.
    pub http_status: u16,
    /// What the vendor calls the request, for its support.
    pub vendor_request_id: String,
    /// Whether only the asking failed, so that asking again costs nothing.
    pub is_passing: bool,
}

impl Failure {
    /// Returns a failure of `code`, with what is usually to be done about it.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        let (retry, scope) = usual(code);
        let message = without_urls(&message.into());
        let message = match message.char_indices().nth(LONGEST) {
            Some((end, _)) => format!("{}…", &message[..end]),
            None => message,
        };
        Self {
            code,
            retry,
            scope,
            retry_after: None,
            maybe_submitted: false,
            message,
            vendor_code: String::new(),
            http_status: 0,
            vendor_request_id: String::new(),
            is_passing: false,
        }
    }

    /// Returns the failure that an HTTP `status` means where the vendor says no more.
    pub fn of_status(status: u16, message: impl Into<String>) -> Self {
        let code = match status {
            401 => Code::Authentication,
            402 => Code::Billing,
            403 => Code::Permission,
            404 => Code::NotFound,
            408 | 504 => Code::Timeout,
            410 => Code::ResultExpired,
            413 => Code::InputTooLarge,
            429 => Code::RateLimited,
            499 => Code::Cancelled,
            503 | 529 => Code::Overloaded,
            400..500 => Code::InvalidInput,
            500..600 => Code::Upstream,
            _ => Code::Protocol,
        };
        Self { http_status: status, ..Self::new(code, message) }
    }

    /// Says that the answer is outside the documented shape.
    pub fn protocol(message: impl Into<String>) -> Self {
        Self::new(Code::Protocol, message)
    }

    /// Adds what the vendor called it.
    pub fn called(self, vendor_code: impl Into<String>) -> Self {
        Self { vendor_code: vendor_code.into(), ..self }
    }

    /// Adds that the vendor may have taken the run all the same, which alone may be tried again.
    pub fn in_doubt(self) -> Self {
        Self { maybe_submitted: true, retry: Retry::SameRequest, ..self }
    }

    /// Adds that only the asking failed.
    pub fn passing(self) -> Self {
        Self { is_passing: true, ..self }
    }
}

/// Leaves out URLs: some are signed, and whoever reads a message could follow them.
fn without_urls(message: &str) -> String {
    let is_url = |it: &str| it.contains("://") || it.contains("data:");
    if !is_url(message) {
        return message.to_owned();
    }
    let words = message.split(' ').map(|it| if is_url(it) { "(a URL)" } else { it });
    words.collect::<Vec<_>>().join(" ")
}

/// Says what is usually to be done about a failure, and what else it concerns.
fn usual(code: Code) -> (Retry, Scope) {
    match code {
        Code::InvalidInput
        | Code::InputUnreadable
        | Code::InputTooLarge
        | Code::ContentPolicyInput
        | Code::ContentPolicyOutput => (Retry::ChangedInput, Scope::Request),
        Code::Authentication | Code::Permission | Code::Billing => {
            (Retry::AfterOperator, Scope::Account)
        }
        Code::RateLimited => (Retry::SameRequest, Scope::Account),
        Code::Overloaded => (Retry::SameRequest, Scope::Provider),
        Code::Upstream | Code::Timeout | Code::Protocol => (Retry::SameRequest, Scope::Model),
        Code::NoOutput | Code::Storage => (Retry::SameRequest, Scope::Request),
        Code::Unsupported | Code::NotFound => (Retry::Never, Scope::Model),
        Code::ResultExpired | Code::Cancelled | Code::Internal | Code::Unspecified => {
            (Retry::Never, Scope::Request)
        }
    }
}

impl From<Failure> for pb::Failure {
    fn from(failure: Failure) -> Self {
        Self {
            code: failure.code.into(),
            retry: failure.retry.into(),
            retry_after: failure.retry_after.and_then(|it| it.try_into().ok()),
            scope: failure.scope.into(),
            maybe_submitted: failure.maybe_submitted,
            message: failure.message,
            vendor_code: failure.vendor_code,
            http_status: failure.http_status.into(),
            vendor_request_id: failure.vendor_request_id,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_sorted_by_what_to_do() {
        let sorted = |status| {
            let failure = Failure::of_status(status, "no");
            (failure.code, failure.retry)
        };
        assert_eq!(sorted(401), (Code::Authentication, Retry::AfterOperator));
        assert_eq!(sorted(422), (Code::InvalidInput, Retry::ChangedInput));
        assert_eq!(sorted(429), (Code::RateLimited, Retry::SameRequest));
        assert_eq!(sorted(503), (Code::Overloaded, Retry::SameRequest));
        assert_eq!(sorted(500), (Code::Upstream, Retry::SameRequest));
        assert_eq!(sorted(302), (Code::Protocol, Retry::SameRequest));
    }

    #[test]
    fn messages_hold_no_urls() {
        let failure = Failure::protocol("cannot read https://acme/f?signature=1 today");
        assert_eq!(failure.message, "cannot read (a URL) today");
    }

    #[test]
    fn long_messages_are_cut_between_characters() {
        let failure = Failure::protocol("ä".repeat(LONGEST + 1));
        assert_eq!(failure.message.chars().count(), LONGEST + 1);
        assert!(failure.message.ends_with('…'));
    }
}
