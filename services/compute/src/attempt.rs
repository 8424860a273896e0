//! Attempts: the phases they go through.

use std::fmt;

use types::id::TaskId;

/// How far an attempt is. The numbers are those of the contract.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[repr(i16)]
pub(crate) enum Phase {
    /// About to be submitted.
    Prepared = 1,
    /// The provider took it, and its handle is stored.
    Submitted = 2,
    /// The provider works on it.
    Awaiting = 3,
    /// Its outputs are in the workspace.
    Stored = 4,
    /// Completed.
    Done = 5,
    /// Failed.
    Failed = 6,
    /// Cancelled.
    Cancelled = 7,
    /// The provider may have taken it and may bill.
    InDoubt = 8,
}

impl Phase {
    /// All phases, in the order of their numbers.
    pub(crate) const ALL: [Self; 8] = [
        Self::Prepared,
        Self::Submitted,
        Self::Awaiting,
        Self::Stored,
        Self::Done,
        Self::Failed,
        Self::Cancelled,
        Self::InDoubt,
    ];

    /// Returns the number of the contract.
    pub(crate) fn number(self) -> i16 {
        self as i16
    }

    /// Returns the phase that the contract gives `number`.
    pub(crate) fn of(number: i16) -> Self {
        let phase = Self::ALL.into_iter().find(|it| it.number() == number);
        phase.expect("the database checks phases")
    }

    /// Tells whether nothing more happens to the attempt.
    pub(crate) fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled | Self::InDoubt)
    }

    /// Tells whether an attempt may go from this phase to `next`.
    pub(crate) fn may_become(self, next: Self) -> bool {
        match (self, next) {
            // The handle is stored before anything else is asked of the provider.
            (Self::Prepared, Self::Submitted) => true,
            (Self::Submitted, Self::Awaiting) => true,
            // A fast provider has nothing to say in between.
            (Self::Submitted | Self::Awaiting, Self::Stored) => true,
            (Self::Stored, Self::Done) => true,
            // Without a handle nobody knows whether the provider took it; with one, it can be asked.
            (Self::Prepared, Self::InDoubt) => true,
            // Cancelled before the handle was known, which then never came.
            (Self::Cancelled, Self::InDoubt) => true,
            (_, Self::Failed | Self::Cancelled) => !self.is_final(),
            _ => false,
        }
    }

    /// Tells whether an attempt that was last heard of in this phase may end as `end`: what lies
    /// between may have happened at the provider in the meantime.
    pub(crate) fn may_end_as(self, end: Self) -> bool {
        let steps = Self::ALL.into_iter().filter(|it| self.may_become(*it) && !self.is_final());
        end.is_final() && steps.into_iter().any(|it| it == end || it.may_end_as(end))
    }

    /// Says what becomes of an attempt in this phase whose owner is gone.
    pub(crate) fn recovery(self) -> Recovery {
        match self {
            Self::Submitted | Self::Awaiting | Self::Stored => Recovery::Resume,
            Self::Prepared => Recovery::Doubt,
            Self::Done | Self::Failed | Self::Cancelled | Self::InDoubt => Recovery::Nothing,
        }
    }
}

/// What becomes of an attempt whose owner is gone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Recovery {
    /// The provider is asked how far it is. It is never submitted again.
    Resume,
    /// It may have been submitted or not: it is priced, and there will be another.
    Doubt,
    /// It has ended.
    Nothing,
}

/// Names an attempt to its provider, and its folder in the workspace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RunId {
    pub(crate) task_id: TaskId,
    pub(crate) number: i32,
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.task_id, self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leads_back_to_a_submission() {
        for phase in Phase::ALL {
            assert!(!phase.may_become(Phase::Prepared), "{phase:?}");
            let may_submit = phase.may_become(Phase::Submitted);
            assert_eq!(may_submit, phase == Phase::Prepared, "{phase:?}");
        }
    }

    #[test]
    fn only_what_has_no_handle_can_be_in_doubt() {
        for phase in Phase::ALL.into_iter().filter(|it| it.may_become(Phase::InDoubt)) {
            assert!(matches!(phase, Phase::Prepared | Phase::Cancelled), "{phase:?}");
        }
    }

    #[test]
    fn what_has_a_handle_is_resumed() {
        for phase in Phase::ALL {
            let has_handle = matches!(phase, Phase::Submitted | Phase::Awaiting | Phase::Stored);
            assert_eq!(phase.recovery() == Recovery::Resume, has_handle, "{phase:?}");
            assert_eq!(phase.recovery() == Recovery::Nothing, phase.is_final(), "{phase:?}");
        }
    }

    #[test]
    fn a_handle_leaves_no_doubt() {
        assert!(Phase::Prepared.may_end_as(Phase::InDoubt));
        for phase in [Phase::Submitted, Phase::Awaiting, Phase::Stored] {
            assert!(phase.may_end_as(Phase::Done) && phase.may_end_as(Phase::Failed));
            assert!(!Phase::Done.may_end_as(phase) && !phase.may_end_as(Phase::Prepared));
        }
    }

    #[test]
    fn final_phases_are_final() {
        for phase in Phase::ALL.into_iter().filter(|it| it.is_final()) {
            let next: Vec<_> = Phase::ALL.into_iter().filter(|it| phase.may_become(*it)).collect();
            let expected: &[Phase] =
                if phase == Phase::Cancelled { &[Phase::InDoubt] } else { &[] };
            assert_eq!(next, expected, "{phase:?}");
        }
    }
}
