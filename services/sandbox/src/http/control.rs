//! The sandbox's own API.

use axum::body::Body;
use axum::http::Method;
use axum::response::Response;
use serde_json::{Value, json};

use super::queue::json_body;
use super::{Incoming, answer};
use crate::ledger::Filter;
use crate::model;
use crate::refusal::Refusal;
use crate::store::request::{Outcome, Phase};

pub(super) async fn control(incoming: &Incoming, body: Body) -> Result<Response, Refusal> {
    let sandbox = &incoming.sandbox;
    let path: Vec<&str> = incoming.address.path.split('/').collect();
    let answer = match (&incoming.parts.method, path.as_slice()) {
        (&Method::GET, ["health"]) => json!({"status": "ok"}),
        (&Method::GET, ["ledger"]) => {
            let query = |name| incoming.address.query(name).map(str::to_owned);
            sandbox.ledger.read(&Filter {
                request_id: query("request_id"),
                endpoint: query("endpoint"),
                kind: query("kind"),
                after: query("after").and_then(|it| it.parse().ok()).unwrap_or_default(),
            })
        }
        (&Method::DELETE, ["ledger"]) => {
            sandbox.ledger.clear();
            json!({})
        }
        (&Method::GET, ["faults"]) => sandbox.faults.list(),
        (&Method::POST, ["faults"]) => {
            let posted = json_body(body).await?;
            sandbox.faults.add(posted).map_err(|why| Refusal::flat(422, "bad_request", why))?
        }
        (&Method::DELETE, ["faults"]) => {
            sandbox.faults.clear();
            json!({})
        }
        (&Method::DELETE, ["faults", id]) => {
            let is_gone = id.parse().is_ok_and(|id| sandbox.faults.remove(id));
            if !is_gone {
                return Err(Refusal::not_found("There is no such rule"));
            }
            json!({})
        }
        (&Method::GET, ["requests"]) => json!({"requests": requests(incoming)}),
        (&Method::GET, ["models"]) => json!({"models": models(incoming)}),
        (&Method::POST, ["reset"]) => {
            sandbox.reset();
            json!({})
        }
        _ => return Err(Refusal::not_found("There is no such control")),
    };
    Ok(answer::json(200, &answer))
}

fn requests(incoming: &Incoming) -> Vec<Value> {
    let all = incoming.sandbox.requests.all();
    all.iter()
        .map(|request| {
            let progress = request.progress();
            let status = match &progress.phase {
                Phase::Queued => "queued",
                Phase::Running => "running",
                Phase::Done(outcome) => match &**outcome {
                    Outcome::Success { .. } => "succeeded",
                    Outcome::Failure(_) => "failed",
                },
            };
            json!({
                "request_id": request.id,
                "endpoint": request.endpoint.id,
                "status": status,
                "seed": request.order.seed,
                "input_hash": request.order.input_hash,
                "client_reference": request.client_reference,
                "age_ms": request.submitted.elapsed().as_millis() as u64,
                "webhooks_delivered": progress.webhooks_delivered,
            })
        })
        .collect()
}

fn models(incoming: &Incoming) -> Vec<Value> {
    model::all()
        .iter()
        .map(|it| {
            let price = incoming.sandbox.prices.of(it.endpoint);
            json!({
                "endpoint": it.endpoint,
                "usual_ms": it.usual_ms as f64 * incoming.sandbox.latency,
                "price": price,
            })
        })
        .collect()
}
