//! Multipart uploads: a folder each, with `upload.json` and one file per part.
//!
//! A part's file is named `<number>.<md5>`, so that a restart loses nothing.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use s3s::{
    S3Result,
    crypto::{Checksum as _, Md5},
    dto::CompletedPart,
    s3_error,
};
use serde::{Deserialize, Serialize};
use tokio::{
    fs::{self, File},
    io,
};
use uuid::Uuid;

use crate::{
    blob::{Claim, Draft, Received, fault, receive},
    object::Attributes,
};

/// S3's own limits.
const SMALLEST_PART: u64 = 5 << 20;
const MOST_PARTS: i32 = 10_000;

/// What is to become of the parts.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Upload {
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) attributes: Attributes,
}

/// One part that has arrived.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) md5: String,
    pub(crate) size_bytes: u64,
    pub(crate) modified: std::time::SystemTime,
    path: PathBuf,
}

pub(crate) async fn create(uploads: &Path, upload: &Upload) -> S3Result<String> {
    let id = Uuid::now_v7().to_string();
    let folder = uploads.join(&id);
    let json = serde_json::to_vec(upload).map_err(|error| s3_error!(error, InternalError))?;
    fs::create_dir(&folder).await.map_err(fault)?;
    fs::write(folder.join("upload.json"), json).await.map_err(fault)?;
    Ok(id)
}

/// The upload of this id, if it is for this bucket and key.
pub(crate) async fn find(
    uploads: &Path,
    id: &str,
    bucket: &str,
    key: &str,
) -> S3Result<(Upload, PathBuf)> {
    // The id becomes a path; nothing but our own form may pass.
    let id = Uuid::parse_str(id).map_err(|_| s3_error!(NoSuchUpload))?;
    let folder = uploads.join(id.to_string());
    let json = fs::read(folder.join("upload.json")).await.map_err(|_| s3_error!(NoSuchUpload))?;
    let upload: Upload =
        serde_json::from_slice(&json).map_err(|error| s3_error!(error, InternalError))?;
    if upload.bucket != bucket || upload.key != key {
        return Err(s3_error!(NoSuchUpload));
    }
    Ok((upload, folder))
}

/// Takes in one part, replacing an earlier one of the same number.
pub(crate) async fn put(
    folder: &Path,
    number: i32,
    body: s3s::dto::StreamingBlob,
    claim: Claim,
) -> S3Result<Received> {
    if !(1..=MOST_PARTS).contains(&number) {
        return Err(s3_error!(InvalidArgument, "part numbers are 1 to {MOST_PARTS}"));
    }
    let draft = Draft::new(folder.join(format!("draft-{}", Uuid::now_v7())));
    let received = receive(&draft, body, claim).await?;
    let earlier = parts(folder).await?.remove(&number);
    let path = folder.join(format!("{number}.{}", received.md5));
    fs::rename(draft.path(), &path).await.map_err(fault)?;
    draft.keep();
    if let Some(earlier) = earlier.filter(|it| it.path != path) {
        fs::remove_file(earlier.path).await.map_err(fault)?;
    }
    Ok(received)
}

/// The parts that have arrived, by number.
pub(crate) async fn parts(folder: &Path) -> S3Result<BTreeMap<i32, Part>> {
    let mut parts = BTreeMap::new();
    let mut files = fs::read_dir(folder).await.map_err(fault)?;
    while let Some(file) = files.next_entry().await.map_err(fault)? {
        let name = file.file_name();
        let Some((number, md5)) = name.to_str().and_then(|it| it.split_once('.')) else { continue };
        let Ok(number) = number.parse() else { continue };
        let metadata = file.metadata().await.map_err(fault)?;
        let modified = metadata.modified().map_err(fault)?;
        let (md5, path) = (md5.to_owned(), file.path());
        parts.insert(number, Part { md5, size_bytes: metadata.len(), modified, path });
    }
    Ok(parts)
}

/// Writes the chosen parts one after another; answers the size and the ETag.
pub(crate) async fn join(
    folder: &Path,
    chosen: &[CompletedPart],
    draft: &Draft,
) -> S3Result<(u64, String)> {
    let parts = parts(folder).await?;
    let mut file = File::create(draft.path()).await.map_err(fault)?;
    let mut md5 = Md5::new();
    let mut size_bytes = 0;
    if !chosen.is_sorted_by(|one, next| one.part_number < next.part_number) {
        return Err(s3_error!(InvalidPartOrder));
    }
    for (idx, wanted) in chosen.iter().enumerate() {
        let number = wanted.part_number.ok_or_else(|| s3_error!(MalformedXML))?;
        let part = parts.get(&number).ok_or_else(|| s3_error!(InvalidPart))?;
        if wanted.e_tag.as_ref().is_some_and(|it| it.value() != part.md5) {
            return Err(s3_error!(InvalidPart, "part {number} has another ETag"));
        }
        if part.size_bytes < SMALLEST_PART && idx + 1 < chosen.len() {
            return Err(s3_error!(EntityTooSmall));
        }
        let mut source = File::open(&part.path).await.map_err(fault)?;
        size_bytes += io::copy(&mut source, &mut file).await.map_err(fault)?;
        md5.update(&hex::decode(&part.md5).map_err(|error| s3_error!(error, InternalError))?);
    }
    Ok((size_bytes, format!("{}-{}", hex::encode(md5.finalize().as_ref()), chosen.len())))
}

pub(crate) async fn remove(folder: &Path) -> S3Result<()> {
    fs::remove_dir_all(folder).await.map_err(fault)
}
