//! Tokens and uploads, in all the ways in which the official clients send files.

use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::queue::json_body;
use super::{Incoming, answer};
use crate::ledger::Entry;
use crate::refusal::Refusal;

/// The largest single upload.
const MOST_BYTES: usize = 256 << 20;
/// How long an upload may take from its first call.
const UPLOAD_LIFE: Duration = Duration::from_secs(3600);

/// A short token for a caller who must not have the key.
pub(super) async fn token(incoming: &Incoming, body: Body) -> Result<Response, Refusal> {
    let body = json_body(body).await?;
    let seconds = body["token_expiration"].as_u64().unwrap_or(120).min(86_400);
    let token = incoming.sandbox.access.issue(Duration::from_secs(seconds));
    Ok(answer::json(200, &json!(token)))
}

/// A token for the upload host.
pub(super) fn upload_token(incoming: &Incoming) -> Result<Response, Refusal> {
    let expiry = OffsetDateTime::now_utc() + UPLOAD_LIFE;
    let format =
        time::macros::format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]+00:00");
    Ok(answer::json(
        200,
        &json!({
            "token": incoming.sandbox.access.issue(UPLOAD_LIFE),
            "token_type": "Bearer",
            "base_url": format!("{}/cdn", incoming.base_url),
            "expires_at": expiry.format(format).unwrap_or_default(),
        }),
    ))
}

/// An address to put a file to, whole or in parts, and the one under which it will be read.
pub(super) async fn initiate(
    incoming: &Incoming,
    body: Body,
    in_parts: bool,
) -> Result<Response, Refusal> {
    let body = json_body(body).await?;
    let media_type = body["content_type"].as_str().unwrap_or(UNKNOWN);
    let key = new_key(body["file_name"].as_str(), media_type);
    let token = incoming.sandbox.access.issue(UPLOAD_LIFE);
    let way = if in_parts { "parts" } else { "put" };
    if in_parts {
        incoming.sandbox.files.open_parts(&key, media_type);
    }
    Ok(answer::json(
        200,
        &json!({
            "upload_url": format!("{}/cdn/{way}/{key}?token={token}", incoming.base_url),
            "file_url": file_url(incoming, &key),
        }),
    ))
}

/// The bytes, at the address that was initiated.
pub(super) async fn put(incoming: &Incoming, key: &str, body: Body) -> Result<Response, Refusal> {
    let bytes = read(body).await?;
    keep(incoming, key.to_owned(), media_type(incoming), bytes).await?;
    Ok(answer::json(200, &json!({})))
}

/// The bytes, without an address.
pub(super) async fn upload(incoming: &Incoming, body: Body) -> Result<Response, Refusal> {
    let bytes = read(body).await?;
    let media_type = media_type(incoming);
    let key = new_key(incoming.header("x-fal-file-name"), &media_type);
    keep(incoming, key.clone(), media_type, bytes).await?;
    Ok(answer::json(200, &json!({"access_url": file_url(incoming, &key)})))
}

/// Opens an upload in parts, the Python client's way.
pub(super) fn open_parts(incoming: &Incoming) -> Result<Response, Refusal> {
    let media_type = media_type(incoming);
    let key = new_key(incoming.header("x-fal-file-name"), &media_type);
    let id = uuid::Uuid::new_v4().simple().to_string();
    incoming.sandbox.files.open_parts(&id, &media_type);
    Ok(answer::json(200, &json!({"access_url": file_url(incoming, &key), "uploadId": id})))
}

/// One part. One client reads the tag from the header, the other from the body.
pub(super) async fn put_part(
    incoming: &Incoming,
    id: &str,
    number: u32,
    body: Body,
) -> Result<Response, Refusal> {
    let bytes = read(body).await?;
    let tag = format!("\"{}\"", tag(&bytes));
    if !incoming.sandbox.files.put_part(id, number, bytes) {
        return Err(Refusal::not_found("There is no such upload, or no room for it"));
    }
    let mut answer = answer::json(200, &json!({"partNumber": number, "etag": tag}));
    answer::header(&mut answer, "etag", &tag);
    Ok(answer)
}

/// Makes a file of the parts, whose list comes in order of completion.
pub(super) async fn join_parts(
    incoming: &Incoming,
    id: &str,
    key: &str,
    body: Body,
) -> Result<Response, Refusal> {
    let body = json_body(body).await?;
    let number = |it: &Value| it["partNumber"].as_u64().and_then(|it| u32::try_from(it).ok());
    let numbers: Option<Vec<u32>> =
        body["parts"].as_array().and_then(|parts| parts.iter().map(number).collect());
    let numbers = numbers
        .filter(|it| !it.is_empty())
        .ok_or_else(|| Refusal::flat(400, "", "`parts` must list the parts by `partNumber`"))?;
    let file =
        incoming.sandbox.files.join_parts(id, &numbers).ok_or_else(|| {
            Refusal::flat(400, "", "A part is missing, or there is no such upload")
        })?;
    keep(incoming, key.to_owned(), file.media_type, file.bytes).await?;
    let url = file_url(incoming, key);
    Ok(answer::json(200, &json!({"access_url": url, "file_url": url})))
}

/// What a file is called that nobody named the type of.
const UNKNOWN: &str = "application/octet-stream";

async fn read(body: Body) -> Result<Bytes, Refusal> {
    axum::body::to_bytes(body, MOST_BYTES)
        .await
        .map_err(|_| Refusal::flat(413, "", "The file is too large or was cut off"))
}

async fn keep(
    incoming: &Incoming,
    key: String,
    media_type: String,
    bytes: Bytes,
) -> Result<(), Refusal> {
    let is_plain = |it: char| it.is_ascii_alphanumeric() || matches!(it, '.' | '-' | '_');
    if key.is_empty() || key.starts_with('.') || !key.chars().all(is_plain) {
        return Err(Refusal::flat(400, "", "This is not a file that was initiated here"));
    }
    let sandbox = incoming.sandbox.clone();
    let note = format!("{key}, {media_type}, {} bytes", bytes.len());
    let kept =
        tokio::task::spawn_blocking(move || sandbox.files.put(&key, &media_type, bytes)).await;
    if !matches!(kept, Ok(Ok(()))) {
        return Err(Refusal::flat(500, "internal_error", "The file could not be kept"));
    }
    incoming.sandbox.ledger.write(Entry {
        kind: "uploaded".into(),
        note: Some(note),
        ..Entry::default()
    });
    Ok(())
}

fn media_type(incoming: &Incoming) -> String {
    incoming.header("content-type").unwrap_or(UNKNOWN).to_owned()
}

/// A key that nobody guesses, ending as the file's name does.
fn new_key(name: Option<&str>, media_type: &str) -> String {
    let stem = uuid::Uuid::new_v4().simple();
    let extension = name.and_then(|it| it.rsplit_once('.')).map(|(_, it)| it.to_owned());
    let extension = extension
        .filter(|it| (1..=8).contains(&it.len()) && it.chars().all(|it| it.is_ascii_alphanumeric()))
        .or_else(|| pixels::Kind::from_media_type(media_type).map(|it| it.extension().to_owned()))
        .unwrap_or_else(|| "bin".to_owned());
    format!("{stem}.{}", extension.to_ascii_lowercase())
}

fn file_url(incoming: &Incoming, key: &str) -> String {
    format!("{}/files/{key}", incoming.base_url)
}

fn tag(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    hex::encode(&Sha256::digest(bytes)[..16])
}
