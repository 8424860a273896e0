//! The pictures that requests name, as media knows them.

use api::sartiq::media::v1::media::Kind;
use api::sartiq::media::v1::{BatchGetMediaRequest, GetMediaRequest};
use server::Caller;
use tonic::Code;
use types::Findings;
use types::id::MediaId;

use crate::Catalog;
use crate::error::{Error, Result};

/// A picture that a request names.
pub(super) struct Picture {
    /// Where the request names it.
    pub(super) path: String,
    /// Which it is.
    pub(super) id: MediaId,
}

/// Reads the id of a media at `path`.
pub(super) fn parse(path: &str, text: &str) -> Result<MediaId> {
    text.parse().map_err(|_| Findings::of(path, "must be a UUID").into())
}

/// Fails unless the organization has each of `pictures`, and each is a picture.
pub(super) async fn check(catalog: &Catalog, caller: &Caller, pictures: &[Picture]) -> Result<()> {
    if pictures.is_empty() {
        return Ok(());
    }
    let ids = pictures.iter().map(|it| it.id.into()).collect();
    let mut media = catalog.media.clone();
    let found = match media.batch_get_media(caller.call(BatchGetMediaRequest { ids })).await {
        Ok(reply) => reply.into_inner().media,
        Err(status) if status.code() == Code::NotFound => {
            return find_missing(catalog, caller, pictures).await;
        }
        Err(status) => return Err(Error::of_media(status)),
    };
    let mut findings = Findings::default();
    for (picture, media) in pictures.iter().zip(found) {
        if media.kind() != Kind::Image {
            findings.add(&picture.path, "must be a picture");
        }
    }
    Ok(findings.end()?)
}

/// Asks for one at a time, so that every field at fault is named and not only that there is one.
async fn find_missing(catalog: &Catalog, caller: &Caller, pictures: &[Picture]) -> Result<()> {
    let mut findings = Findings::default();
    let mut media = catalog.media.clone();
    for picture in pictures {
        let request = GetMediaRequest { id: picture.id.into() };
        match media.get_media(caller.call(request)).await {
            Ok(_) => {}
            Err(status) if status.code() == Code::NotFound => {
                findings.add(&picture.path, format!("there is no media {}", picture.id));
            }
            Err(status) => return Err(Error::of_media(status)),
        }
    }
    Ok(findings.end()?)
}
