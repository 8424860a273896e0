//! Loading: from the store into the owner's memory, at the start, on arrival and for safety.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use api::sartiq::provider::v1::failure::{Code, Retry, Scope};
use time::OffsetDateTime;

use super::claim::safety;
use super::flow::Flow;
use super::outcome::{Cause, Outcome, failure};
use super::owner::{Owner, Run, Trouble};
use super::runner::{Attempt, Input};
use crate::attempt::Recovery;
use crate::queue::{Entry, Shelf};
use crate::route::{Capability, LaneName};
use crate::store::signal::Kind;
use crate::store::{attempt, hot, owner};
use crate::task::State;

/// How many tasks are read at a time.
const PAGE: i64 = 10_000;

/// Up to how many workflows are kept in memory from their arrival on: these begin at once, and are read
/// once for it. Of others only their places in the queue are known until they begin.
const FEW: usize = 256;

/// How late a task is when it is looked for.
const LATE: Duration = Duration::from_secs(10);

impl Owner {
    /// Learns of workflows that were accepted or cancelled.
    pub(super) async fn learn(&mut self, inputs: &[Input]) -> Result<(), Trouble> {
        let mut flows = Vec::new();
        for input in inputs {
            let Input::Told(signals) = input else { continue };
            for signal in signals {
                // Each may be about other tasks.
                if signal.kind == Kind::TasksCancelled {
                    self.has_task_cancellations = true;
                    continue;
                }
                if !self.is_news(*signal) {
                    continue;
                }
                if signal.kind == Kind::Cancelled {
                    self.purge(signal.flow, signal.organization);
                } else if !self.flows.contains_key(&signal.flow) {
                    flows.push(signal.flow);
                }
            }
        }
        if flows.len() + self.flows.len() <= FEW {
            self.load(&flows).await?;
            flows.retain(|it| !self.place_flow(*it));
        }
        if !flows.is_empty() {
            for row in hot::of_flows(&self.engine.db, &flows).await? {
                self.place_task(&row);
            }
        }
        Ok(())
    }

