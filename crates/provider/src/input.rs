//! From assets of the workspace to inputs that the vendor can read.

use std::time::Duration;

use api::sartiq::media::v1::{ReadSource, SignReadRequest, SignedRead};
use api::sartiq::provider::v1::asset::Source;
use futures::{StreamExt, TryStreamExt, stream};
use server::Caller;
use sha2::{Digest, Sha256};
use tokio::task::spawn_blocking;
use tonic::Status;

use crate::failure::{Code, Failure, Result};
use crate::model::{Model, Sizes};
use crate::order::Asset;
use crate::rpc::Inner;
use crate::task::{Input, Prepared, Task};
use crate::{File, Provider};

/// How many inputs of one run are on their way at once.
const AT_ONCE: usize = 4;

/// How long the workspace may take to sign.
pub(crate) const SIGNING: Duration = Duration::from_secs(10);

/// Brings the inputs of `run` to the vendor.
pub(crate) async fn prepare<P: Provider>(
    inner: &Inner<P>,
    caller: &Caller,
    model: &Model,
    run: Prepared<Asset>,
) -> Result<Prepared> {
    let sources: Vec<ReadSource> = run.task.inputs().into_iter().map(read_source).collect();
    let inputs = if sources.is_empty() {
        Vec::new()
    } else {
        let mut request = caller.call(SignReadRequest { sources });
        request.set_timeout(SIGNING);
        let mut workspace = inner.deps.workspace.clone();
        let signed = workspace.sign_read(request).await.map_err(unsigned)?.into_inner();
        let brought: Vec<_> =
            signed.reads.into_iter().map(|read| bring(inner, model, read)).collect();
        stream::iter(brought).buffered(AT_ONCE).try_collect().await?
    };
    let Prepared { run_id, model: name, task, count, size, ratio, media_type, seed } = run;
    let task = task
        .with_inputs(inputs)
        .ok_or_else(|| Failure::new(Code::Storage, "the workspace signed too few inputs"))?;
    check_enlargement(model, &task)?;
    Ok(Prepared { run_id, model: name, task, count, size, ratio, media_type, seed })
}

/// Brings one input to the vendor, unless it is there already.
async fn bring<P: Provider>(inner: &Inner<P>, model: &Model, read: SignedRead) -> Result<Input> {
    let most = model.limits.max_input_bytes;
    let size = u64::try_from(read.size_bytes).unwrap_or(0);
    if most < size {
        let message = format!("an input has {size} bytes, and the model takes {most}");
        return Err(Failure::new(Code::InputTooLarge, message));
    }
    if let Ok(sha256) = <[u8; 32]>::try_from(&read.sha256[..])
        && let Some(input) = inner.uploads.find(&sha256)
    {
        return Ok(input);
    }
    let bytes = inner.files.get(&read.url, most, &inner.memory).await;
    let bytes = bytes.map_err(|it| Failure::new(Code::Storage, format!("an input: {it}")))?;
    let (sha256, facts) = {
        let bytes = bytes.content.clone();
        let examine = move || {
            let sha256: [u8; 32] = Sha256::digest(&bytes).into();
            (sha256, pixels::inspect(&bytes, &pixels::Limits::default()))
        };
        spawn_blocking(examine).await.map_err(|it| Failure::new(Code::Internal, it.to_string()))?
    };
    let facts =
        facts.map_err(|it| Failure::new(Code::InputUnreadable, format!("an input: {it}")))?;
    let file = File {
        bytes: bytes.content.clone(),
        media_type: facts.kind.media_type(),
        name: format!("{}.{}", hex::encode(&sha256[..8]), facts.kind.extension()),
    };
    let uploaded = inner.provider.upload(file).await?;
    let input = Input { reference: uploaded.reference, width: facts.width, height: facts.height };
    inner.uploads.keep(sha256, input.clone(), uploaded.lasts);
    Ok(input)
}

/// Refuses what would become too large, since vendors bill before they notice.
fn check_enlargement(model: &Model, task: &Task) -> Result<()> {
    let Task::Upscale { image, factor } = task else { return Ok(()) };
    let Sizes::Scaled { max_pixels } = model.limits.sizes else { return Ok(()) };
    let factor = u64::from(*factor);
    let pixels = u64::from(image.width) * u64::from(image.height) * factor * factor;
    if pixels <= max_pixels {
        return Ok(());
    }
    Err(Failure::new(
        Code::InputTooLarge,
        format!("{} times larger, the image would have more than {max_pixels} pixels", factor),
    ))
}

fn read_source(asset: &Asset) -> ReadSource {
    match &asset.source {
        Source::MediaId(id) => ReadSource { media_id: id.clone(), ..ReadSource::default() },
        Source::Key(key) => ReadSource { key: key.clone(), ..ReadSource::default() },
    }
}

fn unsigned(status: Status) -> Failure {
    match status.code() {
        tonic::Code::NotFound => Failure::new(Code::InvalidInput, "an input is not there"),
        tonic::Code::InvalidArgument => {
            Failure::new(Code::InvalidInput, format!("an input: {}", status.message()))
        }
        _ => {
            tracing::warn!(error = %status, "inputs could not be signed");
            Failure::new(Code::Storage, "the workspace could not be read")
        }
    }
}
