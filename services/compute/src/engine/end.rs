//! Ends: what becomes of a task when its attempt ends, and of the others when a task does.

use std::time::{Duration, Instant};

use api::sartiq::compute::v1 as pb;
use api::sartiq::provider::v1::failure::{Code, Retry, Scope};
use api::sartiq::provider::v1::{Failure, RunCompleted};
use prost::Message;
use time::OffsetDateTime;

use super::batch::Batch;
use super::claim::{build, safety};
use super::flow::{Flow, capability};
use super::metric::TaskEnd;
use super::outcome::{Cause, Outcome, failure, judged};
use super::owner::{Owner, Run};
use super::payload;
use super::runner::Attempt;
use crate::attempt::{Phase, RunId};
use crate::graph::Step;
use crate::retry::{self, History, Kind, Next, Verdict};
use crate::route::LaneName;
use crate::store::cancellation;
use crate::store::commit::{Closed, Entry};
use crate::task::State;

/// How often a task is tried where the node does not say.
const USUAL_TRIES: i16 = 4;

/// How a task ends.
#[derive(Debug)]
pub(super) enum End {
    /// With outputs.
    Completed(Vec<pb::TaskOutput>),
    /// For good.
    Failed(Failure),
    /// Because nobody wants it any more.
    Cancelled(Failure),
    /// Without having been tried.
    Skipped,
}

/// How an attempt is closed.
struct Close<'a> {
    phase: Phase,
    failure: Option<&'a Failure>,
    /// What goes into the ledger. Nothing where that is known later.
    entry: Option<(&'static str, i64)>,
    is_cancelled: bool,
}

impl Owner {
    /// Decides what follows the end of an attempt.
    pub(super) fn ended(&mut self, attempt: Attempt, outcome: &Outcome, batch: &mut Batch) {
        if self.run_of(attempt).is_none() {
            return self.orphan_ended(attempt, outcome, batch);
        }
        let Some(run) = self.running.remove(&attempt.task) else { return };
        if let Some(runner) = &run.runner {
            runner.abort();
        }
        let flow = self.flows.remove(&run.flow);
        let index = flow.as_ref().and_then(|it| it.index(attempt.task));
        let (Some(mut flow), Some(index)) = (flow, index) else {
            return self.lane(&run.lane).end();
        };
        batch.of(&flow).touch(&flow, index);
        match outcome {
            Outcome::Completed(done) => self.completed(&mut flow, index, &run, done, batch),
            Outcome::Failed(failure) => {
                let judged = judged(failure, run.has_handle());
                let (next, verdict) = retry::decide(judged, self.history(&flow, index), jitter());
                self.judge(&run.lane, verdict);
                let reserved = run.reserved_micros;
                let (phase, entry) = match judged.is_doubtful {
                    true => (Phase::InDoubt, ("doubt", reserved)),
                    false => (Phase::Failed, ("release", reserved)),
                };
                let close = Close {
                    phase,
                    failure: Some(failure),
                    entry: Some(entry),
                    is_cancelled: false,
                };
                self.close_attempt(&flow, index, &run, close, batch);
                self.follow(&mut flow, index, &run, next, failure, batch);
            }
            Outcome::Unsent(failure) => {
                let judged = retry::Failure { kind: Kind::Unsent, ..judged(failure, false) };
                let (next, verdict) = retry::decide(judged, self.history(&flow, index), jitter());
                self.judge(&run.lane, verdict);
                let change = batch.of(&flow);
                change.forgotten.push(attempt);
                change.ledger.push(entry(&flow, &run, "release", run.reserved_micros));
                self.follow(&mut flow, index, &run, next, failure, batch);
            }
            Outcome::Doubt(failure, cause) => {
                let next = retry::after_doubt(self.history(&flow, index), jitter());
                match cause {
                    Cause::Adapter => self.judge(&run.lane, Verdict::Failed),
                    Cause::Connection => self.lane(&run.lane).lost(Instant::now(), run.begun),
                    // That we stopped says nothing about the lane.
                    Cause::Engine => (),
                }
                let entry = Some(("doubt", run.reserved_micros));
                let phase = Phase::InDoubt;
                let close = Close { phase, failure: Some(failure), entry, is_cancelled: false };
                self.close_attempt(&flow, index, &run, close, batch);
                self.follow(&mut flow, index, &run, next, failure, batch);
            }
            Outcome::Overdue(failure) => {
                let judged = judged(failure, true);
                let (next, verdict) = retry::decide(judged, self.history(&flow, index), jitter());
                self.judge(&run.lane, verdict);
                let phase = Phase::Failed;
                let close =
                    Close { phase, failure: Some(failure), entry: None, is_cancelled: true };
                self.close_attempt(&flow, index, &run, close, batch);
                self.follow(&mut flow, index, &run, next, failure, batch);
            }
        }
        self.lane(&run.lane).end();
        self.flows.insert(flow.key, flow);
    }

