//! Demand: how much each provider is wanted, for whoever decides how many adapters run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::queue::Shelf;
use crate::route::{Capability, LaneName, Routes};

/// How much a provider is wanted.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Demand {
    /// The tasks that would go to it next.
    pub(crate) waiting: i64,
    /// The runs it has.
    pub(crate) running: i64,
    /// How many runs the lanes take at once that those tasks wait for.
    pub(crate) room: i64,
}

impl Demand {
    /// Tells whether anybody wants the provider.
    pub(crate) fn is_any(self) -> bool {
        0 < self.waiting + self.running
    }

    /// Returns how many runs it would have if nothing but its lanes limited them: more adapters than
    /// those need would find nothing to do, however long the queue is.
    pub(crate) fn runs(self) -> i64 {
        (self.waiting + self.running).min(self.running.max(self.room))
    }
}

/// Counts how much each of `providers` is wanted: by the tasks that wait on shelves, each of which
/// counts for the first lane that may take it, and by the runs that lanes have.
pub(crate) fn count<'a>(
    providers: impl IntoIterator<Item = Arc<str>>,
    waiting: impl IntoIterator<Item = (Shelf, usize)>,
    running: impl IntoIterator<Item = (&'a LaneName, usize)>,
    routes: &Routes,
) -> BTreeMap<Arc<str>, Demand> {
    let mut demand: BTreeMap<Arc<str>, Demand> =
        providers.into_iter().map(|it| (it, Demand::default())).collect();
    let mut lanes = BTreeSet::new();
    for (shelf, tasks) in waiting {
        if shelf.capability == Capability::BUILTIN || tasks == 0 {
            continue;
        }
        let legs = routes.of(shelf.capability);
        let first = usize::from(shelf.fallback).min(legs.len().saturating_sub(1));
        let mut legs = legs.iter().skip(first);
        // Lanes of providers that are not configured take nothing.
        let Some(leg) = legs.find(|it| demand.contains_key(&it.name.provider)) else { continue };
        let Some(demand) = demand.get_mut(&leg.name.provider) else { continue };
        demand.waiting += number(tasks);
        if lanes.insert(&leg.name) {
            demand.room += number(leg.max_concurrency);
        }
    }
    for (lane, runs) in running {
        if let Some(demand) = demand.get_mut(&lane.provider) {
            demand.running += number(runs);
        }
    }
    demand
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::Leg;

    const EDIT: Capability = Capability(2);

    fn shelf(fallback: u16) -> Shelf {
        Shelf { fallback, capability: EDIT }
    }

    fn routes() -> Routes {
        let leg = |provider: &str, max_concurrency| Leg {
            name: LaneName::new(provider, "edit"),
            max_concurrency,
        };
        Routes::new([], [(EDIT, leg("gone", 1)), (EDIT, leg("fal", 8)), (EDIT, leg("acme", 4))])
    }

    fn counted(waiting: &[(Shelf, usize)], running: &[(LaneName, usize)]) -> [Demand; 2] {
        let names = ["fal", "acme"].map(Arc::from);
        let running = running.iter().map(|(lane, runs)| (lane, *runs));
        let demand = count(names.clone(), waiting.iter().copied(), running, &routes());
        names.map(|it| demand[&it])
    }

    #[test]
    fn who_waits_counts_for_the_first_lane_that_may_take_it() {
        let [fal, acme] = counted(&[(shelf(0), 5), (shelf(1), 2), (shelf(2), 1)], &[]);
        assert_eq!(fal, Demand { waiting: 7, running: 0, room: 8 });
        assert_eq!(acme, Demand { waiting: 1, running: 0, room: 4 });
        // A route may have become shorter since.
        let [_, acme] = counted(&[(shelf(9), 1)], &[]);
        assert_eq!(acme.waiting, 1);
    }

    #[test]
    fn runs_count_for_the_lane_they_are_on() {
        let [fal, acme] = counted(&[], &[(LaneName::new("acme", "other"), 3)]);
        assert!(!fal.is_any());
        assert!(acme.is_any());
        assert_eq!(acme.runs(), 3);
    }

    #[test]
    fn a_long_queue_wants_no_more_than_its_lanes_take() {
        let demand = Demand { waiting: 5000, running: 3, room: 8 };
        assert_eq!(demand.runs(), 8);
        assert_eq!(Demand { waiting: 2, ..demand }.runs(), 5);
        // What a shortened route left running is not cut.
        assert_eq!(Demand { waiting: 1, running: 20, room: 8 }.runs(), 20);
        assert!(!Demand::default().is_any());
    }

    #[test]
    fn what_the_engine_does_itself_wants_nobody() {
        let builtin = Shelf { fallback: 0, capability: Capability::BUILTIN };
        let unknown = Shelf { fallback: 0, capability: Capability(6) };
        let [fal, acme] = counted(&[(builtin, 10), (unknown, 1)], &[]);
        assert!(!fal.is_any() && !acme.is_any());
    }
}
