//! How many passed and how many failed, whoever counted.

use crate::console::say;

/// A sum.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl Tally {
    pub(crate) fn one(is_passed: bool) -> Self {
        Self { passed: u64::from(is_passed), failed: u64::from(!is_passed) }
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }

    /// Adds one check and prints it.
    pub(crate) fn check(&mut self, name: &str, is_passed: bool) {
        say(&format!("{} {name}", if is_passed { "ok  " } else { "FAIL" }));
        self.add(Self::one(is_passed));
    }

    /// Reads the counts that a test program printed: `12 passed`, `3 failed`, and nextest's.
    pub(crate) fn read(line: &str) -> Option<Self> {
        let words: Vec<&str> = line
            .split([' ', ',', ';', ':', '\t', '(', ')', '.'])
            .filter(|it| !it.is_empty())
            .collect();
        let before = |word: &str| {
            let idx = words.iter().position(|it| *it == word)?;
            words.get(idx.checked_sub(1)?)?.parse::<u64>().ok()
        };
        let counts = [before("passed"), before("failed"), before("timed")];
        if counts.iter().all(Option::is_none) {
            return None;
        }
        let [passed, failed, timed_out] = counts.map(Option::unwrap_or_default);
        Some(Self { passed, failed: failed + timed_out })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_as_they_are_printed() {
        let nextest = "     Summary [  10.1s] 345 tests run: 340 passed (2 slow), 4 failed, 1 timed out, 2 skipped";
        assert_eq!(Tally::read(nextest), Some(Tally { passed: 340, failed: 5 }));
        let cargo =
            "test result: FAILED. 7 passed; 2 failed; 0 ignored; 0 measured; 1 filtered out";
        assert_eq!(Tally::read(cargo), Some(Tally { passed: 7, failed: 2 }));
        assert_eq!(Tally::read("18 passed, 0 failed"), Some(Tally { passed: 18, failed: 0 }));
        assert_eq!(Tally::read("what passed is past"), None);
    }
}
