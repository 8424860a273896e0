//! Each verdict is shown a run in which it does not hold.

use super::super::record::{Attempt, Ending, Entry, Evidence, Outage, Picture, Record, Told};
use super::audit;

/// A run in which all holds: one generation of one picture, made of two tasks.
fn sound() -> Evidence {
    let ending = Ending {
        state: "STATE_COMPLETED".to_owned(),
        cost: 30,
        quote: 30,
        pictures: vec![Picture {
            id: "prediction".to_owned(),
            index: 0,
            is_ready: true,
            media_id: "picture".to_owned(),
            cost: 30,
        }],
        ..Ending::default()
    };
    let record = Record {
        request_id: "request".to_owned(),
        count: 1,
        accepted: Some(1.0),
        ids: vec!["generation".to_owned(), "generation".to_owned()],
        ended: Some(9.0),
        first: Some(ending.clone()),
        ..Record::default()
    };
    let attempt = |node: &str, number, phase: &str, job: &str| Attempt {
        task_id: format!("task-of-{node}"),
        node: node.to_owned(),
        generation_id: "generation".to_owned(),
        number,
        model: "model".to_owned(),
        phase: phase.to_owned(),
        vendor_job_id: job.to_owned(),
    };
    let entry = |kind: &str, request: &str, reference: &str| Entry {
        kind: kind.to_owned(),
        request_id: request.to_owned(),
        reference: reference.to_owned(),
        charge: if reference.contains("image") { 20 } else { 10 },
        ..Entry::default()
    };
    let keys = ["media/photo/file.png", "media/picture/file.png"].map(str::to_owned);
    let told = |position, name, subject: &str| Told {
        source: "generation".to_owned(),
        position,
        name,
        subject: subject.to_owned(),
        request: if name == "generation_started" { "request".to_owned() } else { String::new() },
        ..Told::default()
    };
    let of_workflow = |sequence| Told {
        source: "compute".to_owned(),
        position: sequence,
        name: "task_ended",
        subject: "workflow".to_owned(),
        sequence,
        ..Told::default()
    };
    Evidence {
        records: vec![record],
        listed: ["generation".to_owned()].into(),
        lasts: [("generation".to_owned(), Some(ending))].into(),
        attempts: vec![
            attempt("image_0", 1, "IN_DOUBT", ""),
            attempt("image_0", 2, "DONE", "job-2"),
            attempt("post_0", 1, "DONE", "job-3"),
        ],
        ledger: vec![
            entry("submitted", "job-1", "task-of-image_0-1"),
            entry("charged", "job-1", "task-of-image_0-1"),
            entry("submitted", "job-2", "task-of-image_0-2"),
            entry("charged", "job-2", "task-of-image_0-2"),
            entry("submitted", "job-3", "task-of-post_0-1"),
            entry("charged", "job-3", "task-of-post_0-1"),
        ],
        objects: keys.clone().into(),
        kept: keys.into(),
        media: ["photo".to_owned(), "picture".to_owned()].into(),
        uploads: ["photo".to_owned()].into(),
        told: vec![
            told(5, "generation_started", "generation"),
            of_workflow(1),
            told(6, "prediction_ready", "prediction"),
            of_workflow(2),
            told(7, "generation_ended", "generation"),
        ],
        connections: 2,
        heads: [("generation".to_owned(), (4, 7)), ("compute".to_owned(), (0, 2))].into(),
        outages: vec![Outage { name: "Redis killed".to_owned(), begin: 3.0, end: 4.0 }],
        end: 10.0,
        ..Evidence::default()
    }
}

/// The names of the verdicts that do not hold once `doctor` was at work.
fn broken(doctor: impl FnOnce(&mut Evidence)) -> Vec<&'static str> {
    let mut evidence = sound();
    doctor(&mut evidence);
    let broken = audit(&evidence).into_iter().filter(|it| !it.breaches.is_empty());
    broken.map(|it| it.name).collect()
}

const ENDS: &str = "everything accepted ends in time";
const REQUEST: &str = "one request is one generation";
const FAILS: &str = "what heals fails nothing";
const SUBMISSION: &str = "one submission per attempt";
const CHARGE: &str = "nothing charged twice";
const PREDICTION: &str = "no prediction lost or doubled";
const OBJECT: &str = "no object lost or orphaned";
const SUBSCRIBER: &str = "a subscriber misses nothing, sees nothing twice";
const TOLD: &str = "every start and end is told once";
const STALE: &str = "stale attempts change nothing";
const ENDED: &str = "no process ends by itself";

fn last(evidence: &mut Evidence) -> &mut Ending {
    let last = evidence.lasts.get_mut("generation").and_then(Option::as_mut);
    last.expect("the sound run has it")
}

#[test]
fn a_sound_run_is_found_sound() {
    assert_eq!(broken(|_| ()), [""; 0]);
    let verdicts = audit(&sound());
    assert!(verdicts.iter().all(|it| 0 < it.checked), "{verdicts:?}");
}

