//! What is said about a run.

use std::path::Path;

use serde_json::{Value, json};

use super::Options;
use super::audit::{Verdict, audit, broken};
use super::record::{Evidence, Record};
use crate::Result;

/// How long the windows are in which generations have to be accepted, in seconds.
const WINDOW: f64 = 60.0;

/// How many generations each such window has to see at least.
const LEAST_IN_WINDOW: usize = 12;

/// How many breaches of one kind are printed.
const PRINTED: usize = 5;

/// How a run went.
#[derive(Clone, Debug)]
pub struct Report {
    seed: u64,
    verdicts: Vec<Verdict>,
    /// Why the run says nothing.
    void: Vec<String>,
    figures: Vec<(&'static str, f64)>,
    faults: Vec<(String, usize)>,
}

impl Report {
    pub(super) fn of(options: &Options, evidence: &Evidence) -> Self {
        let accepted: Vec<f64> = evidence.records.iter().filter_map(|it| it.accepted).collect();
        let mut void = Vec::new();
        if accepted.len() < options.least_generations {
            let least = options.least_generations;
            void.push(format!("{} generations are fewer than {least}", accepted.len()));
        }
        if evidence.outages.len() < options.least_faults {
            let (n, least) = (evidence.outages.len(), options.least_faults);
            void.push(format!("{n} faults are fewer than {least}"));
        }
        let mut begin = 0.0;
        while begin + WINDOW <= options.weather.as_secs_f64() {
            let n = accepted.iter().filter(|it| (begin..begin + WINDOW).contains(it)).count();
            if n < LEAST_IN_WINDOW {
                void.push(format!("only {n} generations were accepted in the minute from {begin}"));
            }
            begin += WINDOW;
        }
        let mut faults = std::collections::BTreeMap::<String, usize>::new();
        for outage in &evidence.outages {
            *faults.entry(outage.name.clone()).or_default() += 1;
        }
        Self {
            seed: options.seed,
            verdicts: audit(evidence),
            void,
            figures: figures(evidence),
            faults: faults.into_iter().collect(),
        }
    }

    /// Whether the run says something, and everything held.
    pub fn is_good(&self) -> bool {
        self.void.is_empty() && self.verdicts.iter().all(|it| it.breaches.is_empty())
    }

    /// Prints it.
    pub fn print(&self) {
        println!("\nfaults, seed {}", self.seed);
        for (name, figure) in &self.figures {
            println!("  {name:<46} {figure:>10.1}");
        }
        println!();
        for (fault, n) in &self.faults {
            println!("  {fault:<46} {n:>10}");
        }
        println!();
        for verdict in &self.verdicts {
            let word = if verdict.breaches.is_empty() { "holds" } else { "BROKEN" };
            let (n, name) = (verdict.checked, verdict.name);
            println!("  {name:<50} {word:<7} {n:>6} checked, {} broken", verdict.breaches.len());
            for breach in verdict.breaches.iter().take(PRINTED) {
                println!("      {breach}");
            }
        }
        for why in &self.void {
            println!("  VOID: {why}");
        }
        let n_good = self.verdicts.iter().filter(|it| it.breaches.is_empty()).count();
        let n_bad = self.verdicts.len() - n_good + usize::from(!self.void.is_empty());
        println!("{n_good} passed, {n_bad} failed");
        if !self.is_good() {
            println!("FAULT_SEED={} strikes the same again", self.seed);
        }
    }

