//! Workspace RPCs.

mod adopt;

use std::collections::{HashMap, HashSet};

use api::sartiq::media::v1 as pb;
use futures::{StreamExt, TryStreamExt, stream};
use server::timestamp;
use time::OffsetDateTime;
use types::id::{MediaId, OrganizationId};

use super::{id, media};
use crate::error::{Error, Result};
use crate::media::Media;
use crate::workspace::{self, Content, WorkspaceFile};
use crate::{Library, store};

pub(super) use adopt::adopt;

/// How many files are looked up in the store at the same time.
const AT_ONCE: usize = 8;

pub(super) async fn sign_write(
    library: &Library,
    organization: OrganizationId,
    request: pb::SignWriteRequest,
) -> Result<pb::SignWriteResponse> {
    let mut seen = HashSet::new();
    let mut files = Vec::with_capacity(request.targets.len());
    for (index, target) in request.targets.into_iter().enumerate() {
        let content = Content::from_media_type(&target.media_type)
            .filter(|content| workspace::fits(&target.key, *content))
            .ok_or_else(|| {
                let field = format!("targets[{index}].media_type");
                Error::field(field, "must be the one that the key ends in")
            })?;
        if !seen.insert(target.key.clone()) {
            return Err(Error::field(format!("targets[{index}].key"), "must not be named twice"));
        }
        if content.max_bytes() < target.size_bytes {
            let sentence = format!("must be at most {}", content.max_bytes());
            return Err(Error::field(format!("targets[{index}].size_bytes"), sentence));
        }
        files.push(WorkspaceFile {
            key: target.key,
            organization_id: organization,
            content,
            size_bytes: target.size_bytes,
            candidate_id: MediaId::generate(),
            media_id: None,
            lease_until: None,
        });
    }

    // In one order, so that two who sign for the same files do not wait for each other.
    let mut ordered: Vec<_> = files.iter().collect();
    ordered.sort_by(|a, b| a.key.cmp(&b.key));
    let now = OffsetDateTime::now_utc();
    let mut tx = library.db.begin().await?;
    for file in ordered {
        let expires_at = now + file.content.life();
        if !store::workspace_file::grant(&mut *tx, file, expires_at).await? {
            let keys = std::slice::from_ref(&file.key);
            let own = store::workspace_file::find_all(&mut *tx, organization, keys).await?;
            return Err(match own.as_slice() {
                [] => Error::WorkspaceFileNotFound(file.key.clone()),
                _ => Error::WorkspaceFileAdopted(file.key.clone()),
            });
        }
    }
    tx.commit().await?;

    let mut writes = Vec::with_capacity(files.len());
    for file in files {
        let media_type = file.content.media_type();
        let signed = library.objects.sign_put(&file.key, media_type, file.size_bytes).await?;
        writes.push(pb::SignedWrite {
            key: file.key,
            url: signed.url,
            headers: signed.headers,
            expire_time: Some(timestamp(signed.expires_at)),
        });
    }
    Ok(pb::SignWriteResponse { writes })
}

/// A file that is to be read, as the request names it.
struct Source {
    place: Place,
    // The name that a browser saves it under.
    filename: Option<String>,
}

enum Place {
    Media(MediaId),
    File(String),
}

pub(super) async fn sign_read(
    library: &Library,
    organization: OrganizationId,
    request: pb::SignReadRequest,
) -> Result<pb::SignReadResponse> {
    let sources = request.sources.into_iter().enumerate().map(|(index, source)| {
        let place = match (source.media_id.as_str(), source.key.as_str()) {
            (text, "") if !text.is_empty() => {
                Place::Media(id(&format!("sources[{index}].media_id"), text)?)
            }
            ("", key) if !key.is_empty() => Place::File(key.to_owned()),
            _ => {
                let sentence = "must name either a media or a workspace key";
                return Err(Error::field(format!("sources[{index}]"), sentence));
            }
        };
        let filename = Some(source.download_filename).filter(|it| !it.is_empty());
        Ok(Source { place, filename })
    });
    let sources = sources.collect::<Result<Vec<_>>>()?;

    let keys: Vec<_> = sources
        .iter()
        .filter_map(|it| match &it.place {
            Place::File(key) => Some(key.clone()),
            Place::Media(_) => None,
        })
        .collect();
    let files = store::workspace_file::find_all(&library.db, organization, &keys).await?;
    let files: HashMap<_, _> = files.into_iter().map(|it| (it.key.clone(), it)).collect();
    let adopted = files.values().filter_map(|it| it.media_id);
    let named = sources.iter().filter_map(|it| match &it.place {
        Place::Media(id) => Some(*id),
        Place::File(_) => None,
    });
    let ids: Vec<_> = named.chain(adopted).collect();
    let media = media::all(library, organization, &ids).await?;

    let (files, media) = (&files, &media);
    let reads = stream::iter(sources)
        .map(|source| async move {
            let filename = source.filename.as_deref();
            match source.place {
                Place::Media(id) => of_media(library, media, id, filename).await,
                Place::File(key) => {
                    let file = files.get(&key).ok_or_else(|| missing(&key))?;
                    match file.media_id {
                        // The file itself may be gone by now; what became of it is not.
                        Some(id) => of_media(library, media, id, filename).await,
                        None => of_file(library, file, filename).await,
                    }
                }
            }
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    Ok(pb::SignReadResponse { reads })
}

async fn of_media(
    library: &Library,
    found: &HashMap<MediaId, Media>,
    id: MediaId,
    filename: Option<&str>,
) -> Result<pb::SignedRead> {
    let media = found.get(&id).ok_or_else(|| Error::MediaNotFound(vec![id]))?;
    let signed = library.objects.sign_get(&media.key(), filename).await?;
    Ok(pb::SignedRead {
        url: signed.url,
        media_type: media.kind.media_type().to_owned(),
        size_bytes: media.size_bytes,
        sha256: media.sha256.to_vec().into(),
        expire_time: Some(timestamp(signed.expires_at)),
    })
}

async fn of_file(
    library: &Library,
    file: &WorkspaceFile,
    filename: Option<&str>,
) -> Result<pb::SignedRead> {
    // Who reads learns here, and not from the store, that nothing was written.
    let head = library.objects.head(&file.key).await?.ok_or_else(|| missing(&file.key))?;
    let signed = library.objects.sign_get(&file.key, filename).await?;
    Ok(pb::SignedRead {
        url: signed.url,
        media_type: file.content.media_type().to_owned(),
        size_bytes: head.size_bytes,
        sha256: Default::default(),
        expire_time: Some(timestamp(signed.expires_at)),
    })
}

fn missing(key: &str) -> Error {
    Error::WorkspaceFileNotFound(key.to_owned())
}
