//! What is known about a run once it is over, from those who saw it from outside.

use std::collections::{BTreeMap, BTreeSet};

/// What a client wrote into its journal about one generation. Times are seconds since the start.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// What it called its request.
    pub request_id: String,
    /// How many pictures it asked for.
    pub count: usize,
    /// When it asked first.
    pub sent: f64,
    /// When it was first answered.
    pub accepted: Option<f64>,
    /// The generation that each answer named; requests are repeated when no answer came, and
    /// sometimes although one did.
    pub ids: Vec<String>,
    /// Why it was refused for good, which it should not be.
    pub refusal: Option<String>,
    /// When the client stopped to ask without an answer.
    pub quit: Option<f64>,
    /// How many calls failed in passing.
    pub troubles: usize,
    /// When it was first seen to have ended.
    pub ended: Option<f64>,
    /// How it had ended then.
    pub first: Option<Ending>,
}

impl Record {
    /// The generation, once one was accepted.
    pub fn id(&self) -> Option<&str> {
        self.ids.first().map(String::as_str)
    }
}

/// How a generation stands.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Ending {
    /// The state, as the contract names it.
    pub state: String,
    /// The reason, if it failed.
    pub error: String,
    /// What it cost, in millionths.
    pub cost: i64,
    /// What it was said to cost.
    pub quote: i64,
    /// Its pictures.
    pub pictures: Vec<Picture>,
}

impl Ending {
    /// Whether nothing happens any more.
    pub fn is_final(&self) -> bool {
        matches!(&*self.state, "STATE_COMPLETED" | "STATE_FAILED" | "STATE_CANCELLED")
    }
}

/// How a picture stands.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Picture {
    /// The id of the prediction.
    pub id: String,
    /// Which one it is.
    pub index: i32,
    /// Whether it is there.
    pub is_ready: bool,
    /// The media.
    pub media_id: String,
    /// What it cost, in millionths.
    pub cost: i64,
}

/// What the engine says about one try of one task.
#[derive(Clone, Debug, Default)]
pub struct Attempt {
    /// The task.
    pub task_id: String,
    /// The node of the graph, such as `image_0`.
    pub node: String,
    /// The generation.
    pub generation_id: String,
    /// Which try it is, from 1.
    pub number: i32,
    /// The model that it was tried on.
    pub model: String,
    /// How far it came, as the contract names it.
    pub phase: String,
    /// What the vendor calls it. Empty if the vendor never said.
    pub vendor_job_id: String,
}

impl Attempt {
    /// How the vendor's ledger names it.
    pub fn reference(&self) -> String {
        format!("{}-{}", self.task_id, self.number)
    }
}

/// What the vendor wrote into its ledger.
#[derive(Clone, Debug, Default)]
pub struct Entry {
    /// What happened.
    pub kind: String,
    /// What the vendor calls the request.
    pub request_id: String,
    /// How the caller calls it: the attempt.
    pub reference: String,
    /// What it charged, in millionths.
    pub charge: i64,
    /// What was planned to go wrong, in the entries about that.
    pub note: String,
}

/// A durable event as the subscriber got it, in order.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// When it came.
    pub time: f64,
    /// Through which connection it came, from 1.
    pub connection: usize,
    /// Who published it.
    pub source: String,
    /// Its position there.
    pub position: i64,
    /// What happened, such as `prediction_ready`.
    pub name: &'static str,
    /// To what: the generation, prediction or workflow.
    pub subject: String,
    /// The number of the event within its workflow. 0 elsewhere.
    pub sequence: i64,
    /// What the client calls the request that caused it. Empty if none did.
    pub request: String,
}

/// A time in which something was broken.
#[derive(Clone, Debug)]
pub struct Outage {
    /// What it was.
    pub name: String,
    /// When it broke.
    pub begin: f64,
    /// When it had healed.
    pub end: f64,
}

/// Everything that an audit looks at.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// The journals of the clients.
    pub records: Vec<Record>,
    /// All generations that there are, whether or not a client was told of them.
    pub listed: BTreeSet<String>,
    /// How each of them, and each that a client was told of, stands at the end. None if it is not to be
    /// found.
    pub lasts: BTreeMap<String, Option<Ending>>,
    /// The tries of all tasks of these generations.
    pub attempts: Vec<Attempt>,
    /// The vendor's ledger.
    pub ledger: Vec<Entry>,
    /// The keys in the bucket at the end.
    pub objects: BTreeSet<String>,
    /// Those that are still there once the grace is over and it was swept.
    pub kept: BTreeSet<String>,
    /// The media that the library knows.
    pub media: BTreeSet<String>,
    /// Those that were uploaded.
    pub uploads: BTreeSet<String>,
    /// The journal of the subscriber.
    pub told: Vec<Told>,
    /// How often it connected.
    pub connections: usize,
    /// What it was refused for, which it should not be.
    pub refused: Vec<String>,
    /// The last position of each source before the first and after the last generation.
    pub heads: BTreeMap<String, (i64, i64)>,
    /// What was broken, and when.
    pub outages: Vec<Outage>,
    /// How often one engine took over from another.
    pub takeovers: i64,
    /// Processes that ended by themselves.
    pub ended: Vec<String>,
    /// When it was all over.
    pub end: f64,
}

impl Evidence {
    /// The generations that no client was told of: they were accepted, and the answer was lost.
    pub fn unanswered(&self) -> BTreeSet<&str> {
        let told: BTreeSet<&str> =
            self.records.iter().flat_map(|it| &it.ids).map(String::as_str).collect();
        self.listed.iter().map(String::as_str).filter(|it| !told.contains(it)).collect()
    }
}
