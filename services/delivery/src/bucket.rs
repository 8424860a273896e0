//! The buckets of customers: the only module that knows their protocol.
//!
//! Their addresses are written by users, so each is judged before it is dialled, at every connection anew.

mod error;
mod guard;

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
    SharedHttpClient,
};
use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use bytes::Bytes;
use secrecy::{ExposeSecret, SecretString};
use types::id::ExportId;
use uuid::Uuid;

pub(crate) use error::{Error, Result};
use guard::Guard;

use crate::item::Digest;
use crate::target::Address;

/// What we write beside a file, to know it again.
const SHA256: &str = "sartiq-sha256";
const EXPORT: &str = "sartiq-export";

/// What is said where a store has no regions; most of them expect something.
const ANY_REGION: &str = "us-east-1";

/// How long a test may take.
const TEST: Duration = Duration::from_secs(15);

/// How long one file may take.
const FILE: Duration = Duration::from_secs(10 * 60);

/// The way to all buckets.
#[derive(Clone, Debug)]
pub(crate) struct Buckets {
    http: SharedHttpClient,
    allows_private: bool,
}

/// One bucket.
#[derive(Debug)]
pub(crate) struct Bucket {
    client: Client,
    name: String,
    prefix: String,
}

/// A file that is to be put into a bucket.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) name: String,
    pub(crate) media_type: &'static str,
    pub(crate) bytes: Bytes,
    pub(crate) digest: Digest,
    pub(crate) export: ExportId,
}

/// A file that is in a bucket.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Found {
    pub(crate) etag: String,
    pub(crate) size_bytes: i64,
    // As we wrote them beside it. None for files of others.
    pub(crate) sha256: Option<String>,
    pub(crate) export: Option<ExportId>,
}

/// What must be true for a file to be written.
enum Condition {
    /// No file is there.
    IsNew,
    /// This version of it is there.
    Is(String),
    /// Nothing; for stores that know no conditions.
    None,
}

impl Buckets {
    /// Returns the way to buckets with public addresses, and to private ones where that is allowed.
    pub(crate) fn new(allows_private: bool) -> Self {
        let http = Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_with_resolver(Guard::new(allows_private));
        Self { http, allows_private }
    }

    /// Says what is wrong with the address of a store, as far as it can be seen without asking around.
    pub(crate) fn problem(&self, endpoint_url: &str) -> Option<&'static str> {
        guard::problem(endpoint_url, self.allows_private)
    }

    /// Opens a bucket. Nothing is sent yet.
    pub(crate) fn open(&self, address: &Address, secret: &SecretString) -> Result<Bucket> {
        if let Some(problem) = self.problem(&address.endpoint_url) {
            return Err(Error::NotPublic(problem.to_owned()));
        }
        let region = if address.region.is_empty() { ANY_REGION } else { &address.region };
        let credentials =
            Credentials::new(&address.access_key_id, secret.expose_secret(), None, None, "target");
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(5))
            .read_timeout(Duration::from_secs(60))
            .operation_timeout(FILE)
            .build();
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region.to_owned()))
            .endpoint_url(&address.endpoint_url)
            .force_path_style(true)
            .credentials_provider(credentials)
            // Stores other than Amazon's refuse the trailers that the SDK sends by itself.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .timeout_config(timeouts)
            // Whoever calls waits and tries again, for longer than the SDK would.
            .retry_config(RetryConfig::standard().with_max_attempts(2))
            .http_client(self.http.clone());
        Ok(Bucket {
            client: Client::from_conf(config.build()),
            name: address.bucket.clone(),
            prefix: address.prefix.clone(),
        })
    }
}

impl Bucket {
    /// Returns the key that a file gets.
    pub(crate) fn key(&self, filename: &str) -> String {
        format!("{}{filename}", self.prefix)
    }

    /// Writes, reads and deletes a small file.
    pub(crate) async fn test(&self) -> Result<()> {
        let test = self.write_and_read();
        tokio::time::timeout(TEST, test)
            .await
            .map_err(|_| Error::Unreachable("no answer".into()))?
    }