#[test]
fn a_generation_that_does_not_end() {
    assert_eq!(broken(|it| it.records[0].ended = None), [ENDS]);
    assert_eq!(broken(|it| it.records[0].ended = Some(70.0)), [ENDS]);
    // Bad weather is no excuse once it is over, but before.
    let all_bad = Outage { name: String::new(), begin: 4.0, end: 100.0 };
    let bad = |ended| {
        let outage = all_bad.clone();
        move |it: &mut Evidence| {
            it.outages.push(outage);
            it.records[0].ended = Some(ended);
        }
    };
    assert_eq!(broken(bad(110.0)), [""; 0]);
    assert_eq!(broken(bad(170.0)), [ENDS]);
}

#[test]
fn a_request_that_becomes_two_generations_or_none() {
    assert_eq!(broken(|it| it.records[0].ids[1] = "another".to_owned()), [REQUEST]);
    assert_eq!(broken(|it| it.records[0].refusal = Some("no".to_owned())), [REQUEST]);
    assert_eq!(broken(|it| it.records.push(it.records[0].clone())), [REQUEST]);
}

/// Another generation, whose start was accepted while everything was broken, and not answered.
fn lose_an_answer(it: &mut Evidence) {
    let rename = |text: &mut String| *text = format!("lost-{text}");
    let (request_id, quit) = ("lost-request".to_owned(), Some(93.0));
    it.records.push(Record { request_id, count: 1, sent: 3.0, quit, ..Record::default() });
    it.outages[0].end = 90.0;
    it.listed.insert("lost-generation".to_owned());
    let mut ending = last(it).clone();
    rename(&mut ending.pictures[0].id);
    rename(&mut ending.pictures[0].media_id);
    it.lasts.insert("lost-generation".to_owned(), Some(ending));
    for mut attempt in it.attempts.clone() {
        rename(&mut attempt.task_id);
        rename(&mut attempt.generation_id);
        if !attempt.vendor_job_id.is_empty() {
            rename(&mut attempt.vendor_job_id);
        }
        it.attempts.push(attempt);
    }
    for mut entry in it.ledger.clone() {
        rename(&mut entry.request_id);
        rename(&mut entry.reference);
        it.ledger.push(entry);
    }
    for keys in [&mut it.objects, &mut it.kept] {
        keys.insert("media/lost-picture/file.png".to_owned());
    }
    it.media.insert("lost-picture".to_owned());
    for mut told in it.told.clone().into_iter().filter(|it| it.source == "generation") {
        rename(&mut told.subject);
        rename(&mut told.request);
        told.position += 3;
        it.told.push(told);
    }
    it.heads.insert("generation".to_owned(), (4, 10));
}

#[test]
fn a_generation_that_nobody_was_told_of() {
    assert_eq!(broken(lose_an_answer), [""; 0]);
    let doctored = |doctor: fn(&mut Evidence)| {
        broken(|it| {
            lose_an_answer(it);
            doctor(it);
        })
    };
    // What it did is explained by the list alone.
    let unlisted = doctored(|it| {
        it.listed.remove("lost-generation");
        it.lasts.remove("lost-generation");
        it.attempts.truncate(3);
    });
    assert_eq!(unlisted, [SUBMISSION, OBJECT]);
    let running = doctored(|it| {
        let last = it.lasts.get_mut("lost-generation").and_then(Option::as_mut);
        last.expect("it is there").state = "STATE_RUNNING".to_owned();
    });
    assert_eq!(running, [ENDS, FAILS]);
    let gone = doctored(|it| {
        it.lasts.insert("lost-generation".to_owned(), None);
    });
    assert!(gone.contains(&ENDS) && gone.contains(&PREDICTION), "{gone:?}");
    let without_pictures = doctored(|it| {
        let last = it.lasts.get_mut("lost-generation").and_then(Option::as_mut);
        last.expect("it is there").pictures[0].index = 1;
    });
    assert!(without_pictures.contains(&PREDICTION), "{without_pictures:?}");
    // Fair weather is no excuse for leaving somebody without an answer.
    assert_eq!(doctored(|it| it.outages[0].end = 4.0), [REQUEST]);
    assert_eq!(doctored(|it| it.records[1].refusal = Some("no".to_owned())), [REQUEST]);
}

#[test]
fn a_lost_start_that_becomes_a_second_generation() {
    let started = |request: &'static str| {
        broken(|it| {
            lose_an_answer(it);
            let start = it.told.iter_mut().rfind(|it| it.name == "generation_started");
            start.expect("it was told").request = request.to_owned();
        })
    };
    assert_eq!(started("lost-request"), [""; 0]);
    // The client asked again and was answered with another one.
    assert_eq!(started("request"), [REQUEST]);
    assert_eq!(started("nobody's"), [REQUEST]);
    assert_eq!(broken(|it| it.listed.clear()), [REQUEST]);
    let silent = |it: &mut Evidence| {
        it.listed.insert("silent".to_owned());
    };
    assert_eq!(broken(silent), [ENDS, REQUEST, PREDICTION]);
}

