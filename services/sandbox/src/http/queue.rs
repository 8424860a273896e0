//! The queue: submit, status, result, cancel.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use axum::response::Response;
use bytes::Bytes;
use futures::stream;
use serde_json::{Value, json};

use super::{Incoming, answer, mischief};
use crate::address::Endpoint;
use crate::fault::{Fault, Kind};
use crate::jobs::work;
use crate::ledger::Entry;
use crate::model::Order;
use crate::refusal::Refusal;
use crate::sandbox::Sandbox;
use crate::store::request::{Draft, Outcome, Phase, Request};

/// The largest body: inputs may carry files inline.
const MOST_JSON: usize = 100 << 20;
/// How often a silent stream says that it is alive.
const ALIVE: Duration = Duration::from_secs(15);

/// Takes a request in.
pub(super) async fn submit(
    incoming: &Incoming,
    endpoint: Endpoint,
    body: Body,
    faults: &[Fault],
) -> Result<Response, Refusal> {
    let sandbox = &incoming.sandbox;
    let before = sandbox.requests.newest(&endpoint.id);
    let request = draft(incoming, endpoint.clone(), body, faults).await?;
    work::accept(sandbox, &request)?;
    if mischief::find(faults, Kind::Duplicate).is_some() {
        work::accept(sandbox, &again(&request))?;
    }
    if mischief::find(faults, Kind::EarlyWebhook).is_some() {
        let mut changes = request.changes();
        while request.progress().webhooks_delivered == 0 && changes.changed().await.is_ok() {}
    }
    if request.mischief.lost {
        sandbox.requests.forget(&request.id);
    }
    let named = match (mischief::find(faults, Kind::SameId), before) {
        (Some(_), Some(before)) => before,
        _ => request,
    };
    let mut body = links(&named);
    body["status"] = json!("IN_QUEUE");
    body["queue_position"] = json!(sandbox.requests.position(&named.id));
    let mut answer = answer::json(200, &body);
    answer::header(&mut answer, "x-fal-request-id", &named.id);
    Ok(answer)
}

/// How far a request is.
pub(super) fn status(
    incoming: &Incoming,
    application: &str,
    id: &str,
    faults: &[Fault],
) -> Result<Response, Refusal> {
    let request = find(&incoming.sandbox, application, id)?;
    let mut body = describe(&incoming.sandbox, &request, wants_logs(incoming), 0);
    if let Some(fault) = mischief::find(faults, Kind::UnknownStatus) {
        body["status"] = json!(fault.name.as_deref().unwrap_or("PAUSED"));
    }
    if mischief::find(faults, Kind::Backwards).is_some() {
        body["status"] = json!("IN_QUEUE");
        body["queue_position"] = json!(1);
    }
    // The vendor tells the end by the number too.
    let status = if body["status"] == "COMPLETED" { 200 } else { 202 };
    let mut answer = answer::json(status, &body);
    answer::header(&mut answer, "x-fal-request-id", id);
    Ok(answer)
}

/// How far a request is, again and again until it has ended. Each event carries only new lines of
/// the log, because readers add them up.
pub(super) fn stream(
    incoming: &Incoming,
    application: &str,
    id: &str,
) -> Result<Response, Refusal> {
    let request = find(&incoming.sandbox, application, id)?;
    let with_logs = wants_logs(incoming);
    let sandbox = incoming.sandbox.clone();
    let changes = request.changes();
    let start = (Some(changes), 0usize, Value::Null);
    let events = stream::unfold(start, move |(changes, n_logs, last)| {
        let (sandbox, request) = (sandbox.clone(), request.clone());
        async move {
            let mut changes = changes?;
            loop {
                changes.mark_unchanged();
                let body = describe(&sandbox, &request, with_logs, n_logs);
                let n_now = request.progress().logs.len();
                let is_last = body["status"] == "COMPLETED";
                if body != last {
                    let event = format!("data: {body}\n\n");
                    // Once a line is sent, an event without it is no news.
                    let mut seen = body;
                    if with_logs && seen["logs"].is_array() {
                        seen["logs"] = json!([]);
                    }
                    let next = ((!is_last).then_some(changes), n_now, seen);
                    return Some((event, next));
                }
                if is_last || sandbox.shutdown.is_cancelled() {
                    return None;
                }
                match tokio::time::timeout(ALIVE, changes.changed()).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) => return None,
                    Err(_) => {
                        return Some((": alive\n\n".to_owned(), (Some(changes), n_logs, last)));
                    }
                }
            }
        }
    });
    Ok(events_answer(events, id))
}

/// What came out.
pub(super) fn result(
    incoming: &Incoming,
    application: &str,
    id: &str,
    faults: &[Fault],
) -> Result<Response, Refusal> {
    let request = find(&incoming.sandbox, application, id)?;
    let Some(outcome) = request.outcome() else {
        return Err(Refusal::flat(400, "", "Request is still in progress"));
    };
    if mischief::find(faults, Kind::ExpiredResult).is_some()
        && let Outcome::Success { output, .. } = &*outcome
    {
        for key in keys(output) {
            incoming.sandbox.files.remove(&key);
        }
    }
    Ok(finished(&request, &outcome))
}

/// Stops a request.
pub(super) fn cancel(
    incoming: &Incoming,
    application: &str,
    id: &str,
) -> Result<Response, Refusal> {
    let request = find(&incoming.sandbox, application, id)?;
    let mut answer = if work::cancel(&incoming.sandbox, &request) {
        answer::json(202, &json!({"status": "CANCELLATION_REQUESTED"}))
    } else {
        // Never 409: the Python client would ask ten times.
        let detail = "Request is already completed";
        let body = json!({"status": "ALREADY_COMPLETED", "detail": detail, "message": detail});
        answer::json(400, &body)
    };
    answer::header(&mut answer, "x-fal-request-id", id);
    Ok(answer)
}