    /// Reads those of `flows` whole that are not in memory.
    pub(super) async fn load(&mut self, flows: &[i64]) -> Result<(), Trouble> {
        let missing: HashSet<i64> =
            flows.iter().copied().filter(|it| !self.flows.contains_key(it)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let missing: Vec<i64> = missing.into_iter().collect();
        for row in hot::flows(&self.engine.db, &missing).await? {
            let key = row.key;
            match Flow::load(row) {
                Ok(flow) => drop(self.flows.insert(flow.key, flow)),
                // One that nobody can read must not keep the others from running.
                Err(error) => tracing::error!(workflow.key = key, %error, "unreadable workflow"),
            }
        }
        Ok(())
    }

    /// Forgets everything but the runs, and reads it anew.
    ///
    /// Runs that `inputs` say have ended are not recovered: what they say comes next.
    pub(super) async fn reload(&mut self, inputs: &mut Vec<Input>) -> Result<(), Trouble> {
        let mut tx = self.engine.db.begin().await?;
        if !owner::share(&mut *tx, self.epoch).await? {
            return Err(Trouble::Deposed);
        }
        tx.commit().await?;
        self.queue = Default::default();
        self.timers.clear();
        self.flows.clear();
        let (mut after, mut running) = (0, Vec::new());
        loop {
            let page = hot::page(&self.engine.db, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.task;
            for row in page {
                match row.state {
                    State::Running => running.push((row.task, row.flow)),
                    _ => self.place_task(&row),
                }
            }
        }
        let flows: Vec<i64> = running.iter().map(|(_, flow)| *flow).collect();
        self.load(&flows).await?;
        self.recover(&running, inputs).await?;
        self.count_runs();
        self.has_cancellations = true;
        self.has_task_cancellations = true;
        Ok(())
    }

    /// Takes up the attempts that a former owner left, or this one lost sight of.
    async fn recover(
        &mut self,
        running: &[(i64, i64)],
        inputs: &mut Vec<Input>,
    ) -> Result<(), Trouble> {
        let ended: HashSet<Attempt> = inputs
            .iter()
            .filter_map(|it| match it {
                Input::Ended { attempt, .. } => Some(*attempt),
                _ => None,
            })
            .collect();
        let tasks: Vec<i64> = running.iter().map(|(task, _)| *task).collect();
        let rows = attempt::current(&self.engine.db, &tasks).await?;
        let flows: std::collections::HashMap<i64, i64> = running.iter().copied().collect();
        let mut wanted = HashSet::new();
        let now = OffsetDateTime::now_utc();
        for row in rows {
            let attempt = Attempt { task: row.task, number: row.number };
            wanted.insert(attempt);
            if self.run_of(attempt).is_some() {
                continue;
            }
            let Some(flow) = flows.get(&row.task) else { continue };
            let name = LaneName::new(&row.provider, &row.model);
            let mut run = Run {
                attempt,
                flow: *flow,
                lane: name.clone(),
                phase: row.phase,
                begun: Instant::now(),
                reserved_micros: row.reserved_micros,
                runner: None,
            };
            let age = Duration::try_from(now - row.start_time).unwrap_or_default();
            match (row.phase.recovery(), row.resume_token) {
                _ if ended.contains(&attempt) => (),
                (Recovery::Resume, Some(token)) => {
                    let flow = self.flows.get(flow);
                    let place = flow.and_then(|it| Some((it, it.index(row.task)?)));
                    let Some((flow, index)) = place else { continue };
                    if let Ok(order) = self.resumption(flow, index, &name, token, age) {
                        tracing::info!(run.id = order.run_id, lane = %name, "run is resumed");
                        run.runner = self.start(&name, order);
                    }
                }
                _ => {
                    let message = "the engine stopped before the provider answered";
                    let failure =
                        failure(Code::Upstream, Retry::SameRequest, Scope::Request, message);
                    let outcome = Outcome::Doubt(failure, Cause::Engine);
                    inputs.push(Input::Ended { attempt, handle: None, outcome });
                }
            }
            self.running.insert(row.task, run);
        }
        let unwanted: Vec<i64> = self
            .running
            .values()
            .map(|it| it.attempt)
            .filter(|it| !wanted.contains(it))
            .map(|it| it.task)
            .collect();
        for task in unwanted {
            let Some(run) = self.running.remove(&task) else { continue };
            match &run.runner {
                Some(runner) if run.has_handle() => runner.abort(),
                // It may be one that was cancelled and has no handle to be cancelled by yet.
                Some(_) => drop(self.orphans.insert(run.attempt, run)),
                None => (),
            }
        }
        Ok(())
    }

    /// Counts anew how many runs each lane has.
    fn count_runs(&mut self) {
        for lane in self.lanes.values_mut() {
            while 0 < lane.running() {
                lane.end();
            }
        }
        for run in self.running.values().chain(self.orphans.values()) {
            self.lanes.entry(run.lane.clone()).or_default().adopt();
        }
    }

    /// Places the tasks of a workflow that was read whole, unless one of them waits for its time: that is
    /// not in memory.
    fn place_flow(&mut self, flow: i64) -> bool {
        let Some(flow) = self.flows.get(&flow) else { return true };
        let state = |index: &usize| flow.graph.node(*index).state;
        if (0..flow.tasks.len()).any(|it| state(&it) == State::RetryWait) {
            let key = flow.key;
            self.flows.remove(&key);
            return false;
        }
        for index in (0..flow.tasks.len()).filter(|it| state(it) == State::Queued) {
            self.queue.push(flow.entry(index));
        }
        true
    }

    /// Places a task that waits for nothing but the owner.
    fn place_task(&mut self, row: &hot::Row) {
        if self.flows.contains_key(&row.flow) {
            // What memory knows is newer.
            return;
        }
        let entry = entry(row);
        match row.state {
            State::Queued => self.queue.push(entry),
            State::RetryWait => {
                let now = OffsetDateTime::now_utc();
                let wait = row.wake_time.map(|it| it - now).unwrap_or_default();
                let wait = Duration::try_from(wait).unwrap_or_default();
                self.timers.insert((Instant::now() + wait, row.task), entry);
            }
            _ => (),
        }
    }

    /// Looks for tasks that nobody woke in time, which no one should find.
    pub(super) async fn sweep(&mut self) -> Result<(), Trouble> {
        self.has_cancellations = true;
        self.has_task_cancellations = true;
        let mut lost = self.silent_runs();
        let before = OffsetDateTime::now_utc() - LATE;
        let late = hot::overdue(&self.engine.db, before, 1000).await?;
        if late.is_empty() && lost.is_empty() {
            return Ok(());
        }
        let flows: Vec<i64> = late.iter().map(|it| it.flow).collect();
        for row in &late {
            match row.state {
                State::Queued | State::RetryWait => self.queue.push(entry(row)),
                State::Running if !self.running.contains_key(&row.task) => {
                    lost.push((row.task, row.flow));
                }
                _ => (),
            }
        }
        let silent = lost.iter().map(|(_, flow)| *flow);
        let flows: Vec<i64> = flows.into_iter().chain(silent).collect();
        self.load(&flows).await?;
        let mut inputs = Vec::new();
        self.recover_lost(&lost, &mut inputs).await?;
        for row in late.iter().filter(|it| it.state == State::Blocked) {
            if let Some(flow) = self.flows.get(&row.flow)
                && let Some(index) = flow.index(row.task)
                && flow.graph.node(index).remaining == 0
            {
                tracing::error!(task = row.task, "a task was blocked by nothing");
            }
        }
        let tasks: Vec<i64> = late.iter().map(|it| it.task).collect();
        let mut tx = self.engine.db.begin().await?;
        if !owner::share(&mut *tx, self.epoch).await? {
            return Err(Trouble::Deposed);
        }
        hot::snooze(&mut *tx, &tasks, safety()).await?;
        tx.commit().await?;
        for input in inputs {
            let _ = self.engine.inputs.try_send(input);
        }
        Ok(())
    }

    /// Takes out the runs whose runners are gone since the last sweep without a word.
    fn silent_runs(&mut self) -> Vec<(i64, i64)> {
        let is_gone =
            |it: &Run| it.runner.as_ref().is_some_and(tokio::task::AbortHandle::is_finished);
        let gone: HashSet<Attempt> =
            self.running.values().filter(|it| is_gone(it)).map(|it| it.attempt).collect();
        // What one said last may still be on its way; by the next sweep it is not.
        let silent: Vec<Attempt> = gone.intersection(&self.silent).copied().collect();
        self.silent = gone;
        let runs = silent.into_iter().filter_map(|it| self.running.remove(&it.task));
        runs.map(|it| (it.attempt.task, it.flow)).collect()
    }

    async fn recover_lost(
        &mut self,
        lost: &[(i64, i64)],
        inputs: &mut Vec<Input>,
    ) -> Result<(), Trouble> {
        if lost.is_empty() {
            return Ok(());
        }
        tracing::warn!(count = lost.len(), "attempts that nobody followed are taken up");
        let all: Vec<(i64, i64)> = self
            .running
            .iter()
            .map(|(task, run)| (*task, run.flow))
            .chain(lost.iter().copied())
            .collect();
        self.recover(&all, inputs).await?;
        self.count_runs();
        Ok(())
    }
}

fn entry(row: &hot::Row) -> Entry {
    let shelf = Shelf {
        fallback: u16::try_from(row.fallback).unwrap_or_default(),
        capability: Capability(row.capability),
    };
    Entry {
        flow: row.flow,
        task: row.task,
        organization: row.organization,
        priority: row.priority,
        shelf,
    }
}
