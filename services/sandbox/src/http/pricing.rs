//! Prices and estimates.

use axum::body::Body;
use axum::response::Response;
use serde_json::json;

use super::queue::json_body;
use super::{Incoming, answer};
use crate::refusal::Refusal;

/// The most endpoints of one question.
const MOST_ENDPOINTS: usize = 50;

/// What endpoints cost: `?endpoint_id=a,b`, or the parameter repeated.
pub(super) fn prices(incoming: &Incoming) -> Result<Response, Refusal> {
    let ids: Vec<&str> = incoming
        .address
        .query
        .iter()
        .filter(|(name, _)| name == "endpoint_id")
        .flat_map(|(_, ids)| ids.split(','))
        .map(str::trim)
        .filter(|it| !it.is_empty())
        .collect();
    if ids.is_empty() || ids.len() > MOST_ENDPOINTS {
        return Err(Refusal::flat(400, "bad_request", "Between 1 and 50 endpoint ids are needed"));
    }
    let prices: Vec<_> = ids.iter().filter_map(|it| incoming.sandbox.prices.of(it)).collect();
    if prices.is_empty() {
        return Err(Refusal::not_found("None of the endpoints is known"));
    }
    Ok(answer::json(200, &json!({"prices": prices, "next_cursor": null, "has_more": false})))
}

/// What so many calls or units would cost.
pub(super) async fn estimate(incoming: &Incoming, body: Body) -> Result<Response, Refusal> {
    let body = json_body(body).await?;
    let endpoints = body["endpoints"]
        .as_object()
        .filter(|it| !it.is_empty() && it.len() <= MOST_ENDPOINTS)
        .ok_or_else(|| {
            Refusal::flat(400, "bad_request", "`endpoints` must name 1 to 50 endpoints")
        })?;
    let mut total = 0;
    for (id, quantity) in endpoints {
        if incoming.sandbox.prices.of(id).is_none() {
            return Err(Refusal::not_found(format!("Endpoint {id} is not known")));
        }
        let units = ["unit_quantity", "call_quantity"].iter().find_map(|it| quantity[*it].as_f64());
        total += incoming.sandbox.prices.charge(id, units.unwrap_or(1.0));
    }
    let kind = body["estimate_type"].as_str().unwrap_or("unit_price");
    let total = total as f64 / 1e6;
    Ok(answer::json(200, &json!({"estimate_type": kind, "total_cost": total, "currency": "USD"})))
}
