//! How often somebody may try: so many times in a window that the first try opens.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::secret;
use crate::user::Email;

/// How long a window stays open.
pub(crate) const WINDOW: Duration = Duration::from_secs(60);

/// How many subjects are remembered at most; beyond that the oldest windows are forgotten.
const MOST: usize = 50_000;

/// Whose tries are counted.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    /// The key to count under. Holds no address, so that it may be stored and logged.
    pub(crate) key: String,
    /// How many tries a window admits.
    pub(crate) limit: u32,
}

impl Subject {
    /// Tries to sign in with one address.
    pub(crate) fn email(email: &Email) -> Self {
        Self::new("email", email.as_str(), 10)
    }

    /// Tries from one place on the network; many people may share it.
    pub(crate) fn source(source: &str) -> Self {
        Self::new("source", source, 100)
    }

    fn new(kind: &str, subject: &str, limit: u32) -> Self {
        let hash = hex::encode(&secret::hash(subject.as_bytes())[..16]);
        Self { key: format!("{kind}:{hash}"), limit }
    }

    /// Refuses the try if it is one of too many.
    pub(crate) fn admit(&self, tries: Tries) -> Result<()> {
        if self.limit < tries.count {
            return Err(Error::TooManyAttempts(tries.left));
        }
        Ok(())
    }
}

/// How often somebody has tried in the open window, this time included.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Tries {
    pub(crate) count: u32,
    /// How long the window stays open.
    pub(crate) left: Duration,
}

/// The windows of this process. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Windows(Arc<Mutex<HashMap<String, (Instant, u32)>>>);

impl Windows {
    /// Counts a try of `subject` at `now`.
    pub(crate) fn count(&self, subject: &Subject, now: Instant) -> Tries {
        let mut windows = self.0.lock().expect("no holder panics");
        if MOST <= windows.len() && !windows.contains_key(&subject.key) {
            make_room(&mut windows, now);
        }
        let window = windows.entry(subject.key.clone()).or_insert((now, 0));
        if WINDOW <= now.saturating_duration_since(window.0) {
            *window = (now, 0);
        }
        window.1 = window.1.saturating_add(1);
        let left = WINDOW.saturating_sub(now.saturating_duration_since(window.0));
        Tries { count: window.1, left }
    }
}

fn make_room(windows: &mut HashMap<String, (Instant, u32)>, now: Instant) {
    windows.retain(|_, (opened, _)| now.saturating_duration_since(*opened) < WINDOW);
    if windows.len() < MOST {
        return;
    }
    // All at once, so that a flood pays for this once in a while and not every time.
    let mut opened: Vec<_> = windows.values().map(|(opened, _)| *opened).collect();
    opened.sort_unstable();
    let median = opened[opened.len() / 2];
    windows.retain(|_, (opened, _)| median < *opened);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eleventh_try_within_a_minute_is_refused() {
        let (windows, now) = (Windows::default(), Instant::now());
        let ana = Subject::email(&Email::normalized("ana@a.example"));
        for _ in 0..10 {
            assert!(ana.admit(windows.count(&ana, now)).is_ok());
        }
        let late = now + Duration::from_secs(59);
        let refused = ana.admit(windows.count(&ana, late));
        let Err(Error::TooManyAttempts(left)) = refused else { panic!("{refused:?}") };
        assert_eq!(left, Duration::from_secs(1));
        let bob = Subject::email(&Email::normalized("bob@b.example"));
        assert!(bob.admit(windows.count(&bob, late)).is_ok());
        assert!(ana.admit(windows.count(&ana, now + WINDOW)).is_ok());
    }

    #[test]
    fn a_flood_of_addresses_does_not_grow_without_end() {
        let (windows, now) = (Windows::default(), Instant::now());
        for index in 0..MOST + 10 {
            let subject = Subject { key: index.to_string(), limit: 10 };
            let later = now + Duration::from_micros(u64::try_from(index).unwrap_or_default());
            windows.count(&subject, later);
        }
        assert!(windows.0.lock().expect("no holder panics").len() <= MOST);
    }
}