    async fn write_and_read(&self) -> Result<()> {
        let key = self.key(&format!("sartiq-test-{}.txt", Uuid::new_v4()));
        let text = format!("{key} tests whether pictures can be delivered here.\n");
        let body = ByteStream::from(text.clone().into_bytes());
        let (client, name) = (&self.client, &self.name);
        let put = client.put_object().bucket(name).key(&key).content_type("text/plain").body(body);
        put.send().await?;
        let read = client.get_object().bucket(name).key(&key).send().await?;
        // Its word about the length would not be trusted with our memory.
        if read.content_length() != i64::try_from(text.len()).ok() {
            return Err(Error::Odd("it does not answer with what was written"));
        }
        let bytes =
            read.body.collect().await.map_err(|_| Error::Unreachable("no answer".into()))?;
        if bytes.into_bytes() != text {
            return Err(Error::Odd("it does not answer with what was written"));
        }
        client.delete_object().bucket(name).key(&key).send().await?;
        Ok(())
    }

    /// Looks a file up.
    pub(crate) async fn find(&self, key: &str) -> Result<Option<Found>> {
        let head = match self.client.head_object().bucket(&self.name).key(key).send().await {
            Ok(head) => head,
            Err(error) => match Error::from(error) {
                Error::Missing => return Ok(None),
                error => return Err(error),
            },
        };
        let beside = |name| head.metadata().and_then(|it| it.get(name));
        Ok(Some(Found {
            etag: head.e_tag().unwrap_or_default().to_owned(),
            size_bytes: head.content_length().unwrap_or_default(),
            sha256: beside(SHA256).cloned(),
            export: beside(EXPORT).and_then(|it| it.parse().ok()),
        }))
    }

    /// Puts a file where it belongs, and returns its ETag.
    ///
    /// A file that is there is replaced only if an earlier export of ours delivered it; if it is the same
    /// already, because an answer was lost, nothing is sent.
    pub(crate) async fn put(&self, file: &File) -> Result<String> {
        // Written first and looked up only then: some keys may write, but not ask what is not there.
        match self.write(file, Condition::IsNew).await {
            Err(Error::Taken) => {}
            Err(Error::Unsupported) => return self.put_unconditionally(file).await,
            written => return written,
        }
        let found = self.find(&self.key(&file.name)).await?.ok_or(Error::Changing)?;
        if found.is(&file.digest) {
            return Ok(found.etag);
        }
        match found.export {
            None => Err(Error::Foreign),
            // Ids sort by time: what is there was approved later than this.
            Some(other) if file.export < other => Err(Error::Newer),
            Some(_) => match self.write(file, Condition::Is(found.etag)).await {
                Err(Error::Taken) => Err(Error::Changing),
                written => written,
            },
        }
    }

    async fn put_unconditionally(&self, file: &File) -> Result<String> {
        match self.find(&self.key(&file.name)).await {
            Ok(Some(found)) if found.is(&file.digest) => return Ok(found.etag),
            Ok(Some(Found { export: None, .. })) => return Err(Error::Foreign),
            Ok(Some(Found { export: Some(other), .. })) if file.export < other => {
                return Err(Error::Newer);
            }
            Ok(_) | Err(Error::Refused(_)) => {}
            Err(error) => return Err(error),
        }
        self.write(file, Condition::None).await
    }

    async fn write(&self, file: &File, condition: Condition) -> Result<String> {
        let request = self
            .client
            .put_object()
            .bucket(&self.name)
            .key(self.key(&file.name))
            .content_type(file.media_type)
            .metadata(SHA256, hex::encode(file.digest.sha256))
            .metadata(EXPORT, file.export.to_string())
            .body(ByteStream::from(file.bytes.clone()));
        let request = match condition {
            Condition::IsNew => request.if_none_match("*"),
            Condition::Is(etag) => request.if_match(etag),
            Condition::None => request,
        };
        Ok(request.send().await?.e_tag().unwrap_or_default().to_owned())
    }
}

impl Found {
    /// Whether it is the file with this digest, as far as we wrote that beside it.
    pub(crate) fn is(&self, digest: &Digest) -> bool {
        self.size_bytes == digest.size_bytes
            && self.sha256.as_deref() == Some(hex::encode(digest.sha256).as_str())
    }
}
