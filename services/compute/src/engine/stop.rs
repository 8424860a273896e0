//! Stopping tasks that nobody wants any more: some of a workflow, or what is left of it at its end.

use std::collections::HashSet;

use api::sartiq::provider::v1::failure::{Code, Retry, Scope};

use super::batch::Batch;
use super::end::End;
use super::flow::Flow;
use super::outcome::failure;
use super::owner::{Owner, Trouble};
use super::payload::{self, Scene};
use crate::store::task_cancellation;
use crate::task::State;
use crate::workflow;

/// How many tasks are stopped in one transaction at most.
const MOST: i64 = 1000;

impl Owner {
    /// Cancels the tasks that were noted to be cancelled. Those that have ended stay as they are.
    pub(super) async fn stop(&mut self, batch: &mut Batch) -> Result<(), Trouble> {
        if !self.has_task_cancellations {
            return Ok(());
        }
        let rows = task_cancellation::list(&self.engine.db, MOST).await?;
        let is_all = i64::try_from(rows.len()).unwrap_or(i64::MAX) < MOST;
        self.has_task_cancellations = !is_all;
        let flows: HashSet<i64> = rows.iter().map(|it| it.flow).collect();
        let unknown: Vec<i64> =
            flows.into_iter().filter(|it| !self.flows.contains_key(it)).collect();
        self.load(&unknown).await?;
        for key in unknown {
            self.queue_up(key);
        }
        for row in rows {
            batch.stopped.push(row.task);
            // Without its workflow the task has ended.
            let Some(mut flow) = self.flows.remove(&row.flow) else { continue };
            if let Some(index) = flow.index(row.task)
                && !flow.graph.node(index).state.is_final()
            {
                self.stop_task(&mut flow, index, batch);
            }
            self.flows.insert(flow.key, flow);
        }
        Ok(())
    }

    fn stop_task(&mut self, flow: &mut Flow, index: usize, batch: &mut Batch) {
        let message = "the task was cancelled";
        let reason = failure(Code::Cancelled, Retry::Never, Scope::Request, message);
        batch.of(flow).touch(flow, index);
        let task = flow.tasks[index].key;
        self.queue.remove_task(flow.entry(index));
        self.timers.retain(|_, it| it.task != task);
        self.cut_off(flow, index, &reason, batch);
        self.finish(flow, index, End::Cancelled(reason), None, batch);
    }

    /// Ends a workflow. What has not ended is cancelled.
    pub(super) fn close(&mut self, flow: &mut Flow, verdict: workflow::State, batch: &mut Batch) {
        let message = match verdict {
            workflow::State::Cancelled => "another task of the workflow was cancelled",
            _ => "another task of the workflow failed",
        };
        let reason = failure(Code::Cancelled, Retry::Never, Scope::Request, message);
        let open = flow.graph.open();
        if !open.is_empty() {
            self.queue.remove(flow.key, flow.organization);
            self.timers.retain(|_, it| it.flow != flow.key);
        }
        for index in open {
            batch.of(flow).touch(flow, index);
            self.cut_off(flow, index, &reason, batch);
            if let Some(run) = batch.unclaim(flow, flow.tasks[index].key) {
                self.lane(&run.lane).end();
            }
            flow.graph.end(index, State::Cancelled);
            self.tell_end(flow, index, State::Cancelled, None, Some(&reason), batch);
        }
        flow.state = verdict;
        batch.ended.push(flow.key);
        let (workflow, sequence) = (flow.id, flow.next_sequence());
        let scene = Scene { workflow, reference: &flow.reference, sequence };
        let event = payload::workflow_ended(scene, verdict, flow.cost_micros);
        batch.of(flow).event(event);
    }

    /// Queues what of a workflow waits for a lane: one that is cancelled of at once may be read for
    /// that, before its acceptance was heard of.
    fn queue_up(&mut self, key: i64) {
        let Some(flow) = self.flows.get(&key) else { return };
        for index in flow.graph.open() {
            if flow.graph.node(index).state == State::Queued {
                self.queue.push(flow.entry(index));
            }
        }
    }
}
