//! Files on their way in.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use api::sartiq::media::v1::upload_service_client::UploadServiceClient;
use api::sartiq::media::v1::{
    CompleteUploadRequest, CreateUploadRequest, Media, UploadPart, UploadedPart,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use sha2::{Digest, Sha256};

use crate::client::{Client, request_id};

/// Uploads the file at `path`.
pub(crate) async fn upload(client: &Client, path: &Path) -> Result<Media> {
    let bytes = Bytes::from(
        tokio::fs::read(path).await.with_context(|| format!("cannot read {}", path.display()))?,
    );
    let filename = path.file_name().map(|it| it.to_string_lossy().into_owned());
    let Some(kind) = pixels::sniff(&bytes) else {
        bail!("{} is no picture that can be used: PNG, JPEG, WebP or GIF", path.display());
    };
    let mut uploads = UploadServiceClient::new(client.signed.clone());
    let created = uploads
        .create_upload(CreateUploadRequest {
            request_id: request_id(),
            filename: filename.unwrap_or_else(|| "photo".to_owned()),
            media_type: kind.media_type().to_owned(),
            size_bytes: i64::try_from(bytes.len())?,
            sha256: Sha256::digest(&bytes).to_vec().into(),
        })
        .await?
        .into_inner();
    let id = created.upload.context("the mesh made no upload")?.id;
    let is_multipart = 1 < created.parts.len();
    let mut rest = bytes;
    let mut parts = Vec::new();
    for part in &created.parts {
        let body = rest.split_to(usize::try_from(part.size_bytes)?);
        let etag = put(client, part, body).await?;
        parts.push(UploadedPart { number: part.number, etag });
    }
    if !is_multipart {
        parts.clear();
    }
    let request = CompleteUploadRequest { request_id: request_id(), id, parts };
    let completed = uploads.complete_upload(request).await;
    let completed = completed.with_context(|| format!("{} was refused", path.display()))?;
    completed.into_inner().media.context("the mesh made no media")
}

async fn put(client: &Client, part: &UploadPart, body: Bytes) -> Result<String> {
    let headers = headers(&part.headers)?;
    let answer = client.http.put_bytes(&part.url, headers, body).await?.ok()?;
    Ok(answer.header("etag").unwrap_or_default().to_owned())
}

fn headers(from: &BTreeMap<String, String>) -> Result<HeaderMap> {
    // The length is the body's; the client says it by itself.
    let others = from.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("content-length"));
    others
        .map(|(name, value)| Ok((HeaderName::try_from(name)?, HeaderValue::try_from(value)?)))
        .collect()
}
