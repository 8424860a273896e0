//! Objects: put, get, head, copy, delete.

use s3s::{S3Request, S3Response, S3Result, dto::*, s3_error};
use time::OffsetDateTime;
use tokio::{
    fs,
    io::{AsyncReadExt, AsyncSeekExt},
};
use tokio_util::io::ReaderStream;

use super::Store;
use crate::{
    blob::{Claim, fault, receive},
    key,
    object::{Attributes, Object, Sums},
};

/// How much of a file is read at a time.
const CHUNK: usize = 64 << 10;

pub(super) async fn put(
    store: &Store,
    req: S3Request<PutObjectInput>,
) -> S3Result<PutObjectOutput> {
    let algorithm = req.input.checksum_algorithm.clone().or_else(|| announced(&req.headers));
    let trailers = req.trailing_headers;
    let input = req.input;
    key::check(&input.key)?;
    let bucket = store.disk.bucket(&input.bucket).await?;
    let guard = |existing: Option<&Object>| {
        condition(existing, input.if_match.as_ref(), input.if_none_match.as_ref())
    };
    // Before the body, to refuse early; and again at the commit, to refuse truly.
    guard(bucket.find(&input.key).await.as_deref())?;

    let claim = Claim {
        md5: input.content_md5,
        sums: Sums {
            crc32: input.checksum_crc32,
            crc32c: input.checksum_crc32c,
            crc64nvme: input.checksum_crc64nvme,
            sha1: input.checksum_sha1,
            sha256: input.checksum_sha256,
        },
        algorithm,
        trailers,
    };
    let (blob, draft) = bucket.draft();
    let body = input.body.ok_or_else(|| s3_error!(IncompleteBody))?;
    let received = receive(&draft, body, claim).await?;
    let object = Object {
        key: input.key,
        blob,
        size_bytes: received.size_bytes,
        etag: received.md5,
        modified: OffsetDateTime::now_utc(),
        attributes: Attributes {
            cache_control: input.cache_control,
            content_disposition: input.content_disposition,
            content_encoding: input.content_encoding,
            content_language: input.content_language,
            content_type: input.content_type,
            metadata: input.metadata.unwrap_or_default().into_iter().collect(),
        },
        sums: received.sums,
    };
    let object = bucket.commit(object, draft, &guard).await?;
    Ok(PutObjectOutput {
        e_tag: Some(object.etag()),
        checksum_crc32: object.sums.crc32.clone(),
        checksum_crc32c: object.sums.crc32c.clone(),
        checksum_crc64nvme: object.sums.crc64nvme.clone(),
        checksum_sha1: object.sums.sha1.clone(),
        checksum_sha256: object.sums.sha256.clone(),
        ..PutObjectOutput::default()
    })
}

pub(super) async fn get(
    store: &Store,
    input: GetObjectInput,
) -> S3Result<S3Response<GetObjectOutput>> {
    let bucket = store.disk.bucket(&input.bucket).await?;
    let (object, mut file) = bucket.read(&input.key).await?;
    fresh(
        &object,
        (input.if_match.as_ref(), input.if_unmodified_since.as_ref()),
        (input.if_none_match.as_ref(), input.if_modified_since.as_ref()),
    )?;

    let mut range = 0..object.size_bytes;
    let mut content_range = None;
    if let Some(asked) = &input.range {
        range = asked.check(object.size_bytes)?;
        content_range =
            Some(format!("bytes {}-{}/{}", range.start, range.end - 1, object.size_bytes));
        file.seek(std::io::SeekFrom::Start(range.start)).await.map_err(fault)?;
    }
    let length = range.end - range.start;
    let is_whole = length == object.size_bytes;
    let body = ReaderStream::with_capacity(file.take(length), CHUNK);
    let head = described(&object);
    Ok(S3Response::new(GetObjectOutput {
        body: Some(StreamingBlob::wrap(body)),
        content_length: Some(length.cast_signed()),
        content_range,
        accept_ranges: head.accept_ranges,
        cache_control: head.cache_control,
        content_disposition: head.content_disposition,
        content_encoding: head.content_encoding,
        content_language: head.content_language,
        content_type: head.content_type,
        e_tag: head.e_tag,
        last_modified: head.last_modified,
        metadata: head.metadata,
        // The sums are of the whole, so a part must not carry them.
        checksum_crc32: head.checksum_crc32.filter(|_| is_whole),
        checksum_crc32c: head.checksum_crc32c.filter(|_| is_whole),
        checksum_crc64nvme: head.checksum_crc64nvme.filter(|_| is_whole),
        checksum_sha1: head.checksum_sha1.filter(|_| is_whole),
        checksum_sha256: head.checksum_sha256.filter(|_| is_whole),
        ..GetObjectOutput::default()
    }))
}

pub(super) async fn head(store: &Store, input: HeadObjectInput) -> S3Result<HeadObjectOutput> {
    let bucket = store.disk.bucket(&input.bucket).await?;
    let object = bucket.find(&input.key).await.ok_or_else(|| s3_error!(NoSuchKey))?;
    fresh(
        &object,
        (input.if_match.as_ref(), input.if_unmodified_since.as_ref()),
        (input.if_none_match.as_ref(), input.if_modified_since.as_ref()),
    )?;
    Ok(described(&object))
}

