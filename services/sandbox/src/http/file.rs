//! Downloads.

use axum::body::Body;
use axum::http::Method;
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use axum::response::Response;

use super::Incoming;
use crate::ledger::Entry;
use crate::refusal::Refusal;

/// A result or an upload, by its key.
pub(super) async fn download(incoming: &Incoming, key: &str) -> Result<Response, Refusal> {
    let (sandbox, name) = (incoming.sandbox.clone(), key.to_owned());
    let file = tokio::task::spawn_blocking(move || sandbox.files.get(&name)).await;
    let file =
        file.ok().flatten().ok_or_else(|| Refusal::not_found("File not found or expired"))?;
    let is_head = incoming.parts.method == Method::HEAD;
    if !is_head {
        incoming.sandbox.ledger.write(Entry {
            kind: "downloaded".into(),
            note: Some(key.to_owned()),
            ..Entry::default()
        });
    }
    let length = file.bytes.len();
    let mut answer = Response::new(if is_head { Body::empty() } else { Body::from(file.bytes) });
    let headers = answer.headers_mut();
    let media_type = HeaderValue::from_str(&file.media_type)
        .unwrap_or(HeaderValue::from_static("application/octet-stream"));
    headers.insert(CONTENT_TYPE, media_type);
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600, immutable"));
    Ok(answer)
}
