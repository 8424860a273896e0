//! Files that are too large for memory, on their way out.

use std::io::SeekFrom;

use http::{HeaderMap, HeaderValue, Method, header};
use reqwest::Body;
use tokio::fs::File;
use tokio::io::AsyncSeekExt;
use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::{
    client::Client,
    error::{Error, Result},
    response::{Incoming, Limits, Response},
};

impl Client {
    /// Puts a whole file, wherever it was read or written last, where a presigned URL says, as it
    /// is read from the disk; the headers must be those that were signed. Nothing is tried again,
    /// and no redirect followed.
    ///
    /// The time limit of the policy holds; a large file needs a policy of its own.
    pub async fn put_file(
        &self,
        url: &str,
        mut headers: HeaderMap,
        mut file: File,
    ) -> Result<Response> {
        let mut url = Url::parse(url)?;
        url.set_fragment(None);
        let client = self.inner(&url)?;
        let unread = |error: std::io::Error| Error::Request(error.into());
        let size = file.metadata().await.map_err(unread)?.len();
        // Whoever wrote the file left off at its end.
        file.seek(SeekFrom::Start(0)).await.map_err(unread)?;
        // Stores take no body whose length they do not know.
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(size));
        let deadline = Instant::now() + self.policy().timeout;
        let request =
            client.request(Method::PUT, url.clone()).headers(headers).body(Body::from(file)).send();
        let response = timeout_at(deadline, request).await.map_err(|_| Error::Timeout)?;
        let limits = Limits {
            max_bytes: self.policy().max_bytes,
            idle_timeout: self.policy().idle_timeout,
            deadline: Some(deadline),
        };
        Incoming::new(response.map_err(Error::transport)?, url, limits)?.whole().await?.ok()
    }
}
