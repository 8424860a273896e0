//! Multipart uploads.

use s3s::{S3Request, S3Result, dto::*, s3_error};
use time::OffsetDateTime;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use super::{
    Store,
    object::{announced, condition},
};
use crate::{
    blob::{Claim, fault},
    key,
    object::{Attributes, Object, Sums},
    upload::{self, Upload},
};

pub(super) async fn create(
    store: &Store,
    input: CreateMultipartUploadInput,
) -> S3Result<CreateMultipartUploadOutput> {
    key::check(&input.key)?;
    store.disk.bucket(&input.bucket).await?;
    let upload = Upload {
        bucket: input.bucket.clone(),
        key: input.key.clone(),
        attributes: Attributes {
            cache_control: input.cache_control,
            content_disposition: input.content_disposition,
            content_encoding: input.content_encoding,
            content_language: input.content_language,
            content_type: input.content_type,
            metadata: input.metadata.unwrap_or_default().into_iter().collect(),
        },
    };
    let upload_id = upload::create(&store.disk.uploads(), &upload).await?;
    Ok(CreateMultipartUploadOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(upload_id),
        ..CreateMultipartUploadOutput::default()
    })
}

pub(super) async fn put(
    store: &Store,
    req: S3Request<UploadPartInput>,
) -> S3Result<UploadPartOutput> {
    let algorithm = req.input.checksum_algorithm.clone().or_else(|| announced(&req.headers));
    let trailers = req.trailing_headers;
    let input = req.input;
    let uploads = store.disk.uploads();
    let (_, folder) = upload::find(&uploads, &input.upload_id, &input.bucket, &input.key).await?;
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
    let body = input.body.ok_or_else(|| s3_error!(IncompleteBody))?;
    let received = upload::put(&folder, input.part_number, body, claim).await?;
    Ok(UploadPartOutput {
        e_tag: Some(ETag::Strong(received.md5)),
        checksum_crc32: received.sums.crc32,
        checksum_crc32c: received.sums.crc32c,
        checksum_crc64nvme: received.sums.crc64nvme,
        checksum_sha1: received.sums.sha1,
        checksum_sha256: received.sums.sha256,
        ..UploadPartOutput::default()
    })
}

pub(super) async fn copy(
    store: &Store,
    input: UploadPartCopyInput,
) -> S3Result<UploadPartCopyOutput> {
    let CopySource::Bucket { bucket: from, key: from_key, .. } = &input.copy_source else {
        return Err(s3_error!(NotImplemented));
    };
    let uploads = store.disk.uploads();
    let (_, folder) = upload::find(&uploads, &input.upload_id, &input.bucket, &input.key).await?;
    let (original, mut file) = store.disk.bucket(from).await?.read(from_key).await?;
    let mut range = 0..original.size_bytes;
    if let Some(asked) = &input.copy_source_range {
        let asked = Range::parse(asked).map_err(|_| s3_error!(InvalidArgument))?;
        range = asked.check(original.size_bytes)?;
    }
    file.seek(std::io::SeekFrom::Start(range.start)).await.map_err(fault)?;
    let body = StreamingBlob::wrap(ReaderStream::new(file.take(range.end - range.start)));
    let claim = Claim { md5: None, sums: Sums::default(), algorithm: None, trailers: None };
    let received = upload::put(&folder, input.part_number, body, claim).await?;
    let result = CopyPartResult {
        e_tag: Some(ETag::Strong(received.md5)),
        last_modified: Some(OffsetDateTime::now_utc().into()),
        ..CopyPartResult::default()
    };
    Ok(UploadPartCopyOutput { copy_part_result: Some(result), ..UploadPartCopyOutput::default() })
}

pub(super) async fn parts(store: &Store, input: ListPartsInput) -> S3Result<ListPartsOutput> {
    let uploads = store.disk.uploads();
    let (_, folder) = upload::find(&uploads, &input.upload_id, &input.bucket, &input.key).await?;
    let parts = upload::parts(&folder).await?.into_iter().map(|(number, part)| Part {
        part_number: Some(number),
        e_tag: Some(ETag::Strong(part.md5)),
        size: Some(part.size_bytes.cast_signed()),
        last_modified: Some(part.modified.into()),
        ..Part::default()
    });
    Ok(ListPartsOutput {
        parts: Some(parts.collect()),
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(input.upload_id),
        is_truncated: Some(false),
        ..ListPartsOutput::default()
    })
}

pub(super) async fn complete(
    store: &Store,
    input: CompleteMultipartUploadInput,
) -> S3Result<CompleteMultipartUploadOutput> {
    let uploads = store.disk.uploads();
    let bucket = store.disk.bucket(&input.bucket).await?;
    let (upload, folder) =
        upload::find(&uploads, &input.upload_id, &input.bucket, &input.key).await?;
    let chosen = input.multipart_upload.and_then(|it| it.parts).unwrap_or_default();
    if chosen.is_empty() {
        return Err(s3_error!(MalformedXML, "no part is named"));
    }

    let (blob, draft) = bucket.draft();
    let (size_bytes, etag) = upload::join(&folder, &chosen, &draft).await?;
    let object = Object {
        key: upload.key,
        blob,
        size_bytes,
        etag,
        modified: OffsetDateTime::now_utc(),
        attributes: upload.attributes,
        sums: Sums::default(),
    };
    let guard = |existing: Option<&Object>| {
        condition(existing, input.if_match.as_ref(), input.if_none_match.as_ref())
    };
    let object = bucket.commit(object, draft, &guard).await?;
    upload::remove(&folder).await?;
    Ok(CompleteMultipartUploadOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        e_tag: Some(object.etag()),
        ..CompleteMultipartUploadOutput::default()
    })
}

pub(super) async fn abort(
    store: &Store,
    input: AbortMultipartUploadInput,
) -> S3Result<AbortMultipartUploadOutput> {
    let uploads = store.disk.uploads();
    let (_, folder) = upload::find(&uploads, &input.upload_id, &input.bucket, &input.key).await?;
    upload::remove(&folder).await?;
    Ok(AbortMultipartUploadOutput::default())
}
