//! The queue: which of the tasks that wait for a lane goes next.
//!
//! Urgent before less urgent, with a turn for the others now and then; within that, organizations in
//! turn; within that, the workflow that was accepted first, so that what was begun is finished first.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::RangeInclusive;
use std::time::Instant;

use types::id::OrganizationId;

use crate::route::Capability;
use crate::workflow::Priority;

/// Of so many turns, one is for the least urgent that wait, so that nobody waits for ever.
const TURNS: u64 = 16;

/// A task that waits for a lane.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Entry {
    /// The key of its workflow; the first accepted is the smallest.
    pub(crate) flow: i64,
    /// The key of the task.
    pub(crate) task: i64,
    pub(crate) organization: OrganizationId,
    pub(crate) priority: Priority,
    pub(crate) shelf: Shelf,
}

/// Tasks that the same lanes can take.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) struct Shelf {
    /// How many lanes of the route they are done with.
    pub(crate) fallback: u16,
    pub(crate) capability: Capability,
}

/// The tasks that wait for a lane.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    shelves: HashMap<Shelf, Classes>,
}

#[derive(Debug, Default)]
struct Classes {
    // By priority, the most urgent first.
    classes: [Class; 3],
    turn: u64,
}

/// The tasks of one priority.
#[derive(Debug, Default)]
struct Class {
    waiting: HashMap<OrganizationId, Bench>,
    // Who had the fewest turns is the first.
    order: BTreeSet<(u64, OrganizationId)>,
    // The turns of whoever was last: who comes anew starts there, not at nothing.
    floor: u64,
}

/// The tasks of one organization.
#[derive(Debug)]
struct Bench {
    turns: u64,
    // With when they came here.
    tasks: BTreeMap<(i64, i64), Instant>,
}

impl Queue {
    /// Adds a task, unless it is there.
    pub(crate) fn push(&mut self, entry: Entry) {
        let classes = self.shelves.entry(entry.shelf).or_default();
        classes.class(entry.priority).push(entry);
    }

    /// Takes the task of `shelf` that goes next.
    pub(crate) fn pop(&mut self, shelf: Shelf) -> Option<Entry> {
        let classes = self.shelves.get_mut(&shelf)?;
        let Some((priority, organization, (flow, task))) = classes.pop() else {
            self.shelves.remove(&shelf);
            return None;
        };
        Some(Entry { flow, task, organization, priority, shelf })
    }

    /// Takes out all tasks of a workflow.
    pub(crate) fn remove(&mut self, flow: i64, organization: OrganizationId) {
        for classes in self.shelves.values_mut() {
            for class in &mut classes.classes {
                class.remove(organization, (flow, i64::MIN)..=(flow, i64::MAX));
            }
        }
    }

    /// Takes out a task, if it is there.
    pub(crate) fn remove_task(&mut self, entry: Entry) {
        if let Some(classes) = self.shelves.get_mut(&entry.shelf) {
            let key = (entry.flow, entry.task);
            classes.class(entry.priority).remove(entry.organization, key..=key);
        }
    }

    /// Returns how many tasks each shelf has.
    pub(crate) fn depths(&self) -> impl Iterator<Item = (Shelf, usize)> {
        self.shelves.iter().map(|(shelf, classes)| {
            let benches = classes.classes.iter().flat_map(|it| it.waiting.values());
            (*shelf, benches.map(|it| it.tasks.len()).sum())
        })
    }

    /// Tells whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.shelves.values().flat_map(|it| &it.classes).all(|it| it.waiting.is_empty())
    }

    /// Counts what waits for each capability, with when the first of it came.
    pub(crate) fn waiting(&self) -> HashMap<Capability, (usize, Instant)> {
        let mut waiting = HashMap::new();
        for (shelf, classes) in &self.shelves {
            for bench in classes.classes.iter().flat_map(|it| it.waiting.values()) {
                // The tasks of an organization come in about the order in which they go.
                let Some(first) = bench.tasks.values().next() else { continue };
                let (count, since) = waiting.entry(shelf.capability).or_insert((0, *first));
                *count += bench.tasks.len();
                *since = (*since).min(*first);
            }
        }
        waiting
    }

    /// Returns the shelves that have tasks; those that were tried before come first.
    pub(crate) fn shelves(&self) -> Vec<Shelf> {
        let mut shelves: Vec<Shelf> = self.shelves.keys().copied().collect();
        shelves.sort_unstable_by(|a, b| b.cmp(a));
        shelves
    }
}

impl Classes {
    fn class(&mut self, priority: Priority) -> &mut Class {
        &mut self.classes[priority as usize - 1]
    }

    fn pop(&mut self) -> Option<(Priority, OrganizationId, (i64, i64))> {
        const URGENT_FIRST: [Priority; 3] = [Priority::High, Priority::Normal, Priority::Low];
        self.turn += 1;
        let mut order = URGENT_FIRST;
        if self.turn.is_multiple_of(TURNS) {
            order.reverse();
        }
        order.into_iter().find_map(|priority| {
            let (organization, key) = self.class(priority).pop()?;
            Some((priority, organization, key))
        })
    }
}

