//! What graphs promise.

use super::*;

fn node(work: Work, after: &[usize], bound_to: &[usize], optional: bool) -> Node {
    let state = if after.is_empty() { State::Queued } else { State::Blocked };
    let (after, bound_to) = (after.to_vec(), bound_to.to_vec());
    Node { state, work, remaining: after.len(), after, bound_to, optional }
}

/// Two pictures from one prompt, gathered.
fn fan(min_completed: usize, optional: bool) -> Graph {
    Graph::new(vec![
        node(Work::ComposePrompt, &[], &[], false),
        node(Work::Run, &[0], &[0], optional),
        node(Work::Run, &[0], &[0], optional),
        node(Work::Gather { min_completed }, &[1, 2], &[], false),
    ])
}

impl Step {
    fn index(self) -> usize {
        match self {
            Self::Queue(it)
            | Self::Build(it)
            | Self::Skip(it)
            | Self::Cancel(it)
            | Self::Starve(it) => it,
        }
    }
}

/// Runs a task to its end, from wherever it waits.
fn run(graph: &mut Graph, index: usize, end: State) -> Vec<Step> {
    for state in [State::Queued, State::Running] {
        if graph.node(index).state != state {
            graph.set(index, state);
        }
    }
    graph.end(index, end)
}

#[test]
fn what_was_waited_for_makes_ready() {
    let mut graph = fan(0, false);
    assert_eq!(graph.end(0, State::Completed), [Step::Queue(1), Step::Queue(2)]);
    assert_eq!(run(&mut graph, 1, State::Completed), []);
    assert_eq!(run(&mut graph, 2, State::Completed), [Step::Build(3)]);
    assert_eq!(graph.verdict(), None);
    graph.end(3, State::Completed);
    assert_eq!(graph.verdict(), Some(workflow::State::Completed));
}

#[test]
fn a_required_failure_ends_the_whole() {
    let mut graph = fan(0, false);
    graph.end(0, State::Completed);
    run(&mut graph, 1, State::Failed);
    assert_eq!(graph.verdict(), Some(workflow::State::Failed));
    assert_eq!(graph.open(), [2, 3]);
}

#[test]
fn enough_is_enough_and_too_few_are_too_few() {
    for (min_completed, step) in [(1, Step::Build(3)), (2, Step::Starve(3)), (0, Step::Starve(3))] {
        let mut graph = fan(min_completed, true);
        graph.end(0, State::Completed);
        run(&mut graph, 1, State::Failed);
        assert_eq!(run(&mut graph, 2, State::Completed), [step], "{min_completed}");
        assert_eq!(graph.verdict(), None);
    }
}

#[test]
fn who_is_bound_to_a_failure_is_skipped_and_who_only_waits_is_not() {
    let mut graph = Graph::new(vec![
        node(Work::Run, &[], &[], true),
        node(Work::Run, &[0], &[0], false),
        node(Work::Run, &[0], &[], false),
        node(Work::Run, &[1], &[1], false),
    ]);
    assert_eq!(run(&mut graph, 0, State::Failed), [Step::Skip(1), Step::Queue(2)]);
    assert_eq!(graph.end(1, State::Skipped), [Step::Skip(3)]);
    graph.end(3, State::Skipped);
    assert_eq!(graph.verdict(), None);
    run(&mut graph, 2, State::Completed);
    assert_eq!(graph.verdict(), Some(workflow::State::Completed));
}

