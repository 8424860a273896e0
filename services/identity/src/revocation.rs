//! The sessions that were revoked while tokens of theirs may still be alive.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use time::{Duration, OffsetDateTime};
use types::id::SessionId;

/// How long a revocation matters: a little longer than the last token of the session.
pub(crate) const MEMORY: Duration = Duration::minutes(16);

/// How old the picture of what other processes revoked grows while somebody asks.
pub(crate) const AGE: Duration = Duration::seconds(1);

/// The revoked sessions, as this process knows them. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Revocations(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    revoked: HashMap<SessionId, OffsetDateTime>,
    read_at: Option<OffsetDateTime>,
}

impl Revocations {
    /// Knows at once of `sessions` that this process revoked at `now`.
    pub(crate) fn add(&self, sessions: impl IntoIterator<Item = SessionId>, now: OffsetDateTime) {
        let mut state = self.0.lock().expect("no holder panics");
        state.revoked.extend(sessions.into_iter().map(|it| (it, now)));
    }

    /// Tells whether the picture is too old at `now` to answer with.
    pub(crate) fn is_stale(&self, now: OffsetDateTime) -> bool {
        let state = self.0.lock().expect("no holder panics");
        state.read_at.is_none_or(|it| it + AGE <= now)
    }

    /// Tells whether there has been any picture yet.
    pub(crate) fn is_known(&self) -> bool {
        self.0.lock().expect("no holder panics").read_at.is_some()
    }

    /// Adds what was `found` at `now`, and forgets what matters no longer.
    pub(crate) fn refresh(&self, found: Vec<(SessionId, OffsetDateTime)>, now: OffsetDateTime) {
        let mut state = self.0.lock().expect("no holder panics");
        state.revoked.extend(found);
        state.revoked.retain(|_, at| now < *at + MEMORY);
        state.read_at = Some(now);
    }

    /// Returns the sessions whose tokens must be refused.
    pub(crate) fn list(&self) -> Vec<SessionId> {
        self.0.lock().expect("no holder panics").revoked.keys().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revocations_are_known_at_once_and_forgotten_with_their_tokens() {
        let now = OffsetDateTime::UNIX_EPOCH;
        let revocations = Revocations::default();
        assert!(revocations.is_stale(now) && !revocations.is_known());
        let (own, other) = (SessionId::generate(), SessionId::generate());
        revocations.add([own], now);
        assert_eq!(revocations.list(), [own]);

        revocations.refresh(vec![(other, now - Duration::minutes(10))], now);
        assert!(!revocations.is_stale(now) && revocations.is_stale(now + AGE));
        assert_eq!(revocations.list().len(), 2);
        revocations.refresh(Vec::new(), now + Duration::minutes(7));
        assert_eq!(revocations.list(), [own]);
    }
}
