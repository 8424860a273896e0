//! Files that are too large for memory, on their way out.

use http::{HeaderMap, HeaderValue, Method, header};
use reqwest::Body;
use tokio::fs::File;
use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::{
    client::Client,
    error::{Error, Result},
    response::{Incoming, Limits, Response},
};

impl Client {
    /// Puts a file where a presigned URL says, as it is read from the disk; the headers must be
    /// those that were signed. Nothing is tried again, and no redirect followed.
    ///
    /// The time limit of the policy holds; a large file needs a policy of its own.
    pub async fn put_file(
        &self,
        url: &str,
        mut headers: HeaderMap,
        file: File,
    ) -> Result<Response> {
        let url = Url::parse(url)?;
        let size = file.metadata().await.map_err(|error| Error::Request(error.into()))?.len();
        // Stores take no body whose length they do not know.
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(size));
        let deadline = Instant::now() + self.policy().timeout;
        let request = self
            .inner(&url)?
            .request(Method::PUT, url.clone())
            .headers(headers)
            .body(Body::from(file))
            .send();
        let response = timeout_at(deadline, request).await.map_err(|_| Error::Timeout)?;
        let limits = Limits {
            max_bytes: self.policy().max_bytes,
            idle_timeout: self.policy().idle_timeout,
            deadline: Some(deadline),
        };
        Incoming::new(response.map_err(Error::transport)?, url, limits)?.whole().await?.ok()
    }
}
