//! What happened, in order: the book that tests read to prove that nothing is paid twice.
//!
//! `GET /control/ledger` answers `{"entries": [Entry…], "totals": {…}}`; the query may filter by
//! `request_id`, `endpoint`, `kind` and `after` (a sequence number). `totals` hold, over the entries
//! that are shown, the number of each kind, the sum of the charges in millionths of a dollar, and
//! `repeated_inputs`: how many submissions carried an endpoint and body that an earlier one had.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::Mutex;

use serde::Serialize;
use serde_json::{Value, json};
use time::OffsetDateTime;

/// The most entries that are kept; the oldest go first.
const MOST_ENTRIES: usize = 200_000;

/// One thing that happened.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Entry {
    /// Its place in the book, from 1, without gaps.
    pub sequence: u64,
    /// When, RFC 3339.
    pub time: String,
    /// `submitted`, `started`, `completed`, `failed`, `charged`, `cancelled`, `uploaded`,
    /// `downloaded`, `refused`, `fault`, `webhook`.
    pub kind: String,
    /// The vendor's request id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The endpoint's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// How the caller calls it: the header `x-client-reference`, `idempotency-key`,
    /// `x-fal-runner-hint` or `x-fal-request-id` of the submission, the first that there is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_reference: Option<String>,
    /// SHA-256 of endpoint and body, keys in order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_hash: Option<String>,
    /// The seed that was used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// What was billed, in the price's unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub units: Option<f64>,
    /// What was charged, in millionths of a dollar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charge_micro_usd: Option<u64>,
    /// Anything else worth saying.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Which entries to show.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub(crate) request_id: Option<String>,
    pub(crate) endpoint: Option<String>,
    pub(crate) kind: Option<String>,
    pub(crate) after: u64,
}

/// The book.
#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<Book>);

#[derive(Debug, Default)]
struct Book {
    written: u64,
    entries: VecDeque<Entry>,
}

impl Ledger {
    /// Writes an entry; place and time are the book's own.
    pub(crate) fn write(&self, mut entry: Entry) {
        let mut book = self.0.lock().expect("no holder panics");
        book.written += 1;
        entry.sequence = book.written;
        entry.time = now();
        if book.entries.len() == MOST_ENTRIES {
            book.entries.pop_front();
        }
        book.entries.push_back(entry);
    }

    /// Shows entries and what they come to.
    pub(crate) fn read(&self, filter: &Filter) -> Value {
        let book = self.0.lock().expect("no holder panics");
        let matches = |wanted: &Option<String>, has: Option<&String>| {
            wanted.as_ref().is_none_or(|it| has == Some(it))
        };
        let entries: Vec<&Entry> = book
            .entries
            .iter()
            .filter(|it| it.sequence > filter.after)
            .filter(|it| matches(&filter.request_id, it.request_id.as_ref()))
            .filter(|it| matches(&filter.endpoint, it.endpoint.as_ref()))
            .filter(|it| matches(&filter.kind, Some(&it.kind)))
            .collect();
        let (mut kinds, mut inputs) = (BTreeMap::<&str, u64>::new(), HashSet::new());
        let (mut charged, mut repeated) = (0, 0);
        for entry in &entries {
            *kinds.entry(&entry.kind).or_default() += 1;
            charged += entry.charge_micro_usd.unwrap_or_default();
            if entry.kind == "submitted" && !inputs.insert(&entry.input_hash) {
                repeated += 1;
            }
        }
        json!({
            "entries": entries,
            "totals": {"kinds": kinds, "charge_micro_usd": charged, "repeated_inputs": repeated},
        })
    }

    /// Forgets everything; the numbering goes on.
    pub(crate) fn clear(&self) {
        self.0.lock().expect("no holder panics").entries.clear();
    }
}

/// The time as the vendor writes it.
pub(crate) fn now() -> String {
    OffsetDateTime::now_utc()
        .format(&time::format_description::well_known::Rfc3339)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_add_up_what_is_shown() {
        let ledger = Ledger::default();
        for (kind, id, charge) in
            [("submitted", "a", None), ("charged", "a", Some(5)), ("submitted", "b", None)]
        {
            ledger.write(Entry {
                kind: kind.into(),
                request_id: Some(id.into()),
                input_hash: Some("same".into()),
                charge_micro_usd: charge,
                ..Entry::default()
            });
        }
        let all = ledger.read(&Filter::default());
        assert_eq!(all["totals"]["charge_micro_usd"], 5);
        assert_eq!(all["totals"]["repeated_inputs"], 1);
        assert_eq!(all["entries"][2]["sequence"], 3);

        let some = ledger.read(&Filter { request_id: Some("a".into()), ..Filter::default() });
        assert_eq!(some["entries"].as_array().map(Vec::len), Some(2));
        ledger.clear();
        ledger.write(Entry::default());
        assert_eq!(ledger.read(&Filter::default())["entries"][0]["sequence"], 4);
    }
}
