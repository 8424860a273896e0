//! What one turn of the owner changes: gathered in memory, written in one transaction.

use std::collections::{BTreeMap, HashMap, HashSet};

use api::sartiq::compute::v1 as pb;
use api::sartiq::event::v1::event::Payload;
use api::sartiq::provider::v1::Failure;
use events::Draft;
use prost::Message;
use time::OffsetDateTime;
use types::id::OrganizationId;

use super::Engine;
use super::flow::Flow;
use super::metric::TaskEnd;
use super::owner::{Run, Trouble};
use super::runner::{Attempt, Order};
use crate::store::cancellation::{self, End};
use crate::store::commit::{self, Before, Changes, Closed, Ended, Entry, Handle, Hot, Prepared};
use crate::store::{attempt, task_cancellation};

/// What one turn changes.
#[derive(Debug, Default)]
pub(super) struct Batch {
    changes: BTreeMap<i64, Change>,
    pub(super) handles: Vec<Handle>,
    pub(super) awaiting: Vec<Attempt>,
    /// Cancellations that ended by themselves.
    pub(super) resolved: Vec<(Attempt, End)>,
    /// Runs that nobody waits for any more.
    pub(super) dropped: Vec<Run>,
    /// What begins once everything is durable.
    pub(super) starts: Vec<(Run, Order)>,
    pub(super) has_cancellations: bool,
    /// Workflows that ended.
    pub(super) ended: Vec<i64>,
    /// Tasks that ended.
    pub(super) task_ends: Vec<TaskEnd>,
    /// Tasks that were noted to be cancelled, and have ended now.
    pub(super) stopped: Vec<i64>,
}

/// What changes of one workflow. All of it is written, or nothing.
#[derive(Debug)]
pub(super) struct Change {
    organization: OrganizationId,
    old_sequence: i64,
    touched: BTreeMap<usize, Touch>,
    events: Vec<Payload>,
    pub(super) prepared: Vec<Prepared>,
    pub(super) closed: Vec<Closed>,
    pub(super) forgotten: Vec<Attempt>,
    pub(super) ledger: Vec<Entry>,
}

#[derive(Debug)]
struct Touch {
    before: Before,
    wake_time: Option<OffsetDateTime>,
    failure: Option<Vec<u8>>,
}

/// What became of a batch.
#[derive(Debug, Default)]
pub(super) struct Committed {
    /// Workflows that had been cancelled; nothing of them was written.
    pub(super) lost: HashSet<i64>,
    /// Attempts whose handles were stored as those of attempts that are wanted.
    pub(super) submitted: HashSet<(i64, i32)>,
    /// Whether there are handles of attempts that are to be cancelled by them.
    pub(super) has_cancellations: bool,
}

impl Batch {
    /// Returns what changes of `flow`, which must be asked before it is changed.
    pub(super) fn of(&mut self, flow: &Flow) -> &mut Change {
        self.changes.entry(flow.key).or_insert_with(|| Change {
            organization: flow.organization,
            old_sequence: flow.sequence(),
            touched: BTreeMap::new(),
            events: Vec::new(),
            prepared: Vec::new(),
            closed: Vec::new(),
            forgotten: Vec::new(),
            ledger: Vec::new(),
        })
    }

    /// Takes back the claim of a task that was made in this very turn.
    pub(super) fn unclaim(&mut self, flow: &Flow, task: i64) -> Option<Run> {
        let place = self.starts.iter().position(|(run, _)| run.attempt.task == task)?;
        let (run, _) = self.starts.swap_remove(place);
        let change = self.of(flow);
        change.prepared.retain(|it| it.task != task);
        change.ledger.retain(|it| it.task != task || it.attempt != run.attempt.number);
        Some(run)
    }

    /// Writes everything, unless another owner has taken over.
    pub(super) async fn commit(
        &self,
        engine: &Engine,
        epoch: i64,
        flows: &HashMap<i64, Flow>,
    ) -> Result<Committed, Trouble> {
        let mut committed = Committed::default();
        // As often as another workflow is cancelled in between.
        for _ in 0..=self.changes.len() {
            let (changes, taken) = self.gather(flows, &committed.lost);
            committed.submitted = taken;
            if self.write(engine, epoch, &changes, &mut committed).await? {
                if !changes.events.is_empty() {
                    engine.outbox.poke();
                }
                committed.has_cancellations |= self.has_cancellations;
                return Ok(committed);
            }
            let astray = commit::astray(&engine.db, &changes.flows, epoch).await?;
            let astray = astray.ok_or(Trouble::Deposed)?;
            if astray.is_empty() {
                break;
            }
            committed.lost.extend(astray);
        }
        Err(Trouble::Conflict)
    }

