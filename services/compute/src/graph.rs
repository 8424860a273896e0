//! Graphs: what becomes possible when a task ends, and how the whole ends.

use crate::task::State;
use crate::workflow;

/// What a task does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Work {
    /// Runs a model of a provider.
    Run,
    /// Composes a prompt, in the engine itself.
    ComposePrompt,
    /// Gathers outputs, in the engine itself. At least so many of those before it have to complete.
    Gather {
        /// 0 for all.
        min_completed: usize,
    },
}

/// One task, as far as the others are concerned.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) state: State,
    pub(crate) work: Work,
    /// The tasks that have to end first.
    pub(crate) after: Vec<usize>,
    /// Those of them that it needs an output of.
    pub(crate) bound_to: Vec<usize>,
    /// Whether the workflow goes on when it fails.
    pub(crate) optional: bool,
    /// How many of those before it have not ended.
    pub(crate) remaining: usize,
}

/// What becomes possible.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Step {
    /// The task waits for a lane now.
    Queue(usize),
    /// The task can be done in the engine itself.
    Build(usize),
    /// What the task needs will never be there.
    Skip(usize),
    /// Too few of those before the task completed, and not because any of them failed.
    Cancel(usize),
    /// Too few of those before the task completed.
    Starve(usize),
}

/// The tasks of a workflow and what they wait for.
#[derive(Clone, Debug)]
pub(crate) struct Graph {
    nodes: Vec<Node>,
    children: Vec<Vec<usize>>,
}

impl Graph {
    /// Returns the graph of `nodes`, which name earlier nodes only.
    pub(crate) fn new(nodes: Vec<Node>) -> Self {
        let mut children = vec![Vec::new(); nodes.len()];
        for (index, node) in nodes.iter().enumerate() {
            for parent in &node.after {
                children[*parent].push(index);
            }
        }
        Self { nodes, children }
    }

    /// Returns a task.
    pub(crate) fn node(&self, index: usize) -> &Node {
        &self.nodes[index]
    }

    /// Returns the tasks that come after a task.
    pub(crate) fn children(&self, index: usize) -> &[usize] {
        &self.children[index]
    }

    /// Moves a task to a state that is not final.
    pub(crate) fn set(&mut self, index: usize, state: State) {
        self.move_to(index, state);
    }

    /// Ends a task and returns what that makes possible.
    pub(crate) fn end(&mut self, index: usize, state: State) -> Vec<Step> {
        self.move_to(index, state);
        let mut steps = Vec::new();
        for child in self.children[index].clone() {
            let node = &mut self.nodes[child];
            node.remaining = node.remaining.saturating_sub(1);
            if node.remaining == 0 && node.state == State::Blocked {
                steps.push(self.unblocked(child));
            }
        }
        steps
    }

    fn move_to(&mut self, index: usize, state: State) {
        let node = &mut self.nodes[index];
        debug_assert!(node.state.may_become(state), "{:?} -> {state:?}", node.state);
        node.state = state;
    }

    /// Says what is to be done with a task that waits for no other any more.
    pub(crate) fn unblocked(&self, index: usize) -> Step {
        let node = &self.nodes[index];
        let completed = |it: &&usize| self.nodes[**it].state == State::Completed;
        match node.work {
            Work::Gather { min_completed } => {
                let needed = if min_completed == 0 { node.after.len() } else { min_completed };
                let is_enough = needed <= node.after.iter().filter(completed).count();
                let failed = self.failed();
                match is_enough {
                    true => Step::Build(index),
                    false if node.after.iter().any(|it| failed[*it]) => Step::Starve(index),
                    false => Step::Cancel(index),
                }
            }
            _ if !node.bound_to.iter().all(|it| completed(&it)) => Step::Skip(index),
            Work::ComposePrompt => Step::Build(index),
            Work::Run => Step::Queue(index),
        }
    }

    /// Tells of each task whether it failed, or was skipped for one that did.
    fn failed(&self) -> Vec<bool> {
        let mut failed = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            failed.push(match node.state {
                State::Failed => true,
                // Those that it is bound to are earlier.
                State::Skipped => node.bound_to.iter().any(|it| failed[*it]),
                _ => false,
            });
        }
        failed
    }

    /// Says how the whole ends, if it does.
    pub(crate) fn verdict(&self) -> Option<workflow::State> {
        let is_required = |state| self.nodes.iter().any(|it| it.state == state && !it.optional);
        if is_required(State::Failed) {
            return Some(workflow::State::Failed);
        }
        if is_required(State::Cancelled) {
            return Some(workflow::State::Cancelled);
        }
        let is_over = self.nodes.iter().all(|it| it.state.is_final());
        is_over.then_some(workflow::State::Completed)
    }

    /// Returns the tasks that have not ended.
    pub(crate) fn open(&self) -> Vec<usize> {
        let nodes = self.nodes.iter().enumerate();
        nodes.filter(|(_, it)| !it.state.is_final()).map(|(index, _)| index).collect()
    }
}

#[cfg(test)]
mod tests;
