//! Tasks: the states they go through.

/// How far a task is. The numbers are those of the contract.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[repr(i16)]
pub(crate) enum State {
    /// Waits for other tasks.
    Blocked = 1,
    /// Waits for a lane.
    Queued = 2,
    /// An attempt runs.
    Running = 3,
    /// Waits for its next attempt.
    RetryWait = 4,
    /// Its outputs are there.
    Completed = 5,
    /// Failed for good.
    Failed = 6,
    /// It was cancelled, or its workflow was cancelled or failed.
    Cancelled = 7,
    /// A task that it is bound to did not complete.
    Skipped = 8,
}

impl State {
    /// All states, in the order of their numbers.
    pub(crate) const ALL: [Self; 8] = [
        Self::Blocked,
        Self::Queued,
        Self::Running,
        Self::RetryWait,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
        Self::Skipped,
    ];

    /// Returns the number of the contract.
    pub(crate) fn number(self) -> i16 {
        self as i16
    }

    /// Returns the state that the contract gives `number`.
    pub(crate) fn of(number: i16) -> Self {
        let state = Self::ALL.into_iter().find(|it| it.number() == number);
        state.expect("the database checks states")
    }

    /// Tells whether nothing more happens to the task.
    pub(crate) fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled | Self::Skipped)
    }

    /// Tells whether a task may go from this state to `next`.
    pub(crate) fn may_become(self, next: Self) -> bool {
        match (self, next) {
            // The last of those before it ended, and what it needs is there.
            (Self::Blocked, Self::Queued) => true,
            // The last of those before it ended, and what it needs is not.
            (Self::Blocked, Self::Skipped) => true,
            // The work of the engine itself is done in the moment it can be.
            (Self::Blocked | Self::Queued, Self::Completed | Self::Failed) => true,
            // Claimed for a lane.
            (Self::Queued | Self::RetryWait, Self::Running) => true,
            // The lane rests, or nothing was sent: as if there had been no attempt.
            (Self::Running, Self::Queued) => true,
            // The attempt failed and there will be another.
            (Self::Running, Self::RetryWait) => true,
            (Self::Running, Self::Completed | Self::Failed) => true,
            // What it is to be filled with is not there after all.
            (Self::RetryWait, Self::Failed) => true,
            (_, Self::Cancelled) => !self.is_final(),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn final_states_are_final() {
        for state in State::ALL.into_iter().filter(|it| it.is_final()) {
            assert!(State::ALL.iter().all(|next| !state.may_become(*next)), "{state:?}");
        }
    }

    #[test]
    fn every_state_that_is_not_final_can_be_left_by_cancelling() {
        for state in State::ALL.into_iter().filter(|it| !it.is_final()) {
            assert!(state.may_become(State::Cancelled), "{state:?}");
            assert!(!state.may_become(state), "{state:?}");
        }
    }

    #[test]
    fn numbers_come_back() {
        assert!(State::ALL.into_iter().all(|it| State::of(it.number()) == it));
    }
}