    fn completed(
        &mut self,
        flow: &mut Flow,
        index: usize,
        run: &Run,
        done: &RunCompleted,
        batch: &mut Batch,
    ) {
        self.judge(&run.lane, Verdict::Answered);
        let said = done.cost.as_ref().and_then(|it| it.amount.as_ref());
        let cost = said.map_or(run.reserved_micros, |it| it.micros);
        let entry = Some(("settle", cost));
        let close = Close { phase: Phase::Done, failure: None, entry, is_cancelled: false };
        self.close_attempt(flow, index, run, close, batch);
        flow.cost_micros += cost;
        let task = &mut flow.tasks[index];
        task.cost_micros += cost;
        task.tries += 1;
        let mut files = done.outputs.clone();
        files.sort_by_key(|it| it.index);
        let files = files.into_iter().map(pb::task_output::Output::File);
        let outputs = files.map(|it| pb::TaskOutput { output: Some(it) }).collect();
        self.finish(flow, index, End::Completed(outputs), Some(&run.lane), batch);
    }

    /// A run ended whose task had been cancelled before it had a handle.
    fn orphan_ended(&mut self, attempt: Attempt, outcome: &Outcome, batch: &mut Batch) {
        let Some(run) = self.orphans.remove(&attempt) else { return };
        self.lane(&run.lane).end();
        let end = match outcome {
            Outcome::Unsent(_) => cancellation::End::Released,
            Outcome::Failed(failure) if !failure.maybe_submitted => cancellation::End::Released,
            Outcome::Failed(_) | Outcome::Doubt(..) => cancellation::End::InDoubt,
            Outcome::Completed(_) | Outcome::Overdue(_) => cancellation::End::Billable,
        };
        batch.resolved.push((attempt, end));
    }

    fn history(&self, flow: &Flow, index: usize) -> History {
        let task = &flow.tasks[index];
        let max_tries = match i16::try_from(task.node.max_attempts) {
            Ok(0) | Err(_) => USUAL_TRIES,
            Ok(max_tries) => max_tries,
        };
        let legs = self.routes.borrow().of(flow.entry(index).shelf.capability).len();
        let has_next_lane = usize::try_from(task.fallback).unwrap_or_default() + 1 < legs;
        History { tries: task.tries, max_tries, lane_tries: task.lane_tries, has_next_lane }
    }

    /// Notes what an attempt said about its lane.
    fn judge(&mut self, lane: &LaneName, verdict: Verdict) {
        let now = Instant::now();
        match verdict {
            Verdict::Answered => self.lane(lane).answered(now),
            Verdict::Failed => self.lane(lane).failed(now),
            Verdict::Rest(length) => self.lane(lane).rest(now, length),
            Verdict::Absent => {
                // What cannot be reached by one name cannot by another.
                self.lane(lane).absent(now);
                let names = self.lanes.iter_mut().filter(|(it, _)| **it != *lane);
                for (_, other) in names.filter(|(it, _)| it.provider == lane.provider) {
                    other.absent(now);
                }
            }
            Verdict::RestAll(length) => {
                self.lane(lane).rest(now, length);
                let names = self.lanes.iter_mut().filter(|(it, _)| **it != *lane);
                for (_, other) in names.filter(|(it, _)| it.provider == lane.provider) {
                    other.rest(now, length);
                }
            }
        }
    }

    fn close_attempt(
        &self,
        flow: &Flow,
        index: usize,
        run: &Run,
        close: Close<'_>,
        batch: &mut Batch,
    ) {
        let Attempt { task, number } = run.attempt;
        debug_assert!(run.phase.may_end_as(close.phase), "{:?} -> {:?}", run.phase, close.phase);
        let cost_micros = match close.entry {
            Some(("settle", cost)) => cost,
            _ => 0,
        };
        let run_id = RunId { task_id: flow.tasks[index].id, number };
        batch.has_cancellations |= close.is_cancelled;
        let change = batch.of(flow);
        change.closed.push(Closed {
            organization: flow.organization,
            task,
            number,
            phase: close.phase,
            cost_micros,
            failure: close.failure.map(Message::encode_to_vec),
            cancel: close.is_cancelled.then(|| run_id.to_string()),
            handle: None,
        });
        if let Some((name, amount)) = close.entry {
            change.ledger.push(entry(flow, run, name, amount));
        }
    }

