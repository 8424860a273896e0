//! One rule.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Subject;

/// When something goes wrong, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    #[serde(default)]
    pub(crate) id: u64,
    #[serde(rename = "match", default)]
    pub(crate) matches: Match,
    pub(crate) fault: Fault,
    /// How many operations matched.
    #[serde(default)]
    pub(crate) matched: u64,
    /// How often it went wrong.
    #[serde(default)]
    pub(crate) fired: u64,
}

/// When.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Match {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) endpoint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) request_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) operation: Option<Operation>,
    pub(crate) after: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) nth: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) times: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) probability: Option<f64>,
    pub(crate) seed: u64,
}

/// What a caller does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Operation {
    Submit,
    Status,
    Stream,
    Result,
    Cancel,
    Run,
    Upload,
    Download,
}

/// How.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    pub(crate) kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) retry_after: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) retryable: Option<bool>,
}

/// The menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Latency,
    Error,
    Hang,
    HangAfterAccept,
    LostAnswer,
    Cut,
    InvalidJson,
    Html,
    JobLost,
    FailLate,
    ExpiredResult,
    WrongType,
    DuplicateWebhook,
    EarlyWebhook,
    Duplicate,
    SameId,
    Slow,
    SlowWork,
    NeverFinishes,
    Nsfw,
    UnknownStatus,
    Backwards,
}

impl Rule {
    /// Reads a rule and checks what serde cannot.
    pub(super) fn parse(rule: Value) -> Result<Self, String> {
        let mut rule: Self = serde_json::from_value(rule).map_err(|error| error.to_string())?;
        (rule.matched, rule.fired) = (0, 0);
        if rule.matches.probability.is_some_and(|it| !(0.0..=1.0).contains(&it)) {
            return Err("`probability` is between 0 and 1".into());
        }
        let fault = &rule.fault;
        if let Some(name) = &fault.name
            && matches!(fault.kind, Kind::Error | Kind::FailLate)
            && crate::refusal::Refusal::named(name).is_none()
        {
            return Err(format!("there is no error named `{name}`"));
        }
        if fault.kind == Kind::Error && fault.name.is_none() && fault.status.is_none() {
            return Err("an error needs a `name` or a `status`".into());
        }
        if fault.status.is_some_and(|it| !(200..=599).contains(&it)) {
            return Err("`status` is between 200 and 599".into());
        }
        Ok(rule)
    }

    /// Counts an operation and tells whether the fault fires for it.
    pub(super) fn fires(&mut self, subject: Subject<'_>) -> bool {
        let matches = &self.matches;
        if matches.operation.is_some_and(|it| it != subject.operation)
            || !fits(matches.endpoint.as_deref(), subject.endpoint)
            || matches.request_id.as_deref().is_some_and(|it| subject.request_id != Some(it))
        {
            return false;
        }
        self.matched += 1;
        let number = self.matched.saturating_sub(matches.after);
        let is_now = number > 0
            && matches.nth.is_none_or(|it| it == number)
            && matches.times.is_none_or(|it| self.fired < it)
            && matches.probability.is_none_or(|it| die(matches.seed, self.matched) < it);
        self.fired += u64::from(is_now);
        is_now
    }
}

fn fits(pattern: Option<&str>, endpoint: Option<&str>) -> bool {
    match (pattern, endpoint) {
        (None | Some("*"), _) => true,
        (Some(pattern), Some(endpoint)) => glob(pattern.as_bytes(), endpoint.as_bytes()),
        (Some(_), None) => false,
    }
}

/// Whether a pattern of `*` and `?` fits a text. Remembers the last star only, which is enough and
/// keeps it from taking exponential time.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(it) if *it == b'?' || *it == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|it| *it == b'*')
}

/// A number between 0 and 1 that depends on nothing but these two.
fn die(seed: u64, number: u64) -> f64 {
    let mut x = seed.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    (x ^ x >> 31) as f64 / u64::MAX as f64
}
