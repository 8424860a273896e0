//! Taking in a body: to a file, with every sum that was asked for, and not kept if one is wrong.

use std::{
    io,
    path::{Path, PathBuf},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use futures::StreamExt;
use http::HeaderMap;
use s3s::{
    S3Error, S3Result, TrailingHeaders,
    checksum::ChecksumHasher,
    crypto::{Checksum as _, Md5},
    dto::{ChecksumAlgorithm, StreamingBlob},
    s3_error,
};
use tokio::{
    fs::File,
    io::{AsyncWriteExt, BufWriter},
};

use crate::object::Sums;

/// What the sender claims about a body.
pub(crate) struct Claim {
    /// The MD5 in base64, as in `Content-MD5`.
    pub(crate) md5: Option<String>,
    pub(crate) sums: Sums,
    /// The sum that comes in the trailer or is wanted in the answer.
    pub(crate) algorithm: Option<ChecksumAlgorithm>,
    pub(crate) trailers: Option<TrailingHeaders>,
}

/// A body that arrived whole.
pub(crate) struct Received {
    pub(crate) size_bytes: u64,
    /// In hexadecimal, which is the ETag of a plain put.
    pub(crate) md5: String,
    pub(crate) sums: Sums,
}

/// A file that is removed unless it is kept.
pub(crate) struct Draft(Option<PathBuf>);

impl Draft {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self(Some(path))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.as_deref().expect("a draft has its path until it is kept")
    }

    pub(crate) fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if let Some(path) = self.0.take() {
            // Gone already, or an orphan for the next start to sweep.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Writes `body` to the draft and compares it with what was claimed.
pub(crate) async fn receive(
    draft: &Draft,
    mut body: StreamingBlob,
    claim: Claim,
) -> S3Result<Received> {
    let mut hasher = hasher(&claim)?;
    let mut md5 = Md5::new();
    let mut size_bytes = 0;
    let mut file = BufWriter::new(File::create(draft.path()).await.map_err(fault)?);
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(refuse)?;
        md5.update(&chunk);
        hasher.update(&chunk);
        size_bytes += chunk.len() as u64;
        file.write_all(&chunk).await.map_err(fault)?;
    }
    file.flush().await.map_err(fault)?;

    let md5 = md5.finalize();
    if claim.md5.is_some_and(|it| it != BASE64_STANDARD.encode(md5.as_ref())) {
        return Err(s3_error!(BadDigest, "the body's MD5 differs from Content-MD5"));
    }
    let sums = Sums::from(hasher.finalize());
    compare(&claim.sums, &sums)?;
    if let Some(trailers) = claim.trailers.and_then(|it| it.take()) {
        compare(&trailing(&trailers), &sums)?;
    }
    Ok(Received { size_bytes, md5: hex::encode(md5.as_ref()), sums })
}

/// An answer for what the disk did to us.
pub(crate) fn fault(error: io::Error) -> S3Error {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            s3_error!(error, ServiceUnavailable, "the disk is full")
        }
        _ => s3_error!(error, InternalError),
    }
}

/// A body that breaks off or fails its own chunk signatures.
fn refuse(error: s3s::StdError) -> S3Error {
    let mut answer = s3_error!(IncompleteBody, "the body broke off: {error}");
    answer.set_source(error);
    answer
}

fn hasher(claim: &Claim) -> S3Result<ChecksumHasher> {
    let mut hasher = ChecksumHasher::default();
    let wanted = claim.algorithm.as_ref().map_or("", |it| it.as_str());
    if claim.sums.crc32.is_some() || wanted == ChecksumAlgorithm::CRC32 {
        hasher.crc32 = Some(Default::default());
    }
    if claim.sums.crc32c.is_some() || wanted == ChecksumAlgorithm::CRC32C {
        hasher.crc32c = Some(Default::default());
    }
    if claim.sums.crc64nvme.is_some() || wanted == ChecksumAlgorithm::CRC64NVME {
        hasher.crc64nvme = Some(Default::default());
    }
    if claim.sums.sha1.is_some() || wanted == ChecksumAlgorithm::SHA1 {
        hasher.sha1 = Some(Default::default());
    }
    if claim.sums.sha256.is_some() || wanted == ChecksumAlgorithm::SHA256 {
        hasher.sha256 = Some(Default::default());
    }
    Ok(hasher)
}

fn compare(claimed: &Sums, sums: &Sums) -> S3Result<()> {
    let pairs = [
        ("CRC32", &claimed.crc32, &sums.crc32),
        ("CRC32C", &claimed.crc32c, &sums.crc32c),
        ("CRC64NVME", &claimed.crc64nvme, &sums.crc64nvme),
        ("SHA1", &claimed.sha1, &sums.sha1),
        ("SHA256", &claimed.sha256, &sums.sha256),
    ];
    for (name, claimed, found) in pairs {
        if claimed.is_some() && claimed != found {
            return Err(s3_error!(BadDigest, "the body's {name} differs from the one claimed"));
        }
    }
    Ok(())
}

fn trailing(trailers: &HeaderMap) -> Sums {
    let read = |name: &str| trailers.get(name).and_then(|it| it.to_str().ok()).map(str::to_owned);
    Sums {
        crc32: read("x-amz-checksum-crc32"),
        crc32c: read("x-amz-checksum-crc32c"),
        crc64nvme: read("x-amz-checksum-crc64nvme"),
        sha1: read("x-amz-checksum-sha1"),
        sha256: read("x-amz-checksum-sha256"),
    }
}
