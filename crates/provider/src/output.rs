//! From outputs at the vendor to files in the workspace, measured and hashed.

use std::time::Duration;

use api::sartiq::media::v1::{SignWriteRequest, WriteTarget};
use api::sartiq::provider::v1 as pb;
use api::sartiq::provider::v1::asset::Source;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use pixels::Kind;
use server::Caller;
use sha2::{Digest, Sha256};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::failure::{Code, Failure, Result};
use crate::input::SIGNING;
use crate::model::Capability;
use crate::pace::jitter;
use crate::rpc::Inner;
use crate::transfer::{Held, Trouble};
use crate::{Output, Provider, Success};

/// How many outputs of one run are on their way at once.
const AT_ONCE: usize = 3;

/// How often a transfer is tried.
const TRIES: u32 = 5;

/// How long to wait before the second try; twice as long before each further one.
const PAUSE: Duration = Duration::from_millis(300);

/// One output, in the workspace.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) key: String,
    pub(crate) kind: Kind,
    pub(crate) size_bytes: u64,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) duration: Option<Duration>,
    pub(crate) sha256: [u8; 32],
    pub(crate) seed: Option<u32>,
}

/// Takes all outputs of a run into the workspace, in their order.
pub(crate) async fn store<P: Provider>(
    inner: &Inner<P>,
    caller: &Caller,
    run_id: &str,
    capability: Capability,
    success: &Success,
) -> Result<Vec<Stored>> {
    if success.outputs.is_empty() {
        return Err(Failure::new(Code::NoOutput, "the run ended well and made nothing"));
    }
    let folder = format!("compute/{}/{run_id}", capability.folder());
    let outputs = success.outputs.iter().enumerate();
    let taken: Vec<_> = outputs
        .map(|(index, output)| take(inner, caller, &folder, index, capability, output))
        .collect();
    stream::iter(taken).buffered(AT_ONCE).try_collect().await
}

async fn take<P: Provider>(
    inner: &Inner<P>,
    caller: &Caller,
    folder: &str,
    index: usize,
    capability: Capability,
    output: &Output,
) -> Result<Stored> {
    let most = u64::from(inner.deps.settings.max_result_bytes);
    if output.size_bytes.is_some_and(|it| most < it) {
        return Err(Failure::protocol(format!("the output has more than {most} bytes")));
    }
    let bytes = download(inner, &output.url, most).await?;
    let mut stored = {
        let bytes = bytes.content.clone();
        let examine = move || examine(&bytes, most);
        spawn_blocking(examine)
            .await
            .map_err(|it| Failure::new(Code::Internal, it.to_string()))??
    };
    if stored.kind.is_image() == (capability == Capability::ImageToVideo) {
        return Err(Failure::protocol(format!("the output is a file of the type {}", stored.kind)));
    }
    stored.key = format!("{folder}/result_{index}.{}", stored.kind.extension());
    stored.seed = output.seed;
    write(inner, caller, &stored, &bytes.content).await?;
    Ok(stored)
}

async fn download<P: Provider>(inner: &Inner<P>, url: &str, most: u64) -> Result<Held> {
    let mut attempt = 1;
    loop {
        let trouble = match inner.results.get(url, most, &inner.memory).await {
            Ok(bytes) => return Ok(bytes),
            Err(trouble) => trouble,
        };
        if TRIES <= attempt || !trouble.may_pass() {
            return Err(match trouble {
                Trouble::Status(status @ (403 | 404 | 410)) => Failure {
                    http_status: status,
                    ..Failure::new(Code::ResultExpired, "the output is gone")
                },
                Trouble::Refused(why) => Failure::protocol(format!("the output: {why}")),
                trouble => {
                    Failure::new(Code::Upstream, format!("the output could not be read: {trouble}"))
                }
            });
        }
        tracing::debug!(attempt, trouble = %trouble, "an output could not be read");
        sleep(jitter(PAUSE * 2u32.pow(attempt - 1))).await;
        attempt += 1;
    }
}

/// Measures and hashes; believes nothing but the bytes.
fn examine(bytes: &Bytes, most: u64) -> Result<Stored> {
    let wrong = |error| Failure::protocol(format!("the output: {error}"));
    let kind = pixels::sniff(bytes).ok_or_else(|| wrong(pixels::Error::NotAnImage))?;
    let (width, height, duration) = if kind == Kind::Mp4 {
        let facts = pixels::video::measure(bytes).map_err(wrong)?;
        (facts.width, facts.height, Some(facts.duration))
    } else {
        let limits = pixels::Limits { max_bytes: most, ..pixels::Limits::default() };
        let facts = pixels::inspect(bytes, &limits).map_err(wrong)?;
        (facts.width, facts.height, None)
    };
    Ok(Stored {
        key: String::new(),
        kind,
        size_bytes: bytes.len() as u64,
        width,
        height,
        duration,
        sha256: Sha256::digest(bytes).into(),
        seed: None,
    })
}

/// Writes one output, with a fresh signature for each try.
async fn write<P: Provider>(
    inner: &Inner<P>,
    caller: &Caller,
    stored: &Stored,
    bytes: &Bytes,
) -> Result<()> {
    let mut attempt = 1;
    loop {
        let why = match try_write(inner, caller, stored, bytes).await {
            Ok(()) => return Ok(()),
            Err(why) => why,
        };
        tracing::warn!(attempt, key = %stored.key, why, "an output could not be written");
        if TRIES <= attempt {
            return Err(Failure::new(Code::Storage, "the workspace could not be written"));
        }
        sleep(jitter(PAUSE * 2u32.pow(attempt - 1))).await;
        attempt += 1;
    }
}

async fn try_write<P: Provider>(
    inner: &Inner<P>,
    caller: &Caller,
    stored: &Stored,
    bytes: &Bytes,
) -> Result<(), String> {
    let target = WriteTarget {
        key: stored.key.clone(),
        media_type: stored.kind.media_type().to_owned(),
        size_bytes: i64::try_from(stored.size_bytes).map_err(|it| it.to_string())?,
    };
    let mut request = caller.call(SignWriteRequest { targets: vec![target] });
    request.set_timeout(SIGNING);
    let mut workspace = inner.deps.workspace.clone();
    let signed = workspace.sign_write(request).await.map_err(|it| it.to_string())?.into_inner();
    let signed = signed.writes.into_iter().next().ok_or("nothing was signed")?;
    inner.files.put(&signed.url, &signed.headers, bytes).await.map_err(|it| it.to_string())
}

impl Stored {
    /// Writes the output as the wire has it.
    pub(crate) fn into_output(self, index: u32) -> pb::RunOutput {
        pb::RunOutput {
            index,
            asset: Some(pb::Asset {
                source: Some(Source::Key(self.key)),
                media_type: self.kind.media_type().to_owned(),
                size_bytes: i64::try_from(self.size_bytes).unwrap_or(i64::MAX),
                width_px: self.width,
                height_px: self.height,
                duration: self.duration.and_then(|it| it.try_into().ok()),
                sha256: self.sha256.to_vec().into(),
            }),
            seed: self.seed,
        }
    }
}
