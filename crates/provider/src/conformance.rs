//! The suite that every adapter must pass, run over gRPC as its callers see it.
//!
//! An adapter brings itself and a [`Stub`]: its vendor, played locally, which can be told what to
//! do wrong. [`check`] does the rest; it panics at the first promise that is broken.

mod stage;
mod suite;
mod workspace;

pub use stage::{Followed, Stage};
pub use suite::check;
pub use workspace::Workspace;

use crate::Code;

/// A vendor that can be told what to do wrong.
pub trait Stub: Sync {
    /// Does `ailment` from now on, in place of what it did wrong before.
    fn ail(&self, ailment: Ailment) -> impl Future<Output = ()> + Send;

    /// Counts the runs that the vendor took.
    fn submissions(&self) -> impl Future<Output = usize> + Send;

    /// Counts the runs that the vendor was asked to give up.
    fn cancellations(&self) -> impl Future<Output = usize> + Send;
}

/// What a vendor can do wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ailment {
    /// Nothing.
    None,
    /// Takes a run, and its answer is lost.
    LosesAnswer,
    /// Takes runs and never ends them.
    Stalls,
    /// Is too busy once, then well.
    BusyOnce,
    /// Is too busy, and says to come back in ten minutes.
    Busy,
    /// Does not know our key.
    RefusesKey,
    /// Refuses the input for its content.
    RefusesContent,
    /// Cannot read an input.
    CannotRead,
    /// Breaks while it works.
    Breaks,
    /// Forgets a run that it took.
    Forgets,
    /// Answers questions with something that cannot be read, once, then well.
    GarbledOnce,
    /// Is in a state that is in no document, once, then well.
    OddOnce,
    /// Deletes results before they can be downloaded.
    Expires,
    /// Makes results that are no pictures.
    Mislabels,
}

impl Ailment {
    /// The failures that have one cause each, with the code they must end in.
    const SORTED: [(Self, Code); 8] = [
        (Self::Busy, Code::RateLimited),
        (Self::RefusesKey, Code::Authentication),
        (Self::RefusesContent, Code::ContentPolicyInput),
        (Self::CannotRead, Code::InputUnreadable),
        (Self::Breaks, Code::Upstream),
        (Self::Forgets, Code::NotFound),
        (Self::Expires, Code::ResultExpired),
        (Self::Mislabels, Code::Protocol),
    ];

    /// What passes without a caller's noticing.
    const PASSING: [Self; 3] = [Self::BusyOnce, Self::GarbledOnce, Self::OddOnce];
}
