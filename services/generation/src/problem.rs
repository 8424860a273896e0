//! Why a generation or a prediction failed, as its user is told.

/// A failure, sorted by whether starting again may help.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Problem {
    /// A word that programs may compare.
    pub(crate) reason: String,
    pub(crate) message: String,
    pub(crate) is_retryable: bool,
}

impl Problem {
    /// Reads the code of a failure, such as `CODE_CONTENT_POLICY_INPUT`, as compute tells it.
    pub(crate) fn of_task(code: &str, message: &str) -> Self {
        let reason = code.strip_prefix("CODE_").unwrap_or(code);
        let is_final = matches!(
            reason,
            "INVALID_INPUT"
                | "UNSUPPORTED"
                | "INPUT_UNREADABLE"
                | "INPUT_TOO_LARGE"
                | "CONTENT_POLICY_INPUT"
        );
        let reason = if reason.is_empty() { "SKIPPED" } else { reason };
        let message = if message.is_empty() { "what it depends on was not made" } else { message };
        Self { reason: reason.to_owned(), message: message.to_owned(), is_retryable: !is_final }
    }

    /// A graph that compute could not be handed, however often.
    pub(crate) fn of_submission() -> Self {
        let message = "it could not be handed to compute".to_owned();
        Self { reason: "NOT_SUBMITTED".to_owned(), message, is_retryable: true }
    }

    /// A result that could not be taken over.
    pub(crate) fn of_result(message: &str) -> Self {
        Self { reason: "RESULT_LOST".to_owned(), message: message.to_owned(), is_retryable: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_user_has_to_change_is_not_retryable() {
        assert!(!Problem::of_task("CODE_CONTENT_POLICY_INPUT", "no").is_retryable);
        assert!(Problem::of_task("CODE_UPSTREAM", "broke").is_retryable);
        assert_eq!(Problem::of_task("", "").reason, "SKIPPED");
    }
}
