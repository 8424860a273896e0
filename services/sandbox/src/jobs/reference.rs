//! Getting the pictures that an input names.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use pixels::Limits;
use sha2::{Digest, Sha256};

use crate::model::Source;
use crate::refusal::{Problem, Refusal};
use crate::render::Input;
use crate::sandbox::Sandbox;

/// What a model takes.
const LIMITS: Limits = Limits { max_bytes: 30 << 20, max_pixels: 50_000_000, max_side: 12_000 };

/// Gets one picture and decodes it.
pub(crate) async fn load(
    sandbox: &Sandbox,
    source: &Source,
    base_url: &str,
) -> Result<Input, Refusal> {
    let bytes = match source.url.strip_prefix("data:") {
        Some(data) => inline(data).ok_or_else(|| {
            refuse(source, "image_load_error", "The data URI could not be decoded")
        })?,
        None => match own_file(sandbox, &source.url, base_url) {
            Some(bytes) => bytes,
            None => fetch(sandbox, source).await?,
        },
    };
    let permit = sandbox.renderers.clone().acquire_owned().await;
    let permit = permit.expect("the semaphore is never closed");
    let decoded = tokio::task::spawn_blocking(move || {
        let decoded = pixels::decode(&bytes, &LIMITS);
        drop(permit);
        (decoded, Sha256::digest(&bytes).into())
    })
    .await;
    let (decoded, hash) =
        decoded.map_err(|_| Refusal::flat(500, "runner_server_error", "The runner failed"))?;
    match decoded {
        Ok(picture) => Ok(Input { picture: Arc::new(picture), hash }),
        Err(error) => {
            let kind = match error {
                pixels::Error::TooLarge { .. } => "file_too_large",
                pixels::Error::TooWide { .. } | pixels::Error::TooManyPixels { .. } => {
                    "image_too_large"
                }
                pixels::Error::Unsupported { .. } => "unsupported_image_format",
                _ => "image_load_error",
            };
            Err(refuse(source, kind, &format!("Failed to load the image: {error}")))
        }
    }
}

/// A result or an upload of our own needs no round trip.
fn own_file(sandbox: &Sandbox, url: &str, base_url: &str) -> Option<Bytes> {
    let key = url.strip_prefix(base_url)?.strip_prefix("/files/")?;
    sandbox.files.get(key).map(|it| it.bytes)
}

async fn fetch(sandbox: &Sandbox, source: &Source) -> Result<Bytes, Refusal> {
    let failed = |why: &str| {
        refuse(source, "file_download_error", &format!("Failed to download the file: {why}"))
    };
    let answer = sandbox.client.get(&source.url).send().await.map_err(|error| {
        failed(if error.is_timeout() { "it took too long" } else { "no answer" })
    })?;
    if !answer.status().is_success() {
        return Err(failed(&format!("status {}", answer.status().as_u16())));
    }
    let mut bytes = BytesMut::new();
    let mut stream = answer.bytes_stream();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| failed("the connection was cut"))?;
        if (bytes.len() + chunk.len()) as u64 > LIMITS.max_bytes {
            return Err(refuse(source, "file_too_large", "The file is larger than 30 MB"));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}

/// The bytes of a data URI, after `data:`.
fn inline(data: &str) -> Option<Bytes> {
    let (head, body) = data.split_once(',')?;
    if !head.ends_with(";base64") {
        return Some(url::form_urlencoded::parse(body.as_bytes()).next()?.0.into_owned().into());
    }
    STANDARD.decode(body.trim()).ok().map(Bytes::from)
}

fn refuse(source: &Source, kind: &str, sentence: &str) -> Refusal {
    Refusal::invalid(Problem::new(source.field, source.index, kind, sentence))
}
