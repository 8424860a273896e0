//! Workflows in the owner's memory, from the first claim to the end.

use api::sartiq::compute::v1 as pb;
use prost::Message;
use server::Trace;
use types::id::{OrganizationId, TaskId, WorkflowId};

use crate::graph::{Graph, Node, Work};
use crate::queue::{Entry, Shelf};
use crate::route::Capability;
use crate::store::commit::Before;
use crate::store::hot;
use crate::task::State;
use crate::workflow::{self, Priority};

use super::providers::capability_of;

/// A workflow.
#[derive(Debug)]
pub(super) struct Flow {
    pub(super) key: i64,
    pub(super) id: WorkflowId,
    pub(super) organization: OrganizationId,
    pub(super) reference: String,
    priority: Priority,
    pub(super) state: workflow::State,
    pub(super) ended_count: i32,
    pub(super) cost_micros: i64,
    sequence: i64,
    /// Where in a trace it was asked for.
    pub(super) trace: Trace,
    pub(super) graph: Graph,
    pub(super) tasks: Vec<Task>,
}

/// A task of it.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) key: i64,
    pub(super) id: TaskId,
    pub(super) node: pb::Node,
    pub(super) attempt: i32,
    pub(super) tries: i16,
    pub(super) lane_tries: i16,
    pub(super) fallback: i16,
    pub(super) outputs: Vec<pb::TaskOutput>,
    pub(super) cost_micros: i64,
}

impl Flow {
    /// Reads what the store keeps. Nothing if it was written by nobody who followed the contract.
    pub(super) fn load(row: hot::Flow) -> Result<Self, prost::DecodeError> {
        let mut tasks = Vec::with_capacity(row.tasks.len());
        let mut states = Vec::with_capacity(row.tasks.len());
        for task in row.tasks {
            states.push((task.state, usize::try_from(task.remaining).unwrap_or_default()));
            tasks.push(Task {
                key: task.key,
                id: task.id,
                node: pb::Node::decode(task.node.as_slice())?,
                attempt: task.attempt,
                tries: task.tries,
                lane_tries: task.lane_tries,
                fallback: task.fallback,
                outputs: pb::Task::decode(task.outputs.as_slice())?.outputs,
                cost_micros: 0,
            });
        }
        let index = |name: &str| tasks.iter().position(|it| it.node.name == name);
        let nodes = tasks.iter().zip(&states).map(|(task, (state, remaining))| {
            let node = &task.node;
            Node {
                state: *state,
                work: work(node),
                after: node.after.iter().filter_map(|it| index(it)).collect(),
                bound_to: node.bindings.iter().filter_map(|it| index(&it.node)).collect(),
                optional: node.optional,
                remaining: *remaining,
            }
        });
        let graph = Graph::new(nodes.collect());
        Ok(Self {
            key: row.key,
            id: row.id,
            organization: row.organization,
            reference: row.reference,
            priority: row.priority,
            state: row.state,
            ended_count: row.ended_count,
            cost_micros: row.cost_micros,
            sequence: row.event_sequence,
            trace: Trace::stored(row.traceparent.as_deref()),
            graph,
            tasks,
        })
    }

    /// Returns the place of a task in the graph.
    pub(super) fn index(&self, task: i64) -> Option<usize> {
        // Keys are drawn in the order of the graph.
        self.tasks.binary_search_by_key(&task, |it| it.key).ok()
    }

    /// Returns where a task is now, to be compared when a change of it is written.
    pub(super) fn before(&self, index: usize) -> Before {
        Before { state: self.graph.node(index).state, attempt: self.tasks[index].attempt }
    }

    /// Returns the number of the last event.
    pub(super) fn sequence(&self) -> i64 {
        self.sequence
    }

    /// Counts one more event and returns its number.
    pub(super) fn next_sequence(&mut self) -> i64 {
        self.sequence += 1;
        self.sequence
    }

    /// Returns a task as the queue knows it.
    pub(super) fn entry(&self, index: usize) -> Entry {
        let task = &self.tasks[index];
        let shelf = Shelf {
            fallback: u16::try_from(task.fallback).unwrap_or_default(),
            capability: capability(&task.node),
        };
        Entry {
            flow: self.key,
            task: task.key,
            organization: self.organization,
            priority: self.priority,
            shelf,
        }
    }

    /// Returns a task by the name of its node.
    pub(super) fn named(&self, name: &str) -> Option<(usize, &Task)> {
        self.tasks.iter().enumerate().find(|(_, it)| it.node.name == name)
    }

    /// Tells whether a task has ended well.
    pub(super) fn is_completed(&self, index: usize) -> bool {
        self.graph.node(index).state == State::Completed
    }
}

/// Returns what a node does.
pub(crate) fn work(node: &pb::Node) -> Work {
    match (&node.compose_prompt, &node.gather) {
        (Some(_), _) => Work::ComposePrompt,
        (_, Some(gather)) => {
            let min_completed = usize::try_from(gather.min_completed).unwrap_or_default();
            Work::Gather { min_completed }
        }
        _ => Work::Run,
    }
}

/// Returns what a node needs a lane for.
pub(crate) fn capability(node: &pb::Node) -> Capability {
    node.run.as_ref().map_or(Capability::BUILTIN, capability_of)
}
