//! Claims: which task goes to which lane next.

use std::time::{Duration, Instant};

use api::sartiq::compute::v1 as pb;
use api::sartiq::event::v1::TaskProgress;
use bytes::Bytes;
use time::OffsetDateTime;
use tokio::task::AbortHandle;

use super::batch::Batch;
use super::end::End;
use super::flow::Flow;
use super::owner::{Owner, Run, Trouble};
use super::providers::size_of;
use super::runner::{self, Attempt, Order};
use super::{SAFETY, bind, payload};
use crate::attempt::{Phase, RunId};
use crate::graph::Work;
use crate::lane::Room;
use crate::queue::{Entry, Shelf};
use crate::route::{Capability, LaneName};
use crate::store::commit::{Entry as Money, Prepared};
use crate::task::State;
use crate::workflow;

/// How many tasks are claimed in one transaction at most.
const CLAIMS: usize = 256;

/// How long an attempt may take where the node does not say.
const USUAL_TIMEOUT: Duration = Duration::from_secs(600);

/// Where a task can go.
enum Place {
    /// To this lane.
    Lane(LaneName),
    /// Nowhere, until a lane has room or has rested.
    Nowhere,
}

impl Owner {
    /// Claims as many tasks as the lanes take.
    pub(super) async fn claim(&mut self, batch: &mut Batch) -> Result<(), Trouble> {
        self.lanes_due = None;
        if self.is_stopping {
            return Ok(());
        }
        let mut left = CLAIMS;
        loop {
            // What the engine does itself makes more claimable, hence again until nothing is.
            let picked = self.pick(left);
            if picked.is_empty() {
                return Ok(());
            }
            left -= picked.len();
            let flows: Vec<i64> = picked.iter().map(|(it, _)| it.flow).collect();
            self.load(&flows).await?;
            for (entry, lane) in picked {
                self.begin(entry, lane, batch);
            }
            if left == 0 {
                // The rest has its turn at once.
                self.lanes_due = Some(Instant::now());
                return Ok(());
            }
        }
    }

    fn pick(&mut self, most: usize) -> Vec<(Entry, Option<LaneName>)> {
        let mut picked = Vec::new();
        for shelf in self.queue.shelves() {
            while picked.len() < most {
                let lane = match shelf.capability {
                    Capability::BUILTIN => None,
                    _ => match self.place(shelf) {
                        Place::Lane(lane) => Some(lane),
                        Place::Nowhere => break,
                    },
                };
                let Some(entry) = self.queue.pop(shelf) else { break };
                if let Some(lane) = &lane {
                    self.lane(lane).begin();
                }
                picked.push((entry, lane));
            }
        }
        picked
    }

    /// Finds the lane for the tasks of `shelf`: the first of the route that does not rest.
    fn place(&mut self, shelf: Shelf) -> Place {
        let now = Instant::now();
        let routes = self.routes.borrow().clone();
        let legs = routes.of(shelf.capability);
        // A route may have become shorter since.
        let first = usize::from(shelf.fallback).min(legs.len().saturating_sub(1));
        for leg in legs.get(first..).unwrap_or_default() {
            if self.engine.providers.named(&leg.name.provider).is_none() {
                continue;
            }
            match self.lane(&leg.name).room(now, leg.max_concurrency) {
                Room::Free => return Place::Lane(leg.name.clone()),
                // Worth waiting for: the next lane is for when this one cannot.
                Room::Full => return Place::Nowhere,
                Room::Probed => (),
                Room::Resting(until) => {
                    self.lanes_due = Some(self.lanes_due.map_or(until, |it| it.min(until)));
                }
            }
        }
        Place::Nowhere
    }

    /// Begins a task that was claimed: in the engine itself, or on `lane`.
    fn begin(&mut self, entry: Entry, lane: Option<LaneName>, batch: &mut Batch) {
        let flow = self.flows.remove(&entry.flow);
        let index = flow.as_ref().and_then(|it| it.index(entry.task));
        let (Some(mut flow), Some(index)) = (flow, index) else {
            // The workflow ended in the meantime.
            return self.leave(lane);
        };
        let state = flow.graph.node(index).state;
        if !matches!(state, State::Queued | State::RetryWait) {
            self.leave(lane);
            self.flows.insert(flow.key, flow);
            return;
        }
        batch.of(&flow).touch(&flow, index);
        if flow.state == workflow::State::Pending {
            flow.state = workflow::State::Running;
        }
        let end = match &lane {
            None => Some(build(&flow, index)),
            Some(lane) => self.submit(&mut flow, index, lane, batch).err(),
        };
        if let Some(end) = end {
            self.leave(lane);
            self.finish(&mut flow, index, end, None, batch);
        }
        self.flows.insert(flow.key, flow);
    }

    fn leave(&mut self, lane: Option<LaneName>) {
        if let Some(lane) = lane {
            self.lane(&lane).end();
        }
    }

