//! Making answers.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use axum::http::{Response as Answer, StatusCode};
use axum::response::Response;
use serde_json::Value;

use crate::refusal::Refusal;

/// A JSON answer.
pub(super) fn json(status: u16, body: &Value) -> Response {
    let mut answer = Answer::new(Body::from(body.to_string()));
    // Cloudflare's and the vendor's own numbers such as 499 are in range too.
    *answer.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

/// No.
pub(super) fn refuse(refusal: &Refusal) -> Response {
    let mut answer = json(refusal.status, &refusal.body());
    if let Some(error_type) = &refusal.error_type {
        header(&mut answer, "x-fal-error-type", error_type);
    }
    if let Some(retryable) = refusal.retryable {
        header(&mut answer, "x-fal-retryable", if retryable { "true" } else { "false" });
    }
    if let Some(kind) = refusal.timeout_type {
        header(&mut answer, "x-fal-request-timeout-type", kind);
    }
    if let Some(seconds) = refusal.retry_after {
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    answer
}

/// Sets a header; a value that cannot be one is left out.
pub(super) fn header(answer: &mut Response, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(HeaderName::from_static(name), value);
    }
}