impl Class {
    fn push(&mut self, entry: Entry) {
        let floor = self.floor;
        let bench = self.waiting.entry(entry.organization).or_insert_with(|| {
            self.order.insert((floor, entry.organization));
            Bench { turns: floor, tasks: BTreeMap::new() }
        });
        bench.tasks.entry((entry.flow, entry.task)).or_insert_with(Instant::now);
    }

    fn pop(&mut self) -> Option<(OrganizationId, (i64, i64))> {
        let (turns, organization) = self.order.pop_first()?;
        self.floor = turns;
        let bench = self.waiting.get_mut(&organization).expect("who is in order waits");
        let (key, _) = bench.tasks.pop_first().expect("who waits has tasks");
        if bench.tasks.is_empty() {
            self.waiting.remove(&organization);
        } else {
            bench.turns = turns + 1;
            self.order.insert((turns + 1, organization));
        }
        Some((organization, key))
    }

    fn remove(&mut self, organization: OrganizationId, keys: RangeInclusive<(i64, i64)>) {
        let Some(bench) = self.waiting.get_mut(&organization) else { return };
        let gone: Vec<_> = bench.tasks.range(keys).map(|(key, _)| *key).collect();
        for key in gone {
            bench.tasks.remove(&key);
        }
        if bench.tasks.is_empty() {
            self.order.remove(&(bench.turns, organization));
            self.waiting.remove(&organization);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHELF: Shelf = Shelf { fallback: 0, capability: Capability(1) };

    fn entry(flow: i64, task: i64, organization: OrganizationId, priority: Priority) -> Entry {
        Entry { flow, task, organization, priority, shelf: SHELF }
    }

    fn drain(queue: &mut Queue) -> Vec<i64> {
        std::iter::from_fn(|| queue.pop(SHELF)).map(|it| it.task).collect()
    }

    #[test]
    fn what_was_begun_is_finished_first() {
        let (mut queue, us) = (Queue::default(), OrganizationId::generate());
        queue.push(entry(2, 20, us, Priority::Normal));
        queue.push(entry(3, 30, us, Priority::Normal));
        queue.push(entry(1, 11, us, Priority::Normal));
        queue.push(entry(2, 20, us, Priority::Normal));
        assert_eq!(drain(&mut queue), [11, 20, 30]);
    }

    #[test]
    fn urgent_goes_first_and_low_is_not_forgotten() {
        let (mut queue, us) = (Queue::default(), OrganizationId::generate());
        queue.push(entry(1, 1, us, Priority::Low));
        for task in 100..120 {
            queue.push(entry(2, task, us, Priority::High));
        }
        let order = drain(&mut queue);
        assert_eq!(order[0], 100);
        assert_eq!(order.iter().position(|it| *it == 1), Some(15));
    }

    #[test]
    fn a_flood_does_not_delay_others() {
        let mut queue = Queue::default();
        let (flood, other) = (OrganizationId::generate(), OrganizationId::generate());
        for task in 0..1000 {
            queue.push(entry(1, task, flood, Priority::Normal));
        }
        for _ in 0..500 {
            queue.pop(SHELF);
        }
        queue.push(entry(2, 5000, other, Priority::Normal));
        queue.push(entry(2, 5001, other, Priority::Normal));
        let order = drain(&mut queue);
        let place = |task| order.iter().position(|it| *it == task);
        assert!(place(5000) < Some(2) && place(5001) < Some(4), "{:?}", &order[..8]);
    }

    #[test]
    fn a_task_can_be_taken_out() {
        let (mut queue, us) = (Queue::default(), OrganizationId::generate());
        for task in [10, 11, 12] {
            queue.push(entry(1, task, us, Priority::Normal));
        }
        queue.remove_task(entry(1, 11, us, Priority::Normal));
        queue.remove_task(entry(1, 11, us, Priority::Normal));
        queue.remove_task(entry(1, 12, us, Priority::High));
        assert_eq!(drain(&mut queue), [10, 12]);
        queue.push(entry(1, 10, us, Priority::Normal));
        queue.remove_task(entry(1, 10, us, Priority::Normal));
        assert!(queue.is_empty());
    }

    #[test]
    fn a_workflow_can_be_taken_out() {
        let (mut queue, us) = (Queue::default(), OrganizationId::generate());
        for (flow, task) in [(1, 10), (2, 20), (2, 21), (3, 30)] {
            queue.push(entry(flow, task, us, Priority::Normal));
        }
        assert_eq!(queue.depths().collect::<Vec<_>>(), [(SHELF, 4)]);
        queue.remove(2, us);
        queue.remove(9, us);
        assert_eq!(queue.depths().collect::<Vec<_>>(), [(SHELF, 2)]);
        assert_eq!(drain(&mut queue), [10, 30]);
        queue.push(entry(4, 40, us, Priority::Normal));
        assert_eq!(queue.waiting().get(&SHELF.capability).map(|it| it.0), Some(1));
        queue.remove(4, us);
        assert!(queue.is_empty() && queue.waiting().is_empty());
        assert_eq!(queue.pop(SHELF), None);
    }
}
