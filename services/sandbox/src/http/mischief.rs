//! Carrying calls out, and going wrong where a rule says so: before the work, in it, or after it.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use axum::response::Response;
use bytes::Bytes;
use futures::stream;
use serde_json::json;

use super::call::Call;
use super::{Cut, Incoming, answer, control, file, pricing, queue, run, storage};
use crate::fault::{Fault, Kind, Operation, Subject};
use crate::ledger::Entry;
use crate::refusal::Refusal;
use crate::store::request::Mischief;

/// The longest that anything hangs.
const HANG: Duration = Duration::from_secs(600);

/// Does what is called for, unless a rule spoils it.
pub(super) async fn around(incoming: Incoming, call: Call, body: Body) -> Response {
    let faults = fired(&incoming, &call);
    let cut = incoming.parts.extensions.get::<Cut>().cloned();
    if let Some(spoiled) = before(&incoming, &call, &faults).await {
        return spoiled;
    }
    let answer = match call {
        Call::Submit(endpoint) => queue::submit(&incoming, endpoint, body, &faults).await,
        Call::Status { application, id } => queue::status(&incoming, &application, &id, &faults),
        Call::StatusStream { application, id } => queue::stream(&incoming, &application, &id),
        Call::Result { application, id } => queue::result(&incoming, &application, &id, &faults),
        Call::Cancel { application, id } => queue::cancel(&incoming, &application, &id),
        Call::Run(endpoint) => run::run(&incoming, endpoint, body, &faults).await,
        Call::Stream(endpoint) => run::stream(&incoming, endpoint, body, &faults).await,
        Call::Token => storage::token(&incoming, body).await,
        Call::UploadToken => storage::upload_token(&incoming),
        Call::Initiate { in_parts } => storage::initiate(&incoming, body, in_parts).await,
        Call::Put { key } => storage::put(&incoming, &key, body).await,
        Call::Upload => storage::upload(&incoming, body).await,
        Call::OpenParts => storage::open_parts(&incoming),
        Call::PutPart { id, number } => storage::put_part(&incoming, &id, number, body).await,
        Call::JoinParts { id, key } => storage::join_parts(&incoming, &id, &key, body).await,
        Call::Prices => pricing::prices(&incoming),
        Call::Estimate => pricing::estimate(&incoming, body).await,
        Call::Download { key } => file::download(&incoming, &key).await,
        Call::Control => control::control(&incoming, body).await,
    };
    let answer = answer.unwrap_or_else(|refusal| answer::refuse(&refusal));
    after(answer, &faults, cut).await
}

/// What mischief a request carries from its submission on.
pub(super) fn planned(faults: &[Fault]) -> Mischief {
    let mut planned = Mischief::default();
    for fault in faults {
        match fault.kind {
            Kind::FailLate => {
                let name = fault.name.as_deref().unwrap_or("internal_server_error");
                planned.fail_late = Refusal::named(name);
            }
            Kind::NeverFinishes => planned.never_finishes = true,
            Kind::SlowWork => planned.slower_by += milliseconds(fault, 2_000),
            Kind::Nsfw => planned.nsfw = true,
            Kind::ExpiredResult => planned.expired_result = true,
            Kind::DuplicateWebhook => planned.n_webhooks = 2,
            Kind::JobLost => planned.lost = true,
            _ => {}
        }
    }
    planned
}

/// Whether one of these faults fired.
pub(super) fn find(faults: &[Fault], kind: Kind) -> Option<&Fault> {
    faults.iter().find(|it| it.kind == kind)
}

fn fired(incoming: &Incoming, call: &Call) -> Vec<Fault> {
    let Some(operation) = call.operation() else { return Vec::new() };
    let sandbox = &incoming.sandbox;
    let (endpoint, request_id) = match call {
        Call::Submit(endpoint) | Call::Run(endpoint) | Call::Stream(endpoint) => {
            (Some(endpoint.id.clone()), None)
        }
        Call::Status { application, id }
        | Call::StatusStream { application, id }
        | Call::Result { application, id }
        | Call::Cancel { application, id } => {
            let request = sandbox.requests.find(application, id);
            (request.map(|it| it.endpoint.id.clone()), Some(id.clone()))
        }
        _ => (None, None),
    };
    let subject =
        Subject { operation, endpoint: endpoint.as_deref(), request_id: request_id.as_deref() };
    let faults = sandbox.faults.fire(subject);
    for fault in &faults {
        let note = json!({"operation": operation, "fault": fault}).to_string();
        sandbox.ledger.write(Entry {
            kind: "fault".into(),
            request_id: request_id.clone(),
            endpoint: endpoint.clone(),
            note: Some(note),
            ..Entry::default()
        });
    }
    faults
}