pub(super) async fn copy(store: &Store, input: CopyObjectInput) -> S3Result<CopyObjectOutput> {
    key::check(&input.key)?;
    let CopySource::Bucket { bucket: from, key: from_key, .. } = &input.copy_source else {
        return Err(s3_error!(NotImplemented));
    };
    let source = store.disk.bucket(from).await?;
    let target = store.disk.bucket(&input.bucket).await?;
    let (original, _file) = source.read(from_key).await?;
    let matches =
        (input.copy_source_if_match.as_ref(), input.copy_source_if_unmodified_since.as_ref());
    let differs =
        (input.copy_source_if_none_match.as_ref(), input.copy_source_if_modified_since.as_ref());
    // A copy has no 304: whatever fails is a failed precondition.
    fresh(&original, matches, differs).map_err(|_| s3_error!(PreconditionFailed))?;

    let (blob, draft) = target.draft();
    // Blobs never change, so a second name for the same bytes is a copy.
    let bytes = source.blob(&original.blob);
    if fs::hard_link(&bytes, draft.path()).await.is_err() {
        fs::copy(&bytes, draft.path()).await.map_err(fault)?;
    }
    let replaces = input.metadata_directive.as_ref().map(MetadataDirective::as_str)
        == Some(MetadataDirective::REPLACE);
    let attributes = if replaces {
        Attributes {
            cache_control: input.cache_control,
            content_disposition: input.content_disposition,
            content_encoding: input.content_encoding,
            content_language: input.content_language,
            content_type: input.content_type,
            metadata: input.metadata.unwrap_or_default().into_iter().collect(),
        }
    } else {
        original.attributes.clone()
    };
    let object = Object {
        key: input.key,
        blob,
        modified: OffsetDateTime::now_utc(),
        attributes,
        ..(*original).clone()
    };
    let object = target.commit(object, draft, &|_| Ok(())).await?;
    let result = CopyObjectResult {
        e_tag: Some(object.etag()),
        last_modified: Some(object.modified()),
        ..CopyObjectResult::default()
    };
    Ok(CopyObjectOutput { copy_object_result: Some(result), ..CopyObjectOutput::default() })
}

pub(super) async fn delete(
    store: &Store,
    input: DeleteObjectInput,
) -> S3Result<DeleteObjectOutput> {
    store.disk.bucket(&input.bucket).await?.delete(&input.key).await?;
    Ok(DeleteObjectOutput::default())
}

pub(super) async fn delete_many(
    store: &Store,
    input: DeleteObjectsInput,
) -> S3Result<DeleteObjectsOutput> {
    let bucket = store.disk.bucket(&input.bucket).await?;
    let is_quiet = input.delete.quiet.unwrap_or_default();
    let mut output = DeleteObjectsOutput::default();
    for object in input.delete.objects {
        match bucket.delete(&object.key).await {
            Ok(()) if is_quiet => {}
            Ok(()) => output
                .deleted
                .get_or_insert_default()
                .push(DeletedObject { key: Some(object.key), ..DeletedObject::default() }),
            Err(error) => output.errors.get_or_insert_default().push(Error {
                key: Some(object.key),
                code: Some(error.code().as_str().to_owned()),
                message: error.message().map(str::to_owned),
                ..Error::default()
            }),
        }
    }
    Ok(output)
}

/// The sum that the body's trailer will carry.
pub(super) fn announced(headers: &http::HeaderMap) -> Option<ChecksumAlgorithm> {
    let name = headers.get("x-amz-trailer")?.to_str().ok()?;
    let algorithm = name.trim().strip_prefix("x-amz-checksum-")?;
    Some(ChecksumAlgorithm::from(algorithm.to_ascii_uppercase()))
}

/// Whether a write may replace what is there.
pub(super) fn condition(
    existing: Option<&Object>,
    if_match: Option<&ETagCondition>,
    if_none_match: Option<&ETagCondition>,
) -> S3Result<()> {
    if if_match.is_some_and(|wanted| !existing.is_some_and(|it| it.matches(wanted))) {
        return Err(s3_error!(PreconditionFailed, "If-Match"));
    }
    if if_none_match.is_some_and(|unwanted| existing.is_some_and(|it| it.matches(unwanted))) {
        return Err(s3_error!(PreconditionFailed, "If-None-Match"));
    }
    Ok(())
}

/// A condition by ETag, and the same by date, which counts only without the first.
type Condition<'a> = (Option<&'a ETagCondition>, Option<&'a Timestamp>);

/// Whether a read gets the object, a 412 or a 304, in HTTP's order.
fn fresh(object: &Object, matches: Condition<'_>, differs: Condition<'_>) -> S3Result<()> {
    let is_refused = match matches {
        (Some(wanted), _) => !object.matches(wanted),
        (None, Some(instant)) => object.is_newer_than(instant),
        (None, None) => false,
    };
    if is_refused {
        return Err(s3_error!(PreconditionFailed));
    }
    let is_unchanged = match differs {
        (Some(known), _) => object.matches(known),
        (None, Some(instant)) => !object.is_newer_than(instant),
        (None, None) => false,
    };
    if is_unchanged { Err(s3_error!(NotModified)) } else { Ok(()) }
}

fn described(object: &Object) -> HeadObjectOutput {
    let attributes = object.attributes.clone();
    let sums = object.sums.clone();
    HeadObjectOutput {
        accept_ranges: Some("bytes".to_owned()),
        content_length: Some(object.size_bytes.cast_signed()),
        cache_control: attributes.cache_control,
        content_disposition: attributes.content_disposition,
        content_encoding: attributes.content_encoding,
        content_language: attributes.content_language,
        content_type: attributes.content_type,
        metadata: Some(attributes.metadata.into_iter().collect()),
        e_tag: Some(object.etag()),
        last_modified: Some(object.modified()),
        checksum_crc32: sums.crc32,
        checksum_crc32c: sums.crc32c,
        checksum_crc64nvme: sums.crc64nvme,
        checksum_sha1: sums.sha1,
        checksum_sha256: sums.sha256,
        ..HeadObjectOutput::default()
    }
}
