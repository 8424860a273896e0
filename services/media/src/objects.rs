//! The object store: the only module that knows its protocol and its credentials.

mod error;
mod multipart;
mod presign;

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
    SharedHttpClient,
};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::MetadataDirective;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use futures::{StreamExt, TryStreamExt, stream};
use pixels::Kind;
use secrecy::{ExposeSecret, SecretString};
use time::OffsetDateTime;

pub(crate) use error::{Error, Result};
pub(crate) use multipart::Uploaded;

/// What is said to browsers about objects that never change.
const FOREVER: &str = "private, max-age=31536000, immutable";

/// How many objects are deleted at the same time.
const AT_ONCE: usize = 16;

/// Where the object store is.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Config {
    /// Where the S3-compatible store answers.
    #[arg(long, env)]
    pub s3_endpoint_url: String,

    /// Where browsers reach the store, if elsewhere; signed URLs begin with it.
    #[arg(long, env)]
    pub s3_public_url: Option<String>,

    /// The key to the store.
    #[arg(long, env)]
    pub s3_access_key: String,

    /// The secret that belongs to the key.
    #[arg(long, env, hide_env_values = true)]
    pub s3_secret_key: SecretString,

    /// The bucket that holds everything. It must exist.
    #[arg(long, env, default_value = "sartiq")]
    pub s3_bucket: String,

    /// The region that the store believes to be in.
    #[arg(long, env, default_value = "us-east-1")]
    pub s3_region: String,
}

/// One bucket.
#[derive(Clone, Debug)]
pub(crate) struct Objects {
    inside: Client,
    // Signs for the host that browsers see, and never sends anything.
    outside: Client,
    bucket: String,
}

/// What the store knows about an object.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) size_bytes: i64,
}

/// An object with its bytes, and the tag that names this version of it.
pub(crate) struct Body {
    pub(crate) bytes: Vec<u8>,
    pub(crate) etag: String,
}

/// An object in a list.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) modified: OffsetDateTime,
}

/// A part of a list, and where it goes on.
pub(crate) struct Listing {
    pub(crate) entries: Vec<Entry>,
    pub(crate) next: Option<String>,
}

impl Objects {
    /// Returns the bucket that `config` names. Nothing is sent yet.
    pub(crate) fn new(config: &Config) -> Self {
        let http = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
        let public = config.s3_public_url.as_deref().filter(|it| !it.is_empty());
        Self {
            inside: client(config, &config.s3_endpoint_url, http.clone()),
            outside: client(config, public.unwrap_or(&config.s3_endpoint_url), http),
            bucket: config.s3_bucket.clone(),
        }
    }

    /// Finds out whether the store knows the key and the bucket.
    pub(crate) async fn check(&self) -> Result<()> {
        self.inside.list_objects_v2().bucket(&self.bucket).max_keys(1).send().await?;
        Ok(())
    }

    /// Looks an object up.
    pub(crate) async fn head(&self, key: &str) -> Result<Option<Head>> {
        match self.inside.head_object().bucket(&self.bucket).key(key).send().await {
            Ok(head) => Ok(Some(Head { size_bytes: head.content_length().unwrap_or_default() })),
            Err(error) => match Error::from(error) {
                Error::Missing => Ok(None),
                error => Err(error),
            },
        }
    }

    /// Reads an object of exactly `size_bytes`; one of another size was changed meanwhile.
    pub(crate) async fn get(&self, key: &str, size_bytes: i64) -> Result<Body> {
        let object = self.inside.get_object().bucket(&self.bucket).key(key).send().await?;
        if object.content_length() != Some(size_bytes) {
            return Err(Error::Changed);
        }
        let size = usize::try_from(size_bytes).map_err(|_| Error::Changed)?;
        let etag = object.e_tag().unwrap_or_default().to_owned();
        let mut bytes = Vec::with_capacity(size);
        let mut body = object.body;
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|error| Error::Unreachable(error.into()))?;
            // The store's word about the length is not trusted with our memory.
            if size < bytes.len() + chunk.len() {
                return Err(Error::Changed);
            }
            bytes.extend_from_slice(&chunk);
        }
        if bytes.len() != size {
            return Err(Error::Changed);
        }
        Ok(Body { bytes, etag })
    }

    /// Writes an object that will never change.
    pub(crate) async fn put(&self, key: &str, kind: Kind, bytes: Vec<u8>) -> Result<()> {
        self.inside
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .content_type(kind.media_type())
            .cache_control(FOREVER)
            .body(ByteStream::from(bytes))
            .send()
            .await?;
        Ok(())
    }

    /// Copies the version `etag` of an object to where it will never change.
    pub(crate) async fn copy(&self, from: &str, etag: &str, to: &str, kind: Kind) -> Result<()> {
        self.inside
            .copy_object()
            .bucket(&self.bucket)
            .key(to)
            // Our keys need no escaping.
            .copy_source(format!("{}/{from}", self.bucket))
            .copy_source_if_match(etag)
            .metadata_directive(MetadataDirective::Replace)
            .content_type(kind.media_type())
            .cache_control(FOREVER)
            .send()
            .await?;
        Ok(())
    }

    /// Deletes objects, one by one: not every store knows how to delete many at once.
    pub(crate) async fn delete(&self, keys: impl IntoIterator<Item = String>) -> Result<()> {
        stream::iter(keys)
            .map(async |key| {
                let deleted = self.inside.delete_object().bucket(&self.bucket).key(key).send();
                match deleted.await.map_err(Error::from) {
                    Ok(_) | Err(Error::Missing) => Ok(()),
                    Err(error) => Err(error),
                }
            })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await
    }

    /// Lists objects whose keys begin with `prefix`, up to a thousand.
    pub(crate) async fn list(&self, prefix: &str, after: Option<String>) -> Result<Listing> {
        let listed = self
            .inside
            .list_objects_v2()
            .bucket(&self.bucket)
            .prefix(prefix)
            .set_continuation_token(after)
            .send()
            .await?;
        let entries = listed.contents().iter().filter_map(|it| {
            let modified = it.last_modified()?.secs();
            Some(Entry {
                key: it.key()?.to_owned(),
                modified: OffsetDateTime::from_unix_timestamp(modified).ok()?,
            })
        });
        let entries = entries.collect();
        Ok(Listing { entries, next: listed.next_continuation_token().map(str::to_owned) })
    }

    /// Deletes everything whose key begins with `prefix`.
    pub(crate) async fn delete_folder(&self, prefix: &str) -> Result<()> {
        loop {
            let listing = self.list(prefix, None).await?;
            self.delete(listing.entries.into_iter().map(|it| it.key)).await?;
            if listing.next.is_none() {
                return Ok(());
            }
        }
    }
}

fn client(config: &Config, endpoint: &str, http: SharedHttpClient) -> Client {
    let secret = config.s3_secret_key.expose_secret();
    let credentials = Credentials::new(&config.s3_access_key, secret, None, None, "settings");
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(3))
        .read_timeout(Duration::from_secs(20))
        .operation_attempt_timeout(Duration::from_secs(30))
        .operation_timeout(Duration::from_secs(60))
        .build();
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(config.s3_region.clone()))
        .endpoint_url(endpoint)
        .force_path_style(true)
        .credentials_provider(credentials)
        // Stores other than Amazon's refuse the trailers that the SDK sends by itself.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard())
        .http_client(http);
    Client::from_conf(config.build())
}
