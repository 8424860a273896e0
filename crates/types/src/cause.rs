//! Errors with all that caused them.

use std::error::Error;

/// Writes `error` with all that caused it, in one line.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let cause = error.to_string();
        // Transparent errors repeat what they wrap.
        if !text.ends_with(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    enum Failure {
        #[error("store")]
        Store(#[source] Box<Failure>),
        #[error("pool timed out")]
        Pool,
        #[error("{0}")]
        Wrapped(#[source] Box<Failure>),
    }

    #[test]
    fn a_chain_names_every_cause_once() {
        let failure = Failure::Store(Box::new(Failure::Pool));
        assert_eq!(chain(&failure), "store: pool timed out");
        let failure = Failure::Store(Box::new(Failure::Wrapped(Box::new(Failure::Pool))));
        assert_eq!(chain(&failure), "store: pool timed out");
        assert_eq!(chain(&Failure::Pool), "pool timed out");
    }
}
