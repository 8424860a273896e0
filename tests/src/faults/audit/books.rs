//! What the vendor's books and the bucket have to say.

use std::collections::{BTreeMap, BTreeSet};

use super::super::record::{Attempt, Evidence};
use super::Verdict;

/// The vendor was asked once for each attempt, and for no other.
///
/// A vendor that takes one request twice of its own accord notes that in its ledger; such are as many
/// as it notes, and no more.
pub(super) fn one_submission_per_attempt(evidence: &Evidence) -> Verdict {
    let mut verdict = Verdict::new("one submission per attempt");
    let known: BTreeMap<String, &Attempt> =
        evidence.attempts.iter().map(|it| (it.reference(), it)).collect();
    let mut submitted = BTreeMap::<&str, Vec<&str>>::new();
    for entry in evidence.ledger.iter().filter(|it| it.kind == "submitted") {
        submitted.entry(&entry.reference).or_default().push(&entry.request_id);
    }
    for (reference, requests) in &submitted {
        verdict.check(known.contains_key(*reference), || {
            format!("the vendor was asked for `{reference}`, which is no attempt")
        });
        verdict.check(requests.len() <= 2, || {
            format!("the vendor was asked {} times for {reference}", requests.len())
        });
    }
    let n_extra: usize = submitted.values().map(|it| it.len() - 1).sum();
    let n_doubled = doubled(evidence);
    verdict.check(n_extra <= n_doubled, || {
        let twice = submitted.iter().filter(|(_, it)| 1 < it.len()).map(|(it, _)| *it);
        let twice: Vec<_> = twice.collect();
        format!("{n_extra} requests came again, and the vendor doubled {n_doubled}: {twice:?}")
    });
    let mut jobs = BTreeMap::new();
    for attempt in evidence.attempts.iter().filter(|it| !it.vendor_job_id.is_empty()) {
        let reference = attempt.reference();
        let requests = submitted.get(&*reference).map(Vec::as_slice).unwrap_or_default();
        verdict.check(requests.contains(&&*attempt.vendor_job_id), || {
            format!("{reference} follows {}, which is not its own", attempt.vendor_job_id)
        });
        let other = jobs.insert(&attempt.vendor_job_id, reference.clone());
        verdict.check(other.is_none(), || {
            format!("{} is followed by {reference} and {other:?}", attempt.vendor_job_id)
        });
    }
    verdict
}

/// How many submissions the vendor doubled of its own accord.
fn doubled(evidence: &Evidence) -> usize {
    let is_doubled = |note: &str| note.contains("\"kind\":\"duplicate\"");
    evidence.ledger.iter().filter(|it| it.kind == "fault" && is_doubled(&it.note)).count()
}

/// The vendor charged each request once; a task was paid for again only where nobody could know that
/// the vendor had taken the first attempt; and the customer pays for what was made.
pub(super) fn no_charge_twice(evidence: &Evidence) -> Verdict {
    let mut verdict = Verdict::new("nothing charged twice");
    let mut charged = BTreeMap::<&str, usize>::new();
    let mut charges = BTreeMap::<&str, i64>::new();
    for entry in evidence.ledger.iter().filter(|it| it.kind == "charged") {
        *charged.entry(&entry.request_id).or_default() += 1;
        // Once, although the vendor may have doubled it.
        charges.insert(&entry.reference, entry.charge);
    }
    for (request, n) in &charged {
        verdict.check(*n == 1, || format!("the vendor charged {request} {n} times"));
    }
    let mut tasks = BTreeMap::<&str, Vec<&Attempt>>::new();
    for attempt in &evidence.attempts {
        tasks.entry(&attempt.task_id).or_default().push(attempt);
    }
    // What the vendor charged for each generation: at least, and at most with what is in doubt.
    let mut bills = BTreeMap::<&str, (i64, i64)>::new();
    for (task, attempts) in &tasks {
        let price = |it: &&&Attempt| charges.get(&*it.reference()).copied().unwrap_or_default();
        // A picture that did not come about is the house's loss.
        let done = attempts.iter().filter(|it| it.phase == "DONE" && is_made(evidence, it));
        let done: i64 = done.map(|it| price(&it)).sum();
        let n_doubts = attempts.iter().filter(|it| it.phase == "IN_DOUBT").count() as i64;
        let bill = bills.entry(&attempts[0].generation_id).or_default();
        *bill = (bill.0 + done, bill.1 + done * (1 + n_doubts));
        let paid: Vec<_> = attempts
            .iter()
            .filter(|it| charges.contains_key(&*it.reference()))
            .filter(|it| it.phase != "IN_DOUBT")
            .map(|it| format!("{} {}", it.number, it.phase))
            .collect();
        verdict.check(paid.len() <= 1, || {
            format!("task {task} was paid for in attempts {paid:?}, and none was in doubt")
        });
        verdict.check(attempts.iter().filter(|it| it.phase == "DONE").count() <= 1, || {
            format!("task {task} was done twice")
        });
    }
    for (id, last) in &evidence.lasts {
        let Some(last) = last else { continue };
        // What is in doubt may be billed, and is priced as what was done in its place.
        let (least, most) = bills.get(&**id).copied().unwrap_or_default();
        let sum: i64 = last.pictures.iter().map(|it| it.cost).sum();
        verdict.check(last.cost == sum && least <= last.cost && last.cost <= most, || {
            let cost = last.cost;
            format!(
                "{id} cost {cost}, its pictures {sum}, and the vendor charged {least} to {most}"
            )
        });
    }
    verdict
}

/// Whether the picture that an attempt was for is there.
fn is_made(evidence: &Evidence, attempt: &Attempt) -> bool {
    let index = attempt.node.rsplit('_').next().and_then(|it| it.parse::<i32>().ok());
    let last = evidence.lasts.get(&attempt.generation_id).and_then(|it| it.as_ref());
    last.is_some_and(|it| it.pictures.iter().any(|it| it.is_ready && Some(it.index) == index))
}

/// Every picture lies in the bucket, and once the grace is over nothing else does.
pub(super) fn no_object_is_lost_or_orphaned(evidence: &Evidence) -> Verdict {
    let mut verdict = Verdict::new("no object lost or orphaned");
    let pictures = evidence.lasts.values().flatten().flat_map(|it| &it.pictures);
    let used: BTreeSet<&String> =
        pictures.filter(|it| it.is_ready).map(|it| &it.media_id).chain(&evidence.uploads).collect();
    let folder = |key: &str| -> Option<String> {
        Some(key.strip_prefix("media/")?.split('/').next()?.to_owned())
    };
    let kept: BTreeSet<String> = evidence.kept.iter().filter_map(|it| folder(it)).collect();
    for media in &used {
        verdict.check(evidence.media.contains(*media), || {
            format!("media {media} is used and unknown")
        });
        verdict.check(kept.contains(*media), || format!("media {media} has no object"));
    }
    for media in &evidence.media {
        verdict.check(used.contains(media), || format!("media {media} is nobody's"));
    }
    for key in &evidence.kept {
        let is_known = folder(key).is_some_and(|it| evidence.media.contains(&it));
        verdict.check(is_known, || format!("{key} is nobody's, and outlives its grace"));
    }
    verdict
}
