//! Runs whose caller waits: with one answer, or with a stream of events.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Method;
use axum::response::Response;
use futures::stream;
use serde_json::{Value, json};

use super::queue::{draft, events_answer, finished};
use super::{Incoming, mischief};
use crate::address::Endpoint;
use crate::fault::{Fault, Kind};
use crate::jobs::work;
use crate::refusal::Refusal;
use crate::sandbox::Sandbox;
use crate::store::request::{Outcome, Request};

/// Runs to the end. A caller that goes away takes the work with it.
pub(super) async fn run(
    incoming: &Incoming,
    endpoint: Endpoint,
    body: Body,
    faults: &[Fault],
) -> Result<Response, Refusal> {
    let body = if incoming.parts.method == Method::GET { from_query(incoming) } else { body };
    let request = draft(incoming, endpoint, body, faults).await?;
    let mut caller =
        Caller { sandbox: incoming.sandbox.clone(), request: request.clone(), is_here: true };
    let mut changes = request.changes();
    work::accept(&incoming.sandbox, &request)?;
    if mischief::find(faults, Kind::HangAfterAccept).is_some() {
        // The work goes on whether or not the caller waits for an answer that never comes.
        caller.is_here = false;
    }
    loop {
        if let Some(outcome) = request.outcome() {
            caller.is_here = false;
            return Ok(finished(&request, &outcome));
        }
        if changes.changed().await.is_err() {
            return Err(Refusal::flat(500, "internal_error", "The runner failed"));
        }
    }
}

/// Runs to the end, telling how far it is.
pub(super) async fn stream(
    incoming: &Incoming,
    endpoint: Endpoint,
    body: Body,
    faults: &[Fault],
) -> Result<Response, Refusal> {
    let request = draft(incoming, endpoint, body, faults).await?;
    let changes = request.changes();
    work::accept(&incoming.sandbox, &request)?;
    let caller =
        Caller { sandbox: incoming.sandbox.clone(), request: request.clone(), is_here: true };
    let id = request.id.clone();
    let start = Some((changes, 0usize, caller));
    let events = stream::unfold(start, move |state| {
        let request = request.clone();
        async move {
            let (mut changes, n_logs, mut caller) = state?;
            loop {
                changes.mark_unchanged();
                if let Some(outcome) = request.outcome() {
                    caller.is_here = false;
                    return Some((event(&last(&outcome)), None));
                }
                let logs = request.progress().logs;
                if logs.len() > n_logs {
                    let fresh = json!({"progress": progress(&logs), "logs": logs[n_logs..]});
                    return Some((event(&fresh), Some((changes, logs.len(), caller))));
                }
                if changes.changed().await.is_err() {
                    return None;
                }
            }
        }
    });
    Ok(events_answer(events, &id))
}

/// Somebody who waits. When they leave before the end, the work is cancelled.
struct Caller {
    sandbox: Arc<Sandbox>,
    request: Arc<Request>,
    is_here: bool,
}

impl Drop for Caller {
    fn drop(&mut self) {
        if self.is_here {
            work::cancel(&self.sandbox, &self.request);
        }
    }
}

fn event(body: &Value) -> String {
    format!("data: {body}\n\n")
}

fn last(outcome: &Outcome) -> Value {
    match outcome {
        Outcome::Success { output, .. } => output.clone(),
        Outcome::Failure(refusal) => refusal.body(),
    }
}

/// The share that the last line of the log counts, between 0 and 1.
fn progress(logs: &[crate::store::request::Log]) -> f64 {
    let percent = |it: &str| it.split_once('%')?.0.trim().parse::<f64>().ok();
    logs.iter().rev().find_map(|it| percent(&it.message)).unwrap_or(0.0) / 100.0
}

/// The JavaScript client puts the arguments of a GET into the query.
fn from_query(incoming: &Incoming) -> Body {
    let pairs = incoming.address.query.iter().filter(|(name, _)| name != "fal_jwt_token");
    let arguments: serde_json::Map<String, Value> = pairs
        .map(|(name, value)| {
            let value = serde_json::from_str(value).unwrap_or_else(|_| json!(value));
            (name.clone(), value)
        })
        .collect();
    Body::from(Value::Object(arguments).to_string())
}
