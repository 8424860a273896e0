//! How much of the traffic may be retries: a service in trouble must not be asked more often.

use std::sync::Mutex;

const FULL: f64 = 10.0;
const PER_ANSWER: f64 = 0.1;

/// Tokens that failures spend and answers earn; retries stop while half of them are gone.
#[derive(Debug)]
pub(crate) struct Budget(Mutex<f64>);

impl Default for Budget {
    fn default() -> Self {
        Self(Mutex::new(FULL))
    }
}

impl Budget {
    /// Notes an answer.
    pub(crate) fn earn(&self) {
        self.change(PER_ANSWER);
    }

    /// Notes a failure, and tells whether it may be tried again.
    pub(crate) fn spend(&self) -> bool {
        FULL / 2.0 < self.change(-1.0)
    }

    fn change(&self, by: f64) -> f64 {
        let mut tokens = self.0.lock().expect("no holder panics");
        *tokens = (*tokens + by).clamp(0.0, FULL);
        *tokens
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_stop_when_half_is_spent_and_return_with_answers() {
        let budget = Budget::default();
        assert_eq!((0..20).filter(|_| budget.spend()).count(), 4);
        (0..59).for_each(|_| budget.earn());
        assert!(!budget.spend());
        (0..20).for_each(|_| budget.earn());
        assert!(budget.spend());
    }
}