    /// Prepares an attempt, which is submitted once that is durable.
    fn submit(
        &mut self,
        flow: &mut Flow,
        index: usize,
        lane: &LaneName,
        batch: &mut Batch,
    ) -> Result<(), End> {
        let node = flow.tasks[index].node.clone();
        let mut input = bind::fill(flow, &node).map_err(End::Failed)?;
        input.model = lane.model.to_string();
        let price = self.engine.providers.price(lane);
        let reserved = price.map(|it| it.of(size_of(&input)));
        let reserved_micros = reserved.map_or(0, |it| it.micros);
        let timeout = timeout(&node);
        let task = &mut flow.tasks[index];
        task.attempt += 1;
        let attempt = Attempt { task: task.key, number: task.attempt };
        let run_id = RunId { task_id: task.id, number: task.attempt };
        flow.graph.set(index, State::Running);
        if attempt.number == 1 {
            let event = payload::started(flow, index);
            batch.of(flow).event(event);
        }
        let change = batch.of(flow);
        let grace = self.engine.settings.grace;
        change.wake(index, OffsetDateTime::now_utc() + timeout + 2 * grace);
        change.prepared.push(Prepared {
            task: attempt.task,
            number: attempt.number,
            provider: lane.provider.to_string(),
            model: lane.model.to_string(),
            reserved_micros,
            currency: "USD".to_owned(),
        });
        change.ledger.push(Money {
            organization: flow.organization,
            task: attempt.task,
            attempt: attempt.number,
            entry: "reserve",
            amount_micros: reserved_micros,
            currency: "USD".to_owned(),
        });
        let run = Run {
            attempt,
            flow: flow.key,
            lane: lane.clone(),
            phase: Phase::Prepared,
            begun: Instant::now(),
            reserved_micros,
            runner: None,
        };
        let order = Order {
            attempt,
            run_id: run_id.to_string(),
            organization: flow.organization,
            trace: flow.trace,
            input,
            resume_token: None,
            deadline: (Instant::now() + timeout).into(),
            grace,
            about: about(flow, index, lane),
        };
        batch.starts.push((run, order));
        Ok(())
    }

    /// Returns the order to resume an attempt that a former owner submitted.
    pub(super) fn resumption(
        &self,
        flow: &Flow,
        index: usize,
        lane: &LaneName,
        token: Vec<u8>,
        age: Duration,
    ) -> Result<Order, End> {
        let task = &flow.tasks[index];
        let mut input = bind::fill(flow, &task.node).map_err(End::Failed)?;
        input.model = lane.model.to_string();
        let left = timeout(&task.node).saturating_sub(age);
        let run_id = RunId { task_id: task.id, number: task.attempt };
        Ok(Order {
            attempt: Attempt { task: task.key, number: task.attempt },
            run_id: run_id.to_string(),
            organization: flow.organization,
            trace: flow.trace,
            input,
            resume_token: Some(Bytes::from(token)),
            deadline: (Instant::now() + left).into(),
            grace: self.engine.settings.grace,
            about: about(flow, index, lane),
        })
    }

    /// Starts the runner of an attempt. Nothing if its provider is not configured any more.
    pub(super) fn start(&mut self, lane: &LaneName, order: Order) -> Option<AbortHandle> {
        let client = self.engine.providers.named(&lane.provider)?.client();
        let (inputs, progress) = (self.engine.inputs.clone(), self.engine.progress.clone());
        Some(self.runners.spawn(runner::run(order, client, inputs, progress)))
    }
}

/// Does the work of the engine itself.
pub(super) fn build(flow: &Flow, index: usize) -> End {
    let node = &flow.tasks[index].node;
    match (flow.graph.node(index).work, &node.compose_prompt) {
        (Work::ComposePrompt, Some(work)) => {
            let max_length = usize::try_from(work.max_length).unwrap_or_default();
            let text = crate::prompt::compose(&work.parts, max_length);
            let output = Some(pb::task_output::Output::Text(text));
            End::Completed(vec![pb::TaskOutput { output }])
        }
        _ => End::Completed(bind::gather(flow, node)),
    }
}

/// Returns when a task that waits is looked at again, whatever happens.
pub(super) fn safety() -> OffsetDateTime {
    // Spread, so that a backlog does not wake in one moment.
    OffsetDateTime::now_utc() + SAFETY.mul_f64(rand::random_range(1.0..1.5))
}

fn timeout(node: &pb::Node) -> Duration {
    node.timeout.and_then(|it| Duration::try_from(it).ok()).unwrap_or(USUAL_TIMEOUT)
}

fn about(flow: &Flow, index: usize, lane: &LaneName) -> TaskProgress {
    let task = &flow.tasks[index];
    TaskProgress {
        task_id: task.id.to_string(),
        workflow_id: flow.id.to_string(),
        reference: flow.reference.clone(),
        node: task.node.name.clone(),
        provider: lane.provider.to_string(),
        ..TaskProgress::default()
    }
}
