//! How long to wait after a failure or a loss, and how many losses are too many.

use std::time::Duration;

/// The first pause, doubled with every failure.
pub(crate) const FIRST: Duration = Duration::from_secs(1);

/// The longest.
pub(crate) const LONGEST: Duration = Duration::from_secs(30 * 60);

/// How many leases of a job may be lost in a row before it is what ends its process. With the pauses
/// after each, that takes more than four hours, in which nothing that happens to processes for other
/// reasons meets one job each time.
pub(crate) const MOST_LOSSES: i32 = 20;

/// The pause after `failures` failures, less up to half of it, so that what failed together does
/// not return together. `dice` is between 0 and 1.
pub(crate) fn pause(failures: u32, dice: f64) -> Duration {
    let doublings = failures.saturating_sub(1).min(20);
    let longest = FIRST.saturating_mul(1 << doublings).min(LONGEST);
    longest.mul_f64(1.0 - dice.clamp(0.0, 1.0) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_half_an_hour() {
        let seconds = |failures| pause(failures, 0.0).as_secs();
        assert_eq!([1, 2, 3, 4].map(seconds), [1, 2, 4, 8]);
        assert_eq!([11, 12, 13, 99, u32::MAX].map(seconds), [1024, 1800, 1800, 1800, 1800]);
        assert_eq!(pause(3, 1.0), Duration::from_secs(2));
    }
}
