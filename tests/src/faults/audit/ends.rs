//! How generations, and processes, have to end.

use std::collections::{BTreeMap, BTreeSet};

use super::super::record::{Attempt, Ending, Evidence, Outage};
use super::{ANSWER, BOUND, Verdict};

/// Everything that was accepted ends, within a bound of fair weather.
pub(super) fn accepted_ends(evidence: &Evidence) -> Verdict {
    let mut verdict = Verdict::new("everything accepted ends in time");
    let last = evidence.outages.iter().map(|it| it.end).fold(0.0, f64::max);
    for record in &evidence.records {
        let (Some(accepted), Some(id)) = (record.accepted, record.id()) else { continue };
        let Some(ended) = record.ended else {
            let state = evidence.lasts.get(id).and_then(|it| it.as_ref());
            let state = state.map_or("not found", |it| &it.state);
            verdict.check(false, || format!("{id} has not ended: {state}"));
            continue;
        };
        let fair = ended - accepted - broken(&evidence.outages, accepted, ended);
        let late = ended - last.max(accepted);
        verdict.check(fair <= BOUND && late <= BOUND, || {
            format!("{id} took {fair:.1} s of fair weather, and ended {late:.1} s after the last")
        });
    }
    // What nobody was told of was accepted nevertheless.
    for id in evidence.unanswered() {
        let last = evidence.lasts.get(id).and_then(|it| it.as_ref());
        verdict.check(last.is_some_and(Ending::is_final), || {
            let state = last.map_or("not found", |it| &it.state);
            format!("{id}, whose start was not answered, has not ended: {state}")
        });
    }
    verdict
}

/// How many seconds between two moments something was broken.
pub(in crate::faults) fn broken(outages: &[Outage], from: f64, to: f64) -> f64 {
    outages.iter().map(|it| (it.end.min(to) - it.begin.max(from)).max(0.0)).sum()
}

/// Whoever repeats a request is answered with the first generation, and nobody is refused; what was
/// accepted and not answered is the one generation of its request, too.
pub(super) fn one_request_is_one_generation(evidence: &Evidence) -> Verdict {
    let mut verdict = Verdict::new("one request is one generation");
    let mut requests = BTreeMap::new();
    for record in &evidence.records {
        verdict.check(record.ids.iter().all(|it| Some(&**it) == record.id()), || {
            format!("request {} is {}", record.request_id, record.ids.join(" and "))
        });
        verdict.check(record.refusal.is_none(), || {
            let why = record.refusal.as_deref().unwrap_or_default();
            format!("request {} was refused: {why}", record.request_id)
        });
        // Nobody can be answered while everything is broken.
        let fair = record
            .quit
            .map_or(0.0, |quit| quit - record.sent - broken(&evidence.outages, record.sent, quit));
        verdict.check(record.id().is_some() || (record.quit.is_some() && fair < ANSWER), || {
            format!("request {} was not answered in {fair:.1} s of fair weather", record.request_id)
        });
        if let Some(id) = record.id() {
            let other = requests.insert(id, &*record.request_id);
            verdict.check(other.is_none(), || format!("{id} answers two requests"));
            verdict.check(evidence.listed.contains(id), || format!("{id} is not listed"));
        }
    }
    // Who started what, as the events have it: also what no client was told of.
    let mut started = BTreeMap::<&str, BTreeSet<&str>>::new();
    for told in evidence.told.iter().filter(|it| it.name == "generation_started") {
        started.entry(&told.request).or_default().insert(&told.subject);
    }
    for record in &evidence.records {
        let ids = started.remove(&*record.request_id).unwrap_or_default();
        let is_one = ids.len() <= 1 && ids.iter().all(|it| record.id().is_none_or(|id| id == *it));
        verdict.check(is_one, || {
            format!("request {} started {ids:?} and is {:?}", record.request_id, record.id())
        });
    }
    verdict.check(started.is_empty(), || format!("nobody asked for what was started: {started:?}"));
    let starts: BTreeSet<&str> = evidence
        .told
        .iter()
        .filter(|it| it.name == "generation_started")
        .map(|it| &*it.subject)
        .collect();
    for id in &evidence.listed {
        verdict.check(starts.contains(&**id), || format!("{id} is of no request"));
    }
    verdict
}