    /// Writes `changes` and what concerns attempts alone; answers whether everything was where it was
    /// thought to be. Nothing was written otherwise.
    async fn write(
        &self,
        engine: &Engine,
        epoch: i64,
        changes: &Changes,
        committed: &mut Committed,
    ) -> Result<bool, Trouble> {
        let is_more = self.handles.len() != committed.submitted.len()
            || !self.awaiting.is_empty()
            || !self.resolved.is_empty()
            || !self.stopped.is_empty();
        if !is_more {
            // Nothing is changed of no workflow.
            return Ok(changes.flows.is_empty() || commit::write(&engine.db, changes, epoch).await?);
        }
        let mut tx = engine.db.begin().await?;
        // The rows of workflows first, since they are what a cancellation and this owner meet at.
        if !commit::write(&mut *tx, changes, epoch).await? {
            return Ok(false);
        }
        self.write_phases(&mut tx, committed).await?;
        if !self.stopped.is_empty() {
            task_cancellation::forget(&mut tx, &self.stopped).await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Returns what changes of all workflows but those that are lost, and the attempts whose handles are
    /// stored together with their ends: a row that is written once is written in half the time.
    fn gather(
        &self,
        flows: &HashMap<i64, Flow>,
        lost: &HashSet<i64>,
    ) -> (Changes, HashSet<(i64, i32)>) {
        let mut changes = Changes::default();
        for (key, change) in &self.changes {
            if let (false, Some(flow)) = (lost.contains(key), flows.get(key)) {
                change.add_to(&mut changes, flow);
            }
        }
        let handles = self.handles.iter().map(|it| ((it.task, it.number), it));
        let handles: HashMap<_, _> = handles.collect();
        let mut taken = HashSet::new();
        for closed in &mut changes.closed {
            if let Some(handle) = handles.get(&(closed.task, closed.number)) {
                closed.handle = Some((*handle).clone());
                taken.insert((closed.task, closed.number));
            }
        }
        (changes, taken)
    }

    /// Writes what concerns attempts alone.
    async fn write_phases(
        &self,
        tx: &mut sqlx::PgConnection,
        committed: &mut Committed,
    ) -> Result<(), Trouble> {
        let handles = self.handles.iter();
        let handles: Vec<&Handle> =
            handles.filter(|it| !committed.submitted.contains(&(it.task, it.number))).collect();
        if !handles.is_empty() {
            committed.submitted.extend(attempt::submitted(tx, &handles).await?);
            for handle in handles {
                if !committed.submitted.contains(&(handle.task, handle.number)) {
                    let token = &handle.resume_token;
                    committed.has_cancellations |=
                        cancellation::set_token(tx, handle.task, handle.number, token).await?;
                }
            }
        }
        if !self.awaiting.is_empty() {
            let (tasks, numbers): (Vec<_>, Vec<_>) =
                self.awaiting.iter().map(|it| (it.task, it.number)).unzip();
            attempt::awaiting(tx, &tasks, &numbers).await?;
        }
        for (attempt, end) in &self.resolved {
            cancellation::resolve(tx, attempt.task, attempt.number, *end).await?;
        }
        Ok(())
    }
}

impl Change {
    /// Remembers where a task was, before it is changed.
    pub(super) fn touch(&mut self, flow: &Flow, index: usize) {
        let before = flow.before(index);
        self.touched.entry(index).or_insert(Touch { before, wake_time: None, failure: None });
    }

    /// Says when a touched task is looked at next, whatever happens.
    pub(super) fn wake(&mut self, index: usize, at: OffsetDateTime) {
        if let Some(touch) = self.touched.get_mut(&index) {
            touch.wake_time = Some(at);
        }
    }

    /// Says why a touched task failed.
    pub(super) fn failed(&mut self, index: usize, failure: &Failure) {
        if let Some(touch) = self.touched.get_mut(&index) {
            touch.failure = Some(failure.encode_to_vec());
        }
    }

    /// Tells the world.
    pub(super) fn event(&mut self, payload: Payload) {
        self.events.push(payload);
    }

    /// Adds all of it to `changes`, by table.
    fn add_to(&self, changes: &mut Changes, flow: &Flow) {
        changes.flows.push(commit::Flow {
            key: flow.key,
            old_sequence: self.old_sequence,
            sequence: flow.sequence(),
            state: flow.state,
            ended_count: flow.ended_count,
            cost_micros: flow.cost_micros,
        });
        for (index, touch) in &self.touched {
            let (node, task) = (flow.graph.node(*index), &flow.tasks[*index]);
            let before = touch.before;
            if node.state.is_final() {
                let outputs = pb::Task { outputs: task.outputs.clone(), ..pb::Task::default() };
                changes.ended.push(Ended {
                    task: task.key,
                    before,
                    state: node.state,
                    outputs: outputs.encode_to_vec(),
                    failure: touch.failure.clone(),
                    cost_micros: task.cost_micros,
                });
                continue;
            }
            changes.hot.push(Hot {
                task: task.key,
                before,
                state: node.state,
                remaining: i16::try_from(node.remaining).unwrap_or(i16::MAX),
                attempt: task.attempt,
                tries: task.tries,
                lane_tries: task.lane_tries,
                fallback: task.fallback,
                wake_time: touch.wake_time,
            });
        }
        changes.prepared.extend(self.prepared.iter().cloned());
        changes.closed.extend(self.closed.iter().cloned());
        changes.forgotten.extend(self.forgotten.iter().map(|it| (it.task, it.number)));
        changes.ledger.extend(self.ledger.iter().cloned());
        let events = self.events.iter().map(|it| Draft::new(self.organization, it.clone()));
        changes.events.extend(events);
    }
}
