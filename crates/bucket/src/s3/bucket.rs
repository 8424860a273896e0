//! Buckets and what is in them.

use s3s::{S3Result, dto::*, s3_error};

use super::Store;
use crate::{
    blob::fault,
    key,
    list::{self, Query},
};

/// S3 answers with no more than this, whatever is asked for.
const LONGEST_PAGE: i32 = 1000;

pub(super) async fn create(
    store: &Store,
    input: CreateBucketInput,
) -> S3Result<CreateBucketOutput> {
    if !store.disk.create(&input.bucket).await.map_err(fault)? {
        return Err(s3_error!(BucketAlreadyOwnedByYou));
    }
    Ok(CreateBucketOutput::default())
}

pub(super) async fn delete(
    store: &Store,
    input: DeleteBucketInput,
) -> S3Result<DeleteBucketOutput> {
    store.disk.remove(&input.bucket).await?;
    Ok(DeleteBucketOutput::default())
}

pub(super) async fn head(store: &Store, input: HeadBucketInput) -> S3Result<HeadBucketOutput> {
    store.disk.bucket(&input.bucket).await?;
    Ok(HeadBucketOutput::default())
}

pub(super) async fn location(
    store: &Store,
    input: GetBucketLocationInput,
) -> S3Result<GetBucketLocationOutput> {
    store.disk.bucket(&input.bucket).await?;
    Ok(GetBucketLocationOutput::default())
}

pub(super) async fn names(store: &Store) -> S3Result<ListBucketsOutput> {
    let buckets = store.disk.names().await.into_iter().map(|(name, created)| Bucket {
        name: Some(name),
        creation_date: Some(created.into()),
        ..Bucket::default()
    });
    Ok(ListBucketsOutput { buckets: Some(buckets.collect()), ..ListBucketsOutput::default() })
}

pub(super) async fn list(
    store: &Store,
    input: ListObjectsV2Input,
) -> S3Result<ListObjectsV2Output> {
    let bucket = store.disk.bucket(&input.bucket).await?;
    let limit = input.max_keys.unwrap_or(LONGEST_PAGE).clamp(0, LONGEST_PAGE);
    let query = Query {
        prefix: input.prefix.clone().unwrap_or_default(),
        delimiter: input.delimiter.clone().filter(|it| !it.is_empty()),
        after: input.continuation_token.clone().or_else(|| input.start_after.clone()),
        limit: limit.unsigned_abs() as usize,
    };
    let page = bucket.look(|objects| list::page(objects, &query)).await;

    let encoded = input.encoding_type.as_ref().is_some_and(|it| it.as_str() == EncodingType::URL);
    let written = |text: String| if encoded { key::encode(&text) } else { text };
    let key_count = page.objects.len() + page.prefixes.len();
    let contents = page.objects.iter().map(|object| Object {
        key: Some(written(object.key.clone())),
        size: Some(object.size_bytes.cast_signed()),
        e_tag: Some(object.etag()),
        last_modified: Some(object.modified()),
        ..Object::default()
    });
    let prefixes =
        page.prefixes.into_iter().map(|prefix| CommonPrefix { prefix: Some(written(prefix)) });
    Ok(ListObjectsV2Output {
        contents: Some(contents.collect()),
        common_prefixes: Some(prefixes.collect()),
        key_count: i32::try_from(key_count).ok(),
        max_keys: Some(limit),
        is_truncated: Some(page.next.is_some()),
        next_continuation_token: page.next,
        continuation_token: input.continuation_token,
        start_after: input.start_after.map(written),
        name: Some(input.bucket),
        prefix: input.prefix.map(written),
        delimiter: input.delimiter.map(written),
        encoding_type: input.encoding_type,
        ..ListObjectsV2Output::default()
    })
}

pub(super) async fn list_v1(store: &Store, input: ListObjectsInput) -> S3Result<ListObjectsOutput> {
    let encoded = input.encoding_type.as_ref().is_some_and(|it| it.as_str() == EncodingType::URL);
    let marker = input.marker.clone();
    let listed = list(store, input.into()).await?;
    // The first version's marker is a key and is written like one; the second's token is opaque.
    let next = listed.next_continuation_token;
    Ok(ListObjectsOutput {
        contents: listed.contents,
        common_prefixes: listed.common_prefixes,
        delimiter: listed.delimiter,
        encoding_type: listed.encoding_type,
        name: listed.name,
        prefix: listed.prefix,
        marker,
        max_keys: listed.max_keys,
        is_truncated: listed.is_truncated,
        next_marker: if encoded { next.as_deref().map(key::encode) } else { next },
        ..ListObjectsOutput::default()
    })
}