#[test]
fn a_generation_that_fails() {
    let fail = |it: &mut Evidence| {
        last(it).state = "STATE_FAILED".to_owned();
        it.records[0].first = Some(last(it).clone());
    };
    assert_eq!(broken(fail), [FAILS]);
}

#[test]
fn a_submission_that_is_made_again_or_for_nobody() {
    let again = |it: &mut Evidence| {
        it.ledger.push(Entry { request_id: "job-4".to_owned(), ..it.ledger[4].clone() });
    };
    assert_eq!(broken(again), [SUBMISSION]);
    // Unless the vendor says that it was itself.
    let doubled = |it: &mut Evidence| {
        again(it);
        let note = r#"{"fault":{"kind":"duplicate"},"operation":"submit"}"#.to_owned();
        it.ledger.push(Entry { kind: "fault".to_owned(), note, ..Entry::default() });
    };
    assert_eq!(broken(doubled), [""; 0]);
    let strange = |it: &mut Evidence| it.ledger[2].reference = "task-of-image_0-9".to_owned();
    assert_eq!(broken(strange), [SUBMISSION]);
    let another = |it: &mut Evidence| it.attempts[2].vendor_job_id = "job-2".to_owned();
    assert_eq!(broken(another), [SUBMISSION]);
}

#[test]
fn a_charge_that_comes_twice() {
    assert_eq!(broken(|it| it.ledger.push(it.ledger[5].clone())), [CHARGE]);
    // The first attempt was known to be taken, and yet there was a second.
    assert_eq!(broken(|it| it.attempts[0].phase = "FAILED".to_owned()), [CHARGE]);
    let dear = |cost| {
        move |it: &mut Evidence| {
            last(it).cost = cost;
            last(it).pictures[0].cost = cost;
            it.records[0].first = Some(last(it).clone());
        }
    };
    // The attempt in doubt may be charged for, and nothing else.
    assert_eq!(broken(dear(50)), [""; 0]);
    assert_eq!(broken(dear(51)), [CHARGE]);
    assert_eq!(broken(dear(29)), [CHARGE]);
}

#[test]
fn a_prediction_that_is_lost_or_doubled() {
    let lose = |it: &mut Evidence| {
        it.records[0].count = 2;
    };
    assert_eq!(broken(lose), [PREDICTION]);
    let double = |it: &mut Evidence| {
        let picture = last(it).pictures[0].clone();
        last(it).pictures.push(Picture { index: 1, cost: 0, ..picture });
        it.records[0].count = 2;
        it.records[0].first = Some(last(it).clone());
    };
    assert_eq!(broken(double), [PREDICTION]);
    assert!(broken(|it| it.lasts.clear()).contains(&PREDICTION));
}

#[test]
fn an_object_that_is_lost_or_nobodys() {
    let lose = |it: &mut Evidence| {
        it.kept.remove("media/picture/file.png");
    };
    assert_eq!(broken(lose), [OBJECT]);
    let orphan = |key: &'static str| {
        move |it: &mut Evidence| {
            it.kept.insert(key.to_owned());
        }
    };
    assert_eq!(broken(orphan("compute/images/1/result_0.png")), [OBJECT]);
    assert_eq!(broken(orphan("media/third/file.png")), [OBJECT]);
    let unused = |it: &mut Evidence| {
        it.media.insert("third".to_owned());
    };
    assert_eq!(broken(unused), [OBJECT]);
}

#[test]
fn an_event_that_is_missed_or_comes_again() {
    let miss = |it: &mut Evidence| {
        it.told.remove(2);
    };
    assert_eq!(broken(miss), [SUBSCRIBER, TOLD]);
    let again = |it: &mut Evidence| it.told.push(it.told[3].clone());
    assert_eq!(broken(again), [SUBSCRIBER, TOLD]);
    assert_eq!(broken(|it| it.refused.push("CURSOR_EXPIRED".to_owned())), [SUBSCRIBER]);
    let behind = |it: &mut Evidence| {
        it.heads.insert("generation".to_owned(), (4, 8));
    };
    assert_eq!(broken(behind), [SUBSCRIBER]);
}

#[test]
fn an_end_that_is_told_twice() {
    let twice = |it: &mut Evidence| {
        let end = it.told[4].clone();
        it.told.push(Told { position: 8, ..end });
        it.heads.insert("generation".to_owned(), (4, 8));
    };
    assert_eq!(broken(twice), [TOLD]);
    assert_eq!(broken(|it| it.told[3].sequence = 3), [TOLD]);
}

#[test]
fn an_attempt_that_comes_too_late_and_counts() {
    let late = |it: &mut Evidence| last(it).pictures[0].media_id = "photo".to_owned();
    assert_eq!(broken(late), [OBJECT, STALE]);
    assert_eq!(broken(|it| it.attempts[0].phase = "AWAITING".to_owned()), [CHARGE, STALE]);
    assert_eq!(broken(|it| it.attempts[2].phase = "STORED".to_owned()), [STALE]);
}

#[test]
fn a_process_that_gives_up() {
    assert_eq!(broken(|it| it.ended.push("media ended with 1".to_owned())), [ENDED]);
}
