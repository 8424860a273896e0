//! Hashing passwords, a few at a time: each hash takes memory and a core.

use std::sync::Arc;

use secrecy::SecretString;
use tokio::sync::Semaphore;

use crate::error::{Error, Result};
use crate::password;

/// Where passwords are hashed. Clones share its limits.
#[derive(Clone, Debug)]
pub(crate) struct Hasher {
    slots: Arc<Semaphore>,
    places: Arc<Semaphore>,
    // What is compared with where no user has the address, so that it takes as long.
    decoy: Arc<SecretString>,
}

impl Hasher {
    /// Hashes `n_slots` at once and lets `n_places` more wait.
    pub(crate) async fn open(n_slots: usize, n_places: usize) -> Result<Self> {
        let slots = n_slots.max(1);
        let mut hasher = Self {
            slots: Arc::new(Semaphore::new(slots)),
            places: Arc::new(Semaphore::new(slots.saturating_add(n_places))),
            decoy: Arc::default(),
        };
        let nobody = uuid::Uuid::new_v4().to_string();
        hasher.decoy = Arc::new(hasher.hash(nobody.into()).await?);
        Ok(hasher)
    }

    /// Hashes `password` for keeping.
    pub(crate) async fn hash(&self, password: SecretString) -> Result<SecretString> {
        self.work(move || password::hash(&password)).await?.map_err(Error::Hash)
    }

    /// Tells whether `password` is the one that was hashed to `hash`.
    ///
    /// Works as hard where there is no hash; then no password is right.
    pub(crate) async fn check(
        &self,
        password: SecretString,
        hash: Option<SecretString>,
    ) -> Result<bool> {
        let is_known = hash.is_some();
        let hash = hash.unwrap_or_else(|| SecretString::clone(&self.decoy));
        Ok(self.work(move || password::is_right(&password, &hash)).await? && is_known)
    }

    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        let place = self.places.clone().try_acquire_owned().map_err(|_| Error::SignInBusy)?;
        let slot = self.slots.clone().acquire_owned().await.map_err(|_| Error::SignInBusy)?;
        let work = tokio::task::spawn_blocking(move || {
            let done = work();
            // Held by the work itself: a caller who goes away does not free what is still in use.
            drop((place, slot));
            done
        });
        Ok(work.await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_flood_is_refused_and_not_queued() -> Result<()> {
        let hasher = Hasher::open(1, 1).await?;
        let tries = (0..8).map(|_| {
            let hasher = hasher.clone();
            tokio::spawn(async move { hasher.check("password".into(), None).await })
        });
        let tries: Vec<_> = tries.collect();
        let mut n_busy = 0;
        for attempt in tries {
            match attempt.await? {
                Ok(is_right) => assert!(!is_right),
                Err(Error::SignInBusy) => n_busy += 1,
                Err(error) => return Err(error),
            }
        }
        assert!((1..=6).contains(&n_busy), "{n_busy} refused");
        // What was refused left no trace.
        assert!(!hasher.check("password".into(), None).await?);
        Ok(())
    }
}