/// No fault that heals makes a generation fail: nobody asked for a refusal.
pub(super) fn nothing_fails(evidence: &Evidence) -> Verdict {
    let mut verdict = Verdict::new("what heals fails nothing");
    for (id, last) in &evidence.lasts {
        let Some(last) = last else { continue };
        let lost: Vec<i32> =
            last.pictures.iter().filter(|it| !it.is_ready).map(|it| it.index).collect();
        verdict.check(last.state == "STATE_COMPLETED" && lost.is_empty(), || {
            let phases: Vec<_> = evidence
                .attempts
                .iter()
                .filter(|it| it.generation_id == *id)
                .map(|it| format!("{}#{} {}", it.node, it.number, it.phase))
                .collect();
            let (state, error) = (&last.state, &last.error);
            format!("{id} {state} {error}, without {lost:?}: {}", phases.join(", "))
        });
    }
    verdict
}

/// Each generation has the pictures that it was asked for, each once.
pub(super) fn no_prediction_is_lost_or_doubled(evidence: &Evidence) -> Verdict {
    let mut verdict = Verdict::new("no prediction lost or doubled");
    let mut media = BTreeSet::new();
    for record in &evidence.records {
        let Some(id) = record.id() else { continue };
        let Some(Some(last)) = evidence.lasts.get(id) else {
            verdict.check(false, || format!("{id} is not to be found"));
            continue;
        };
        let indices: Vec<_> = last.pictures.iter().map(|it| it.index as usize).collect();
        verdict.check(indices.iter().copied().eq(0..record.count), || {
            format!("{id} was to have {} pictures and has {indices:?}", record.count)
        });
        for picture in last.pictures.iter().filter(|it| it.is_ready) {
            verdict.check(!picture.media_id.is_empty(), || {
                format!("prediction {} is ready without a picture", picture.id)
            });
        }
    }
    for id in evidence.unanswered() {
        let Some(Some(last)) = evidence.lasts.get(id) else {
            verdict.check(false, || format!("{id} is listed and not to be found"));
            continue;
        };
        let indices: Vec<_> = last.pictures.iter().map(|it| it.index as usize).collect();
        let is_dense = !indices.is_empty() && indices.iter().copied().eq(0..indices.len());
        verdict.check(is_dense, || format!("{id} has pictures {indices:?}"));
    }
    let pictures = evidence.lasts.values().flatten().flat_map(|it| &it.pictures);
    for picture in pictures.filter(|it| it.is_ready) {
        verdict.check(media.insert(&picture.media_id), || {
            format!("media {} is the picture of two predictions", picture.media_id)
        });
    }
    verdict
}

/// What has ended stays as it is, and only one attempt of a task, its last, made the result.
pub(super) fn stale_attempts_change_nothing(evidence: &Evidence) -> Verdict {
    let mut verdict = Verdict::new("stale attempts change nothing");
    for record in &evidence.records {
        let (Some(id), Some(first)) = (record.id(), &record.first) else { continue };
        let last = evidence.lasts.get(id).and_then(|it| it.as_ref());
        verdict.check(last == Some(first), || {
            format!("{id} had ended as {first:?}, and then became {last:?}")
        });
    }
    let mut tasks = BTreeMap::<&str, Vec<&Attempt>>::new();
    for attempt in &evidence.attempts {
        tasks.entry(&attempt.task_id).or_default().push(attempt);
    }
    for (task, mut attempts) in tasks {
        attempts.sort_by_key(|it| it.number);
        let Some((last, earlier)) = attempts.split_last() else { continue };
        let is_over = |it: &&Attempt| matches!(&*it.phase, "FAILED" | "CANCELLED" | "IN_DOUBT");
        verdict.check(earlier.iter().all(is_over), || {
            let phases: Vec<_> = attempts.iter().map(|it| &*it.phase).collect();
            format!("task {task} went on beside an attempt that was not over: {phases:?}")
        });
        verdict.check(is_over(last) || last.phase == "DONE", || {
            format!("task {task}: its last attempt is still {}", last.phase)
        });
    }
    verdict
}

/// Processes bear the loss of whatever they depend on.
pub(super) fn nothing_ends_by_itself(evidence: &Evidence) -> Verdict {
    let mut verdict = Verdict::new("no process ends by itself");
    verdict.checked = evidence.outages.len();
    verdict.breaches.clone_from(&evidence.ended);
    verdict
}
