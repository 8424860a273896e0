//! Files on their way in and out, within the memory there is.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use fetch::{Client, Request};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::hosts::Hosts;

/// How long one file may take.
const LONGEST: Duration = Duration::from_secs(120);

/// The memory that files may take, in kibibytes.
#[derive(Debug)]
pub(crate) struct Memory {
    free: Arc<Semaphore>,
    total: u32,
}

/// A file in memory, whose place is given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) content: Bytes,
    _place: OwnedSemaphorePermit,
}

/// Why a file did not arrive.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    /// It may not be fetched, or it is not as it may be.
    #[error("{0}")]
    Refused(String),
    /// The host answered with a status other than success.
    #[error("the host answered {0}")]
    Status(u16),
    /// The host could not be reached, or the exchange broke off.
    #[error("{0}")]
    Lost(String),
}

/// The client that files travel through.
#[derive(Debug)]
pub(crate) struct Transfers(Client);

impl Memory {
    /// Returns `bytes` of memory.
    pub(crate) fn new(bytes: u32) -> Self {
        let total = (bytes >> 10).max(1);
        Self { free: Arc::new(Semaphore::new(total as usize)), total }
    }

    /// Waits until there is room for `bytes`. What is larger than all there is gets all there is.
    async fn reserve(&self, bytes: u64) -> OwnedSemaphorePermit {
        let wanted = u32::try_from(bytes.div_ceil(1 << 10)).unwrap_or(u32::MAX).min(self.total);
        let free = Arc::clone(&self.free);
        free.acquire_many_owned(wanted).await.expect("the semaphore is never closed")
    }
}

impl Transfers {
    /// Returns a client that reaches `hosts` and nothing else.
    pub(crate) fn new(hosts: &Hosts) -> Result<Self, crate::Error> {
        let policy = fetch::Policy { timeout: LONGEST, ..hosts.policy() };
        Ok(Self(Client::new(policy)?))
    }

    /// Gets a file of `most` bytes or fewer.
    pub(crate) async fn get(&self, url: &str, most: u64, memory: &Memory) -> Result<Held, Trouble> {
        let mut incoming = self.0.open(Request::get(url).max_bytes(most)).await?;
        if !incoming.status.is_success() {
            return Err(Trouble::Status(incoming.status.as_u16()));
        }
        let length = incoming.headers.get("content-length").and_then(|it| it.to_str().ok());
        let length: Option<u64> = length.and_then(|it| it.parse().ok());
        let place = memory.reserve(length.unwrap_or(most)).await;
        let mut content = BytesMut::new();
        while let Some(chunk) = incoming.chunk().await? {
            content.extend_from_slice(&chunk);
        }
        Ok(Held { content: content.freeze(), _place: place })
    }

    /// Puts a file where a signed URL says, with the headers that were signed.
    pub(crate) async fn put(
        &self,
        url: &str,
        headers: &BTreeMap<String, String>,
        content: &Bytes,
    ) -> Result<(), Trouble> {
        let mut request = Request::put(url).body(content.clone());
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let response = self.0.send(request).await?;
        if response.status.is_success() {
            return Ok(());
        }
        Err(Trouble::Status(response.status.as_u16()))
    }
}

impl Trouble {
    /// Whether the same may go better in a moment. A file may take one to appear.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Refused(_) => false,
            Self::Status(status) => matches!(status, 404 | 408 | 425 | 429 | 500..600),
            Self::Lost(_) => true,
        }
    }
}

impl From<fetch::Error> for Trouble {
    fn from(error: fetch::Error) -> Self {
        match error {
            fetch::Error::Connect(_) | fetch::Error::Timeout | fetch::Error::Broken(_) => {
                Self::Lost(error.to_string())
            }
            error => Self::Refused(error.to_string()),
        }
    }
}