#[test]
fn who_is_bound_to_what_was_cancelled_is_skipped_and_the_rest_goes_on() {
    let mut graph = Graph::new(vec![
        node(Work::Run, &[], &[], true),
        node(Work::Run, &[], &[], true),
        node(Work::Run, &[0], &[0], true),
        node(Work::Run, &[1], &[1], true),
        node(Work::Gather { min_completed: 1 }, &[2, 3], &[], false),
    ]);
    assert_eq!(graph.end(0, State::Cancelled), [Step::Skip(2)]);
    assert_eq!(graph.end(2, State::Skipped), []);
    run(&mut graph, 1, State::Completed);
    // Cancelled before it could begin.
    let mut other = graph.clone();
    assert_eq!(other.end(3, State::Cancelled), [Step::Cancel(4)]);
    other.end(4, State::Cancelled);
    assert_eq!(other.verdict(), Some(workflow::State::Cancelled));
    assert_eq!(run(&mut graph, 3, State::Completed), [Step::Build(4)]);
    graph.end(4, State::Completed);
    assert_eq!(graph.verdict(), Some(workflow::State::Completed));
}

#[test]
fn what_failed_beside_what_was_cancelled_is_a_failure() {
    let mut graph = Graph::new(vec![
        node(Work::Run, &[], &[], true),
        node(Work::Run, &[], &[], true),
        node(Work::Run, &[0], &[0], true),
        node(Work::Gather { min_completed: 1 }, &[1, 2], &[], false),
    ]);
    run(&mut graph, 0, State::Failed);
    graph.end(2, State::Skipped);
    assert_eq!(graph.end(1, State::Cancelled), [Step::Starve(3)]);
}

#[test]
fn a_required_task_takes_the_whole_with_it() {
    let mut graph = fan(0, false);
    graph.end(0, State::Cancelled);
    assert_eq!(graph.verdict(), Some(workflow::State::Cancelled));
}

/// Whatever the graph and whatever fails, following the steps ends every task exactly once, by legal
/// transitions only, and the verdict says whether a required one failed.
#[test]
fn random_graphs_end() {
    let mut seed = 7_u64;
    let mut random = move |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    for round in 0..500 {
        let nodes = (0..1 + random(12)).map(|index| {
            let after: Vec<usize> = (0..index).filter(|_| random(3) == 0).collect();
            let bound_to: Vec<usize> = after.iter().copied().filter(|_| random(2) == 0).collect();
            let work = match random(4) {
                0 if !after.is_empty() => Work::Gather { min_completed: random(after.len() + 1) },
                1 => Work::ComposePrompt,
                _ => Work::Run,
            };
            node(work, &after, if work == Work::Run { &bound_to } else { &[] }, random(2) == 0)
        });
        let mut graph = Graph::new(nodes.collect());
        let mut steps: Vec<Step> = graph
            .open()
            .into_iter()
            .filter(|it| graph.node(*it).remaining == 0)
            .map(|it| graph.unblocked(it))
            .collect();
        let mut ended = Vec::new();
        while graph.verdict().is_none() {
            assert!(!steps.is_empty(), "round {round}: stuck with {:?} open", graph.open());
            let step = steps.swap_remove(random(steps.len()));
            let (index, end) = match step {
                Step::Queue(it) | Step::Build(it) if random(4) != 0 => (it, State::Completed),
                Step::Queue(it) | Step::Build(it) | Step::Starve(it) => (it, State::Failed),
                Step::Skip(it) => (it, State::Skipped),
                Step::Cancel(it) => (it, State::Cancelled),
            };
            // Now and then somebody wants one no more that nobody has begun.
            let open = graph.open();
            if random(8) == 0
                && let Some(other) = open.get(random(open.len())).copied()
                && other != index
                && !steps.iter().any(|it| it.index() == other)
            {
                ended.push(other);
                steps.extend(graph.end(other, State::Cancelled));
            }
            ended.push(index);
            // Transitions that are not legal panic.
            steps.extend(match step {
                Step::Queue(_) => run(&mut graph, index, end),
                _ => graph.end(index, end),
            });
        }
        let total = ended.len();
        ended.sort_unstable();
        ended.dedup();
        assert_eq!(ended.len(), total, "round {round}: a task ended twice");
        let is_whole = graph.verdict() == Some(workflow::State::Completed);
        assert!(!is_whole || graph.open().is_empty(), "round {round}");
    }
}