    fn json(&self) -> Value {
        let verdicts = self.verdicts.iter().map(|it| {
            json!({
                "verdict": it.name,
                "holds": it.breaches.is_empty(),
                "checked": it.checked,
                "breaches": it.breaches,
            })
        });
        json!({
            "seed": self.seed,
            "is_good": self.is_good(),
            "void": self.void,
            "figures": self.figures.iter().map(|(name, it)| json!({ "name": name, "figure": it })).collect::<Vec<_>>(),
            "faults": self.faults.iter().map(|(name, n)| json!({ "fault": name, "count": n })).collect::<Vec<_>>(),
            "verdicts": verdicts.collect::<Vec<_>>(),
        })
    }
}

fn figures(evidence: &Evidence) -> Vec<(&'static str, f64)> {
    let records = &evidence.records;
    let count = |it: fn(&Record) -> bool| records.iter().filter(|record| it(record)).count() as f64;
    let pictures = evidence.lasts.values().flatten().flat_map(|it| &it.pictures);
    let mut answers: Vec<f64> =
        records.iter().filter_map(|it| Some(it.accepted? - it.sent)).collect();
    let mut times: Vec<f64> =
        records.iter().filter_map(|it| Some(it.ended? - it.accepted?)).collect();
    answers.sort_by(f64::total_cmp);
    times.sort_by(f64::total_cmp);
    let broken = broken(&evidence.outages, 0.0, evidence.end);
    let phase = |name: &str| evidence.attempts.iter().filter(|it| it.phase == name).count() as f64;
    let entries = |kind: &str| evidence.ledger.iter().filter(|it| it.kind == kind).count() as f64;
    vec![
        ("faults", evidence.outages.len() as f64),
        ("seconds", evidence.end),
        ("seconds in which something was broken", broken),
        ("generations accepted", count(|it| it.accepted.is_some())),
        ("generations accepted and not answered", evidence.unanswered().len() as f64),
        (
            "generations completed",
            count(|it| it.first.as_ref().is_some_and(|it| it.state == "STATE_COMPLETED")),
        ),
        ("pictures ready", pictures.filter(|it| it.is_ready).count() as f64),
        (
            "calls that failed in passing",
            records.iter().map(|it| it.troubles).sum::<usize>() as f64,
        ),
        ("seconds to an answer, median", at(&answers, 0.5)),
        ("seconds to an answer, 99 of 100", at(&answers, 0.99)),
        ("seconds to the end, median", at(&times, 0.5)),
        ("seconds to the end, 99 of 100", at(&times, 0.99)),
        ("seconds to the end, longest", at(&times, 1.0)),
        ("attempts", evidence.attempts.len() as f64),
        ("attempts in doubt", phase("IN_DOUBT")),
        ("attempts failed", phase("FAILED")),
        ("engines that took over", evidence.takeovers as f64),
        ("answers that the vendor spoiled", entries("fault")),
        ("submissions in the vendor's ledger", entries("submitted")),
        ("charges in the vendor's ledger", entries("charged")),
        ("events told to the subscriber", evidence.told.len() as f64),
        ("connections of the subscriber", evidence.connections as f64),
        ("objects in the bucket", evidence.objects.len() as f64),
        ("objects once the grace is over", evidence.kept.len() as f64),
    ]
}

/// What lies at a share of the way through sorted figures.
fn at(sorted: &[f64], share: f64) -> f64 {
    let idx = ((sorted.len().saturating_sub(1)) as f64 * share).round() as usize;
    sorted.get(idx).copied().unwrap_or_default()
}

/// Writes down the report, and the journals that it rests on.
pub(super) fn save(folder: &Path, report: &Report, evidence: &Evidence) -> Result {
    std::fs::write(folder.join("report.json"), serde_json::to_vec_pretty(&report.json())?)?;
    write(folder, "clients.log", &evidence.records)?;
    write(folder, "subscriber.log", &evidence.told)?;
    write(folder, "vendor.log", &evidence.ledger)?;
    write(folder, "weather.log", &evidence.outages)?;
    write(folder, "attempts.log", &evidence.attempts)
}

fn write(folder: &Path, name: &str, lines: &[impl std::fmt::Debug]) -> Result {
    let text: String = lines.iter().map(|it| format!("{it:?}\n")).collect();
    Ok(std::fs::write(folder.join(name), text)?)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::record::Outage;
    use super::*;

    fn void(n_generations: usize, n_faults: usize) -> Vec<String> {
        let options = Options {
            seed: 1,
            weather: Duration::from_secs(60),
            longest: Duration::from_secs(60),
            rate: 1.0,
            least_generations: 30,
            least_faults: 5,
            folder: ".".into(),
        };
        let record = Record { accepted: Some(1.0), ..Record::default() };
        let outage = Outage { name: "Redis killed".to_owned(), begin: 0.0, end: 1.0 };
        let evidence = Evidence {
            records: vec![record; n_generations],
            outages: vec![outage; n_faults],
            ..Evidence::default()
        };
        Report::of(&options, &evidence).void
    }

    #[test]
    fn a_run_that_saw_too_little_says_nothing() {
        assert_eq!(void(30, 5), [""; 0]);
        assert_eq!(void(29, 5).len(), 1);
        assert_eq!(void(30, 4).len(), 1);
        // Too few in all, and too few in a minute.
        assert_eq!(void(11, 5).len(), 2);
    }
}
