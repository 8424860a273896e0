//! How runs end, and what that means.

use std::time::Duration;

use api::sartiq::provider::v1 as pb;
use api::sartiq::provider::v1::failure::{Code, Retry, Scope};
use tonic_types::StatusExt;

use crate::retry::{self, Kind, Reach};

/// How a run ended, as its runner saw it.
#[derive(Clone, Debug)]
pub(super) enum Outcome {
    /// Its outputs are in the workspace.
    Completed(pb::RunCompleted),
    /// The provider said no.
    Failed(pb::Failure),
    /// Nothing was sent.
    Unsent(pb::Failure),
    /// Nobody knows whether the provider took the run.
    Doubt(pb::Failure, Cause),
    /// The provider took it and did not end in time.
    Overdue(pb::Failure),
}

/// Why nobody knows whether a provider took a run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Cause {
    /// The adapter did not say so, or not in time.
    Adapter,
    /// The connection to it was lost, with all runs that were on it.
    Connection,
    /// The engine stopped.
    Engine,
}

impl Outcome {
    /// Returns what it is called.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Completed(_) => "completed",
            Self::Failed(_) => "failed",
            Self::Unsent(_) => "unsent",
            Self::Doubt(..) => "doubt",
            Self::Overdue(_) => "overdue",
        }
    }
}

/// Judges a status that came before the provider was known to have taken the run.
pub(super) fn before_accepted(status: &tonic::Status) -> Outcome {
    let reason = status.get_details_error_info().map(|it| it.reason).unwrap_or_default();
    let failure = |code, retry, scope| pb::Failure {
        retry_after: status
            .get_details_retry_info()
            .and_then(|it| it.retry_delay)
            .and_then(|it| it.try_into().ok()),
        ..failure(code, retry, scope, status.message())
    };
    match status.code() {
        // The connection broke under the call: the adapter may have gone on.
        tonic::Code::Unavailable if reason == "CONNECTION_LOST" => {
            let failure = failure(Code::Upstream, Retry::SameRequest, Scope::Request);
            Outcome::Doubt(failure, Cause::Connection)
        }
        // The adapter said so itself, or was never reached.
        tonic::Code::Unavailable | tonic::Code::ResourceExhausted => {
            Outcome::Unsent(failure(Code::Overloaded, Retry::SameRequest, Scope::Provider))
        }
        // The adapter does not believe that it is us: an operator's mistake, and none of the task.
        tonic::Code::Unauthenticated | tonic::Code::PermissionDenied => {
            Outcome::Unsent(failure(Code::Permission, Retry::AfterOperator, Scope::Provider))
        }
        tonic::Code::InvalidArgument => {
            Outcome::Failed(failure(Code::InvalidInput, Retry::ChangedInput, Scope::Request))
        }
        tonic::Code::Unimplemented | tonic::Code::NotFound => {
            Outcome::Failed(failure(Code::Unsupported, Retry::Never, Scope::Model))
        }
        _ => {
            let failure = failure(Code::Upstream, Retry::SameRequest, Scope::Request);
            Outcome::Doubt(failure, Cause::Adapter)
        }
    }
}

/// Judges a status that came instead of following a run that was accepted. Nothing means that it
/// is worth trying again.
pub(super) fn while_following(status: &tonic::Status) -> Option<Outcome> {
    match status.code() {
        // The adapter cannot read its own token: it never will.
        tonic::Code::InvalidArgument | tonic::Code::Unimplemented | tonic::Code::NotFound => {
            let message = status.message();
            Some(Outcome::Failed(failure(Code::NotFound, Retry::Never, Scope::Request, message)))
        }
        _ => None,
    }
}

/// Returns a failure.
pub(crate) fn failure(
    code: Code,
    retry: Retry,
    scope: Scope,
    message: impl Into<String>,
) -> pb::Failure {
    pb::Failure {
        code: code.into(),
        retry: retry.into(),
        scope: scope.into(),
        message: message.into(),
        ..pb::Failure::default()
    }
}