    /// Does with a task what follows the failure of its attempt.
    fn follow(
        &mut self,
        flow: &mut Flow,
        index: usize,
        run: &Run,
        next: Next,
        failure: &Failure,
        batch: &mut Batch,
    ) {
        if next == Next::Park {
            flow.graph.set(index, State::Queued);
            batch.of(flow).wake(index, safety());
            return self.queue.push(flow.entry(index));
        }
        let task = &mut flow.tasks[index];
        task.tries += 1;
        task.lane_tries += 1;
        let delay = match next {
            Next::Fail | Next::Park => {
                let end = End::Failed(failure.clone());
                return self.finish(flow, index, end, Some(&run.lane), batch);
            }
            Next::Fallback => {
                task.lane_tries = 0;
                task.fallback += 1;
                Duration::ZERO
            }
            Next::Retry(delay) => delay,
        };
        let next_time = OffsetDateTime::now_utc() + delay;
        flow.graph.set(index, State::RetryWait);
        let event = payload::retrying(flow, index, run.attempt.number, failure, next_time);
        let change = batch.of(flow);
        change.wake(index, next_time);
        change.event(event);
        self.timers.insert((Instant::now() + delay, run.attempt.task), flow.entry(index));
    }

    /// Ends a task, and does what becomes possible by that.
    pub(super) fn finish(
        &mut self,
        flow: &mut Flow,
        index: usize,
        end: End,
        lane: Option<&LaneName>,
        batch: &mut Batch,
    ) {
        let mut lane = lane;
        let mut ends = vec![(index, end)];
        while let Some((index, end)) = ends.pop() {
            batch.of(flow).touch(flow, index);
            for child in flow.graph.children(index) {
                // One that was cancelled has ended before.
                if !flow.graph.node(*child).state.is_final() {
                    batch.of(flow).touch(flow, *child);
                }
            }
            let (state, failure) = match end {
                End::Completed(outputs) => {
                    flow.tasks[index].outputs = outputs;
                    (State::Completed, None)
                }
                End::Failed(failure) => (State::Failed, Some(failure)),
                End::Cancelled(reason) => (State::Cancelled, Some(reason)),
                End::Skipped => (State::Skipped, None),
            };
            self.tell_end(flow, index, state, lane.take(), failure.as_ref(), batch);
            for step in flow.graph.end(index, state) {
                match step {
                    Step::Queue(it) => {
                        flow.graph.set(it, State::Queued);
                        batch.of(flow).wake(it, safety());
                        self.queue.push(flow.entry(it));
                    }
                    Step::Build(it) => ends.push((it, build(flow, it))),
                    Step::Skip(it) => ends.push((it, End::Skipped)),
                    Step::Starve(it) => ends.push((it, End::Failed(starved()))),
                    Step::Cancel(it) => ends.push((it, End::Cancelled(deprived()))),
                }
            }
        }
        if let Some(verdict) = flow.graph.verdict() {
            self.close(flow, verdict, batch);
        }
    }

    /// Counts and tells that a task ended.
    pub(super) fn tell_end(
        &mut self,
        flow: &mut Flow,
        index: usize,
        state: State,
        lane: Option<&LaneName>,
        failure: Option<&Failure>,
        batch: &mut Batch,
    ) {
        flow.ended_count += 1;
        let task = &flow.tasks[index];
        let capability = capability(&task.node);
        batch.task_ends.push(TaskEnd { flow: flow.key, id: task.id, capability, state });
        let event = payload::task_ended(flow, index, state, lane, failure);
        let change = batch.of(flow);
        change.event(event);
        if let Some(failure) = failure {
            change.failed(index, failure);
        }
    }

    /// Closes the attempt that a task is at, if any. It is cancelled at its provider.
    pub(super) fn cut_off(
        &mut self,
        flow: &Flow,
        index: usize,
        reason: &Failure,
        batch: &mut Batch,
    ) {
        let Some(run) = self.running.remove(&flow.tasks[index].key) else { return };
        let phase = Phase::Cancelled;
        let close = Close { phase, failure: Some(reason), entry: None, is_cancelled: true };
        self.close_attempt(flow, index, &run, close, batch);
        batch.dropped.push(run);
    }
}

fn entry(flow: &Flow, run: &Run, name: &'static str, amount_micros: i64) -> Entry {
    Entry {
        organization: flow.organization,
        task: run.attempt.task,
        attempt: run.attempt.number,
        entry: name,
        amount_micros,
        currency: "USD".to_owned(),
    }
}

fn starved() -> Failure {
    let message = "too few of the nodes before completed";
    failure(Code::NoOutput, Retry::Never, Scope::Request, message)
}

fn deprived() -> Failure {
    let message = "too many of the nodes before were cancelled";
    failure(Code::Cancelled, Retry::Never, Scope::Request, message)
}

fn jitter() -> f64 {
    rand::random_range(0.0..1.0)
}
