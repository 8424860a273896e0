//! What a subscriber has to be told.

use std::collections::BTreeMap;

use super::super::record::Evidence;
use super::Verdict;

/// A subscriber that comes back with its cursor is told of each event once, in order, without a gap.
pub(super) fn no_gap_and_no_duplicate(evidence: &Evidence) -> Verdict {
    let mut verdict = Verdict::new("a subscriber misses nothing, sees nothing twice");
    let mut at: BTreeMap<&str, i64> =
        evidence.heads.iter().map(|(source, (before, _))| (&**source, *before)).collect();
    for told in &evidence.told {
        let last = at.entry(&told.source).or_default();
        let (position, expected) = (told.position, *last + 1);
        verdict.check(position == expected, || {
            let what = if position < expected { "again" } else { "too early" };
            let connection = told.connection;
            let source = &told.source;
            format!("{source} {position} came {what}: {expected} is next (connection {connection}, after {:.1} s)", told.time)
        });
        *last = position.max(*last);
    }
    for (source, (_, head)) in &evidence.heads {
        let last = at.get(&**source).copied().unwrap_or_default();
        verdict.check(last == *head, || format!("{source} was told up to {last} of {head}"));
    }
    for refusal in &evidence.refused {
        verdict.check(false, || format!("the cursor was refused {refusal}"));
    }
    verdict
}

/// Each start and end is told of once, and events of a workflow are numbered without gaps.
pub(super) fn everything_is_told_once(evidence: &Evidence) -> Verdict {
    let mut verdict = Verdict::new("every start and end is told once");
    let mut counts = BTreeMap::<(&str, &str), usize>::new();
    let mut sequences = BTreeMap::<&str, Vec<i64>>::new();
    for told in &evidence.told {
        *counts.entry((told.name, &told.subject)).or_default() += 1;
        if 0 < told.sequence {
            sequences.entry(&told.subject).or_default().push(told.sequence);
        }
    }
    let count = |name: &str, subject: &str| counts.get(&(name, subject)).copied().unwrap_or(0);
    for (id, last) in &evidence.lasts {
        let Some(last) = last else { continue };
        for name in ["generation_started", "generation_ended"] {
            let n = count(name, id);
            verdict.check(n == 1, || format!("{name} of {id} was told {n} times"));
        }
        for picture in &last.pictures {
            let (ready, id) = (count("prediction_ready", &picture.id), &picture.id);
            let expected = usize::from(picture.is_ready);
            verdict.check(ready == expected, || {
                format!("prediction_ready of {id} was told {ready} times in place of {expected}")
            });
        }
    }
    for (workflow, numbers) in sequences {
        let is_dense = numbers.iter().copied().eq(1..=numbers.len() as i64);
        verdict.check(is_dense, || format!("workflow {workflow} was told as {numbers:?}"));
    }
    verdict
}