/// The answer to a request that has ended.
pub(super) fn finished(request: &Request, outcome: &Outcome) -> Response {
    let mut answer = match outcome {
        Outcome::Success { output, units } => {
            let mut answer = answer::json(200, output);
            answer::header(&mut answer, "x-fal-billable-units", &units.to_string());
            answer
        }
        Outcome::Failure(refusal) => answer::refuse(refusal),
    };
    answer::header(&mut answer, "x-fal-request-id", &request.id);
    answer
}

/// Reads a submission.
pub(super) async fn draft(
    incoming: &Incoming,
    endpoint: Endpoint,
    body: Body,
    faults: &[Fault],
) -> Result<Arc<Request>, Refusal> {
    let body = json_body(body).await?;
    let order = Order::read(&endpoint.id, &body).inspect_err(|refusal| {
        incoming.sandbox.ledger.write(Entry {
            kind: "refused".into(),
            endpoint: Some(endpoint.id.clone()),
            note: Some(refusal.message.clone()),
            ..Entry::default()
        });
    })?;
    let references =
        ["x-client-reference", "idempotency-key", "x-fal-runner-hint", "x-fal-request-id"];
    let patience = incoming.header("x-fal-request-timeout").and_then(|it| it.parse::<f64>().ok());
    Ok(Request::new(Draft {
        endpoint,
        order,
        base_url: incoming.base_url.clone(),
        webhook: incoming.address.query("fal_webhook").map(str::to_owned),
        start_timeout: patience.and_then(|it| Duration::try_from_secs_f64(it).ok()),
        is_low_priority: incoming.header("x-fal-queue-priority") == Some("low"),
        client_reference: references.iter().find_map(|it| incoming.header(it)).map(str::to_owned),
        mischief: mischief::planned(faults),
    }))
}

/// Reads a JSON body; nothing at all is an empty object.
pub(super) async fn json_body(body: Body) -> Result<Value, Refusal> {
    let bytes = axum::body::to_bytes(body, MOST_JSON)
        .await
        .map_err(|_| Refusal::flat(413, "", "Request body is too large or was cut off"))?;
    if bytes.is_empty() {
        return Ok(json!({}));
    }
    serde_json::from_slice(&bytes).map_err(|error| {
        let problem = crate::refusal::Problem::new(
            "",
            None,
            "json_invalid",
            format!("JSON decode error: {error}"),
        );
        Refusal::invalid(problem)
    })
}

/// A stream of events.
pub(super) fn events_answer(
    events: impl stream::Stream<Item = String> + Send + 'static,
    id: &str,
) -> Response {
    use futures::StreamExt;
    let body = Body::from_stream(events.map(|it| Ok::<_, Infallible>(Bytes::from(it))));
    let mut answer = Response::new(body);
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    answer::header(&mut answer, "x-fal-request-id", id);
    answer
}

fn find(sandbox: &Sandbox, application: &str, id: &str) -> Result<Arc<Request>, Refusal> {
    sandbox
        .requests
        .find(application, id)
        .ok_or_else(|| Refusal::not_found(format!("Request {id} not found")))
}

/// The same request a second time, under another id.
fn again(request: &Request) -> Arc<Request> {
    Request::new(Draft {
        endpoint: request.endpoint.clone(),
        order: request.order.clone(),
        base_url: request.base_url.clone(),
        webhook: request.webhook.clone(),
        start_timeout: request.start_timeout,
        is_low_priority: request.is_low_priority,
        client_reference: request.client_reference.clone(),
        mischief: request.mischief.clone(),
    })
}

/// `1`, `true`: yes; `0`, `false` and nothing: no.
fn wants_logs(incoming: &Incoming) -> bool {
    matches!(incoming.address.query("logs"), Some("1" | "true" | "True"))
}

fn links(request: &Request) -> Value {
    let id = &request.id;
    let url = format!("{}/queue/{}/requests/{id}", request.base_url, request.endpoint.application);
    json!({
        "request_id": id,
        "response_url": url,
        "status_url": format!("{url}/status"),
        "cancel_url": format!("{url}/cancel"),
    })
}

fn describe(sandbox: &Sandbox, request: &Request, with_logs: bool, skip: usize) -> Value {
    let progress = request.progress();
    let mut body = links(request);
    let logs =
        if with_logs { json!(progress.logs.get(skip..).unwrap_or_default()) } else { Value::Null };
    match &progress.phase {
        Phase::Queued => {
            body["status"] = json!("IN_QUEUE");
            body["queue_position"] = json!(sandbox.requests.position(&request.id));
        }
        Phase::Running => {
            body["status"] = json!("IN_PROGRESS");
            body["logs"] = logs;
        }
        Phase::Done(outcome) => {
            body["status"] = json!("COMPLETED");
            body["logs"] = logs;
            let time =
                progress.started.zip(progress.finished).map(|(from, to)| (to - from).as_secs_f64());
            body["metrics"] = time.map_or(json!({}), |it| json!({"inference_time": it}));
            if let Outcome::Failure(refusal) = &**outcome {
                body["error"] = json!(refusal.message);
                body["error_type"] = json!(refusal.error_type);
            }
        }
    }
    body
}

/// The keys of the files that an output names.
fn keys(output: &Value) -> Vec<String> {
    match output {
        Value::String(text) => {
            text.split_once("/files/").map(|(_, key)| key.to_owned()).into_iter().collect()
        }
        Value::Array(list) => list.iter().flat_map(keys).collect(),
        Value::Object(map) => map.values().flat_map(keys).collect(),
        _ => Vec::new(),
    }
}
