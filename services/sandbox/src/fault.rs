//! Faults on demand: rules that say when something goes wrong, and how.
//!
//! `POST /control/faults` takes one rule, a list of rules, or `{"rules": […]}`, and answers the rules
//! with their ids. A rule is `{"match": {…}, "fault": {…}}`:
//!
//! * `match.endpoint`: a glob over endpoint ids (`*` any text, `?` one letter). Uploads and downloads
//!   have none and match where it is left out or `*`. `match.request_id`: one request only.
//! * `match.operation`: `submit`, `status`, `stream` (status stream), `result`, `cancel`, `run`,
//!   `upload`, `download`; left out: any.
//! * `match.after`: skip so many; `match.nth`: only the nth (from 1) of those that match;
//!   `match.times`: at most so often; `match.probability` with `match.seed`: by a die that rolls the
//!   same each time.
//!
//! `fault.kind` and what else it reads:
//!
//! | kind | what happens |
//! | --- | --- |
//! | `latency` `ms` | the answer comes late |
//! | `error` `name` or `status`, `detail`, `error_type`, `retry_after`, `retryable` | an error in place of the answer; nothing is done |
//! | `hang` | no answer, nothing is done |
//! | `hang_after_accept` | it is done, no answer comes |
//! | `lost_answer` | it is done (and charged), the connection is cut before the answer |
//! | `cut` | the connection is cut in the middle of the body |
//! | `invalid_json` | the body is not JSON |
//! | `html` `status` | an error page of a proxy |
//! | `job_lost` | submit: the request is forgotten once accepted; otherwise now: 404 from then on |
//! | `fail_late` `name` | submit, run: it fails at 90 % (`internal_server_error` by default) |
//! | `expired_result` `status` | submit, run, result: the files are gone; download: 404, 403 or 410 |
//! | `wrong_type` | the right bytes as `text/html` |
//! | `duplicate_webhook` | submit: the webhook is delivered twice |
//! | `early_webhook` | submit: the answer waits until the webhook was delivered |
//! | `duplicate` | submit: accepted and charged twice, answered once |
//! | `same_id` | submit: answered with the id of the request before |
//! | `slow` `ms` | the body trickles, over so many milliseconds |
//! | `slow_work` `ms` | submit, run: the work takes so much longer |
//! | `never_finishes` | submit, run: it stays in progress until it is cancelled |
//! | `nsfw` | submit, run: a black picture that is flagged |
//! | `unknown_status` `name` | status: a word that is in no document |
//! | `backwards` | status: in the queue again |

mod rule;

use std::sync::Mutex;

pub(crate) use rule::{Fault, Kind, Operation, Rule};
use serde_json::{Value, json};

/// The most rules at once.
const MOST_RULES: usize = 1_000;

/// The rules that hold.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<Plan>);

#[derive(Debug, Default)]
struct Plan {
    made: u64,
    rules: Vec<Rule>,
}

/// What an operation is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) operation: Operation,
    pub(crate) endpoint: Option<&'a str>,
    pub(crate) request_id: Option<&'a str>,
}

impl Faults {
    /// Adds rules from what was posted, and answers them with their ids.
    pub(crate) fn add(&self, posted: Value) -> Result<Value, String> {
        let list = match posted {
            Value::Array(list) => list,
            Value::Object(mut map) if map.contains_key("rules") => match map.remove("rules") {
                Some(Value::Array(list)) => list,
                _ => return Err("`rules` must be a list".into()),
            },
            rule => vec![rule],
        };
        let mut rules = Vec::new();
        for rule in list {
            rules.push(Rule::parse(rule)?);
        }
        let mut plan = self.0.lock().expect("no holder panics");
        if plan.rules.len() + rules.len() > MOST_RULES {
            return Err(format!("there are at most {MOST_RULES} rules"));
        }
        for rule in &mut rules {
            plan.made += 1;
            rule.id = plan.made;
        }
        let answer = json!({"rules": rules});
        plan.rules.extend(rules);
        Ok(answer)
    }

    /// Every rule, with how often it matched and fired.
    pub(crate) fn list(&self) -> Value {
        json!({"rules": self.0.lock().expect("no holder panics").rules})
    }

    /// Removes every rule.
    pub(crate) fn clear(&self) {
        self.0.lock().expect("no holder panics").rules.clear();
    }

    /// Removes one rule; `false` where there is none of this id.
    pub(crate) fn remove(&self, id: u64) -> bool {
        let mut plan = self.0.lock().expect("no holder panics");
        let before = plan.rules.len();
        plan.rules.retain(|it| it.id != id);
        plan.rules.len() < before
    }

    /// Counts an operation against every rule and answers the faults that fire.
    pub(crate) fn fire(&self, subject: Subject<'_>) -> Vec<Fault> {
        let mut plan = self.0.lock().expect("no holder panics");
        let fire = |it: &mut Rule| it.fires(subject).then(|| it.fault.clone());
        plan.rules.iter_mut().filter_map(fire).collect()
    }
}

#[cfg(test)]
mod tests;
