//! Reading pictures from our own store, and formatting them.

use api::sartiq::media::v1::{ReadSource, SignReadRequest, SignedRead};
use bytes::Bytes;
use fetch::Request;
use server::Caller;
use sha2::{Digest as _, Sha256};
use tonic::{Code, Status};

use crate::Delivery;
use crate::format::{Format, MAX_BYTES};
use crate::item::{Digest, Item};

/// How long reading one picture may take.
const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5 * 60);

/// What is said to users while something of ours is out of order.
const AWAY: &str = "the pictures cannot be read right now";

/// How many URLs are signed at a time.
pub(super) const BATCH: usize = 32;

/// Why a picture is not there.
#[derive(Clone, Debug)]
pub(super) enum Trouble {
    /// This picture cannot be delivered.
    Lasting(String),
    /// This picture may be delivered another time.
    Passing(String),
    /// No picture can be delivered now.
    Away(String),
}

impl Trouble {
    /// Says it to the user.
    pub(super) fn sentence(&self) -> String {
        match self {
            Self::Lasting(sentence) | Self::Passing(sentence) | Self::Away(sentence) => {
                sentence.clone()
            }
        }
    }
}

/// A picture as it is delivered.
#[derive(Clone, Debug)]
pub(super) struct Picture {
    pub(super) bytes: Bytes,
    pub(super) digest: Digest,
    pub(super) media_type: &'static str,
}

/// Signs the URLs of the pictures of up to [`BATCH`] items.
pub(super) async fn sign(
    delivery: &Delivery,
    caller: &Caller,
    items: &[Item],
) -> Result<Vec<Result<SignedRead, Trouble>>, Trouble> {
    match signed(delivery, caller, items).await {
        Ok(reads) => Ok(reads.into_iter().map(Ok).collect()),
        // One of them is gone, and all the others wait for it to be found.
        Err(status) if status.code() == Code::NotFound => {
            let mut reads = Vec::with_capacity(items.len());
            for item in items {
                reads.push(match signed(delivery, caller, std::slice::from_ref(item)).await {
                    Ok(mut read) => read.pop().ok_or_else(|| Trouble::Away(AWAY.to_owned())),
                    Err(status) if status.code() == Code::NotFound => {
                        Err(Trouble::Lasting("the picture is gone".to_owned()))
                    }
                    Err(status) => return Err(away(&status)),
                });
            }
            Ok(reads)
        }
        Err(status) => Err(away(&status)),
    }
}

async fn signed(
    delivery: &Delivery,
    caller: &Caller,
    items: &[Item],
) -> Result<Vec<SignedRead>, Status> {
    let source = |it: &Item| ReadSource { media_id: it.media_id.into(), ..ReadSource::default() };
    let call = caller.call(SignReadRequest { sources: items.iter().map(source).collect() });
    let reads = delivery.clients.workspace.clone().sign_read(call).await?.into_inner().reads;
    match reads.len() == items.len() {
        true => Ok(reads),
        false => Err(Status::internal("media signed another number of URLs")),
    }
}

/// Reads a picture and formats it.
pub(super) async fn read(
    delivery: &Delivery,
    read: &SignedRead,
    format: Format,
) -> Result<Picture, Trouble> {
    let request = Request::get(&read.url).max_bytes(MAX_BYTES).timeout(TIMEOUT);
    let file = delivery.http.download(request).await.map_err(|error| sort(&error))?;
    if !read.sha256.is_empty() && read.sha256 != file.sha256.as_slice() {
        return Err(Trouble::Passing("the picture arrived damaged".to_owned()));
    }
    let formatted = tokio::task::spawn_blocking(move || {
        let bytes = format.apply(file.bytes)?;
        let digest = Digest {
            sha256: Sha256::digest(&bytes).into(),
            size_bytes: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
        };
        let kind = pixels::sniff(&bytes).ok_or(pixels::Error::NotAnImage)?;
        Ok::<_, pixels::Error>(Picture { bytes, digest, media_type: kind.media_type() })
    });
    match formatted.await {
        Ok(Ok(picture)) => Ok(picture),
        Ok(Err(error)) => {
            Err(Trouble::Lasting(format!("the picture cannot be formatted: {error}")))
        }
        Err(_) => Err(Trouble::Lasting("the picture cannot be formatted".to_owned())),
    }
}

fn sort(error: &fetch::Error) -> Trouble {
    match error {
        fetch::Error::Status { status, .. } if matches!(status.as_u16(), 404 | 410) => {
            Trouble::Lasting("the picture is gone".to_owned())
        }
        fetch::Error::TooLarge(_) => Trouble::Lasting("the picture is too large".to_owned()),
        fetch::Error::Broken(_) => Trouble::Passing("the picture did not arrive whole".to_owned()),
        error => {
            // Also a store that STORE_URLS does not name: for the operator to see, not the user.
            tracing::warn!(error = error as &dyn std::error::Error, "cannot read from the store");
            Trouble::Away(AWAY.to_owned())
        }
    }
}

fn away(status: &Status) -> Trouble {
    tracing::warn!(%status, "media cannot be asked for URLs");
    Trouble::Away(AWAY.to_owned())
}
