//! Workflows: the states they go through, and how urgent they are.

/// How far a workflow is. The numbers are those of the contract.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(i16)]
pub(crate) enum State {
    /// Accepted; no task has started.
    Pending = 1,
    /// At least one task has started.
    Running = 2,
    /// Every task that is not optional completed.
    Completed = 3,
    /// A task that is not optional failed.
    Failed = 4,
    /// Cancelled.
    Cancelled = 5,
}

impl State {
    /// Returns the number of the contract.
    pub(crate) fn number(self) -> i16 {
        self as i16
    }

    /// Returns the state that the contract gives `number`.
    pub(crate) fn of(number: i16) -> Self {
        match number {
            1 => Self::Pending,
            2 => Self::Running,
            3 => Self::Completed,
            4 => Self::Failed,
            5 => Self::Cancelled,
            _ => unreachable!("the database checks states"),
        }
    }

    /// Tells whether nothing more happens to the workflow.
    pub(crate) fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

/// How urgent a workflow is; the most urgent first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[repr(i16)]
pub(crate) enum Priority {
    /// Somebody waits for it.
    High = 1,
    /// As usual.
    Normal = 2,
    /// When there is room.
    Low = 3,
}

impl Priority {
    /// Returns the number of the contract.
    pub(crate) fn number(self) -> i16 {
        self as i16
    }

    /// Returns the priority that the contract gives `number`; what it does not know is normal.
    pub(crate) fn of(number: i16) -> Self {
        match number {
            1 => Self::High,
            3 => Self::Low,
            _ => Self::Normal,
        }
    }
}