/// What goes wrong before anything is done.
async fn before(incoming: &Incoming, call: &Call, faults: &[Fault]) -> Option<Response> {
    for fault in faults {
        match fault.kind {
            Kind::Latency => tokio::time::sleep(milliseconds(fault, 1_000)).await,
            Kind::Error => return Some(answer::refuse(&error(fault))),
            Kind::Html => return Some(page(fault.status.unwrap_or(502))),
            Kind::Hang => hang(incoming.parts.extensions.get::<Cut>()).await,
            Kind::JobLost => {
                if let Call::Status { id, .. }
                | Call::StatusStream { id, .. }
                | Call::Result { id, .. }
                | Call::Cancel { id, .. } = call
                {
                    incoming.sandbox.requests.forget(id);
                }
            }
            Kind::ExpiredResult if call.operation() == Some(Operation::Download) => {
                let status = fault.status.unwrap_or(404);
                return Some(answer::refuse(&Refusal::flat(
                    status,
                    "",
                    "File not found or expired",
                )));
            }
            _ => {}
        }
    }
    None
}

/// What goes wrong once it is done.
async fn after(answer: Response, faults: &[Fault], cut: Option<Cut>) -> Response {
    let mut answer = answer;
    for fault in faults {
        match fault.kind {
            Kind::HangAfterAccept => hang(cut.as_ref()).await,
            Kind::LostAnswer => {
                if let Some(cut) = &cut {
                    cut.0.cancel();
                }
                hang(None).await;
            }
            Kind::WrongType => {
                answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
            }
            Kind::InvalidJson => {
                let length = answer.headers_mut().remove(CONTENT_LENGTH);
                drop(length);
                *answer.body_mut() = Body::from("{\"request_id\": \"7b0e, \"status\":");
            }
            Kind::Cut => answer = halved(answer).await,
            Kind::Slow => answer = trickled(answer, milliseconds(fault, 3_000)).await,
            _ => {}
        }
    }
    answer
}

fn error(fault: &Fault) -> Refusal {
    let mut refusal =
        fault.name.as_deref().and_then(Refusal::named).unwrap_or_else(|| {
            Refusal::flat(fault.status.unwrap_or(500), "", "Something went wrong")
        });
    if let Some(status) = fault.status {
        refusal.status = status;
    }
    if let Some(detail) = &fault.detail {
        refusal.detail = detail.clone();
        refusal.message = detail.as_str().map_or_else(|| detail.to_string(), str::to_owned);
    }
    if fault.error_type.is_some() {
        refusal.error_type.clone_from(&fault.error_type);
    }
    refusal.retry_after = fault.retry_after;
    refusal.retryable = fault.retryable.or(refusal.retryable);
    refusal
}

/// A proxy's own page, which is how clients tell it from the vendor's answer.
fn page(status: u16) -> Response {
    let mut answer = answer::json(status, &json!(null));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
    *answer.body_mut() = Body::from(format!(
        "<html><head><title>{status}</title></head><body><center><h1>{status}</h1></center><hr>\
         <center>nginx</center></body></html>"
    ));
    answer
}

/// No answer; in the end the connection is closed.
async fn hang(cut: Option<&Cut>) {
    tokio::time::sleep(HANG).await;
    if let Some(cut) = cut {
        cut.0.cancel();
    }
}

/// The first half of the body under the whole length, then the end of the connection.
async fn halved(answer: Response) -> Response {
    let (mut parts, body) = answer.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    let half = bytes.slice(..bytes.len() / 2);
    parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    let chunks = [Ok(half), Err(io::Error::from(io::ErrorKind::ConnectionReset))];
    let chunks = stream::unfold(chunks.into_iter(), |mut chunks| async {
        let chunk = chunks.next()?;
        if chunk.is_err() {
            // So that the first half is on its way before the cut.
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        Some((chunk, chunks))
    });
    Response::from_parts(parts, Body::from_stream(chunks))
}

/// The body in twenty pieces over this time.
async fn trickled(answer: Response, time: Duration) -> Response {
    let (mut parts, body) = answer.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    let size = (bytes.len() / 20).max(1);
    let n_pieces = bytes.len().div_ceil(size).max(1);
    let pieces = stream::unfold(bytes, move |mut rest: Bytes| async move {
        if rest.is_empty() {
            return None;
        }
        tokio::time::sleep(time / n_pieces as u32).await;
        let piece = rest.split_to(size.min(rest.len()));
        Some((Ok::<_, Infallible>(piece), rest))
    });
    Response::from_parts(parts, Body::from_stream(pieces))
}

fn milliseconds(fault: &Fault, default: u64) -> Duration {
    Duration::from_millis(fault.ms.unwrap_or(default))
}
