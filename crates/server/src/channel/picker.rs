//! Which of the addresses a call goes to.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::{Notify, watch};

use super::discover::Target;
use super::endpoint::{Condition, Endpoint};

/// How long the first call waits for the name to be looked up.
const PATIENCE: Duration = Duration::from_secs(3);

/// The addresses of one service, and the choice among them.
pub(crate) struct Picker {
    name: String,
    target: Target,
    endpoints: ArcSwap<Vec<Arc<Endpoint>>>,
    // Counts lookups, so that a first call can wait for one.
    lookups: watch::Sender<usize>,
    /// Asks the keeper to look again, now.
    pub(crate) alarm: Arc<Notify>,
}

impl Picker {
    pub(crate) fn new(name: &str, target: Target) -> Self {
        let picker = Self {
            name: name.to_owned(),
            endpoints: ArcSwap::default(),
            lookups: watch::Sender::new(0),
            alarm: Arc::default(),
            target,
        };
        if let Some(addresses) = picker.target.literal() {
            picker.update(&addresses);
        }
        picker
    }

    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    /// Takes over the addresses that were found. None is no answer: the last ones stay.
    pub(crate) fn update(&self, addresses: &BTreeSet<SocketAddr>) {
        if !addresses.is_empty() {
            let known = self.endpoints.load();
            let same = known.iter().map(|it| it.address).eq(addresses.iter().copied());
            if !same {
                let endpoints = addresses.iter().map(|address| {
                    let old = known.iter().find(|it| it.address == *address);
                    let new = || Arc::new(Endpoint::new(&self.name, *address, &self.target));
                    old.cloned().unwrap_or_else(new)
                });
                self.endpoints.store(Arc::new(endpoints.collect()));
            }
        }
        self.lookups.send_modify(|count| *count += 1);
    }

    /// Returns every address, as it is known now.
    pub(crate) fn endpoints(&self) -> Arc<Vec<Arc<Endpoint>>> {
        self.endpoints.load_full()
    }

    /// Picks an endpoint for a call that was to those in `tried` already.
    ///
    /// Of two at random the less busy one: nearly as good as the least busy of all, and without
    /// everybody choosing the same.
    pub(crate) async fn pick(&self, tried: &[SocketAddr]) -> Option<Arc<Endpoint>> {
        if self.endpoints.load().is_empty() {
            self.first_lookup().await;
        }
        let endpoints = self.endpoints.load();
        let untried = || endpoints.iter().filter(|it| !tried.contains(&it.address));
        // When none is fit, the least bad ones are asked: being careful must not refuse all.
        let condition = untried().map(|it| it.condition()).min()?;
        let fit: Vec<_> = untried().filter(|it| it.condition() <= condition).collect();
        let [first, second] = [0, 1].map(|_| fit.get(rand::random_range(0..fit.len().max(1))));
        match (first, second) {
            (Some(first), Some(second)) if second.load() < first.load() => Some(Arc::clone(second)),
            (first, _) => first.map(|it| Arc::clone(it)),
        }
    }

    /// Tells whether some endpoint answers, as far as is known.
    pub(crate) fn is_fit(&self) -> bool {
        self.endpoints.load().iter().any(|it| it.condition() == Condition::Fit)
    }

    async fn first_lookup(&self) {
        let mut lookups = self.lookups.subscribe();
        lookups.mark_unchanged();
        self.alarm.notify_one();
        // Late, or without a result: there is nothing to pick, and the call says so.
        let _ = tokio::time::timeout(PATIENCE, lookups.changed()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(ports: &[u16]) -> BTreeSet<SocketAddr> {
        ports.iter().map(|port| SocketAddr::from(([127, 0, 0, 1], *port))).collect()
    }

    fn picker(ports: &[u16]) -> Result<Picker, crate::Error> {
        let picker = Picker::new("test", Target::parse("http://somewhere:1")?);
        picker.update(&addresses(ports));
        Ok(picker)
    }

    async fn counts(picker: &Picker) -> Vec<usize> {
        let mut counts = vec![0; picker.endpoints().len()];
        for _ in 0..300 {
            let picked = picker.pick(&[]).await.map(|it| it.address);
            let index = picker.endpoints().iter().position(|it| Some(it.address) == picked);
            counts[index.unwrap_or_default()] += 1;
        }
        counts
    }

    #[tokio::test]
    async fn calls_spread_over_all() -> Result<(), crate::Error> {
        let counts = counts(&picker(&[1, 2, 3])?).await;
        assert!(counts.iter().all(|it| 50 < *it), "{counts:?}");
        Ok(())
    }

    #[tokio::test]
    async fn the_busy_are_spared() -> Result<(), crate::Error> {
        let picker = picker(&[1, 2])?;
        let busy = picker.endpoints()[0].clone();
        let _calls: Vec<_> = (0..10).map(|_| busy.begin()).collect();
        let counts = counts(&picker).await;
        // Only when both random choices fall on it.
        assert!(counts[0] < 120, "{counts:?}");
        Ok(())
    }

    #[tokio::test]
    async fn the_sick_rest_until_all_are_sick() -> Result<(), crate::Error> {
        let picker = picker(&[1, 2])?;
        let endpoints = picker.endpoints();
        (0..5).for_each(|_| endpoints[0].refused());
        assert_eq!(counts(&picker).await[0], 0);
        (0..5).for_each(|_| endpoints[1].refused());
        let counts = counts(&picker).await;
        assert!(counts.iter().all(|it| 50 < *it), "{counts:?}");
        Ok(())
    }

    #[tokio::test]
    async fn the_tried_are_not_picked_again() -> Result<(), crate::Error> {
        let picker = picker(&[1, 2])?;
        let [first, second] = [&picker.endpoints()[0], &picker.endpoints()[1]].map(|it| it.address);
        assert_eq!(picker.pick(&[first]).await.map(|it| it.address), Some(second));
        assert!(picker.pick(&[first, second]).await.is_none());
        Ok(())
    }

    #[tokio::test]
    async fn an_empty_answer_changes_nothing_and_a_new_one_keeps_what_stays()
    -> Result<(), crate::Error> {
        let picker = picker(&[1, 2])?;
        let before = picker.endpoints();
        picker.update(&BTreeSet::new());
        assert_eq!(picker.endpoints().len(), 2);
        picker.update(&addresses(&[2, 3]));
        let after = picker.endpoints();
        assert!(Arc::ptr_eq(&before[1], &after[0]), "the connection to 2 is kept");
        assert_eq!(after[1].address.port(), 3);
        Ok(())
    }
}
