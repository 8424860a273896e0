//! The sandbox through its port, as a vendor's client sees it.

mod faults;
mod more_faults;
mod pictures;
mod play;
mod queue;
mod uploads;