/// Returns what matters of a provider's failure for what follows. `is_accepted` says that the
/// provider is known to have taken the run, which leaves no doubt.
pub(super) fn judged(failure: &pb::Failure, is_accepted: bool) -> retry::Failure {
    let never = failure.retry() == Retry::Never;
    let kind = match failure.code() {
        Code::RateLimited | Code::Overloaded => Kind::Throttled,
        Code::Authentication | Code::Permission | Code::Billing => Kind::Locked,
        Code::InvalidInput
        | Code::InputUnreadable
        | Code::InputTooLarge
        | Code::ContentPolicyInput
        | Code::ContentPolicyOutput => Kind::Refused,
        Code::Unsupported | Code::NotFound => Kind::Unable,
        Code::Upstream | Code::Timeout | Code::Protocol if never => Kind::Unable,
        Code::Upstream | Code::Timeout | Code::Protocol => Kind::Broken,
        Code::NoOutput | Code::Storage if !never => Kind::Broken,
        _ => match failure.retry() {
            Retry::SameRequest => Kind::Broken,
            Retry::ChangedInput => Kind::Refused,
            Retry::AfterOperator => Kind::Locked,
            Retry::Never | Retry::Unspecified => Kind::Hopeless,
        },
    };
    let reach = match failure.scope() {
        Scope::Unspecified | Scope::Request => Reach::Request,
        Scope::Model => Reach::Model,
        Scope::Account | Scope::Provider => Reach::Provider,
    };
    let retry_after = failure.retry_after.and_then(|it| Duration::try_from(it).ok());
    let is_doubtful = failure.maybe_submitted && !is_accepted;
    retry::Failure { kind, reach, retry_after, is_doubtful }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_connection_that_broke_under_the_call_leaves_doubt() {
        let lost = tonic_types::ErrorDetails::with_error_info(
            "CONNECTION_LOST",
            "sartiq",
            std::collections::HashMap::new(),
        );
        let lost = tonic::Status::with_error_details(tonic::Code::Unavailable, "lost", lost);
        assert!(matches!(before_accepted(&lost), Outcome::Doubt(_, Cause::Connection)));
        assert!(matches!(before_accepted(&tonic::Status::unavailable("")), Outcome::Unsent(_)));
        let full = tonic::Status::resource_exhausted("");
        assert!(matches!(before_accepted(&full), Outcome::Unsent(_)));
        let wrong = tonic::Status::invalid_argument("");
        assert!(matches!(before_accepted(&wrong), Outcome::Failed(_)));
        let broken = tonic::Status::internal("");
        assert!(matches!(before_accepted(&broken), Outcome::Doubt(_, Cause::Adapter)));
    }

    #[test]
    fn an_accepted_run_is_resumed_unless_the_adapter_never_will() {
        assert!(while_following(&tonic::Status::unavailable("")).is_none());
        assert!(while_following(&tonic::Status::internal("")).is_none());
        assert!(while_following(&tonic::Status::invalid_argument("")).is_some());
    }

    #[test]
    fn every_code_has_its_kind() {
        let kind = |code, retry| judged(&failure(code, retry, Scope::Model, ""), false).kind;
        assert_eq!(kind(Code::RateLimited, Retry::SameRequest), Kind::Throttled);
        assert_eq!(kind(Code::Billing, Retry::AfterOperator), Kind::Locked);
        assert_eq!(kind(Code::ContentPolicyOutput, Retry::ChangedInput), Kind::Refused);
        assert_eq!(kind(Code::NotFound, Retry::Never), Kind::Unable);
        assert_eq!(kind(Code::Upstream, Retry::SameRequest), Kind::Broken);
        assert_eq!(kind(Code::Upstream, Retry::Never), Kind::Unable);
        assert_eq!(kind(Code::NoOutput, Retry::SameRequest), Kind::Broken);
        assert_eq!(kind(Code::Internal, Retry::Never), Kind::Hopeless);
        assert_eq!(kind(Code::Cancelled, Retry::Never), Kind::Hopeless);
    }
}
