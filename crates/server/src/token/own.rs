//! The token that this process presents, renewed before it expires.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant, SystemTime};

use arc_swap::ArcSwapOption;
use http::HeaderValue;
use secrecy::ExposeSecret;
use tokio::sync::Mutex;
use tonic::{Code, Status};

use super::Authority;
use crate::fault::refusal_for;

/// A token with less life than this is as good as expired: the call takes time too.
const LEAST_LIFE: Duration = Duration::from_secs(5);

/// How long a failure answers for those who asked meanwhile.
const FAILURE_AGE: Duration = Duration::from_millis(200);

/// How long a call waits for the first token while identity cannot be reached: a mesh that starts
/// has its services ready before each has met the others.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long to leave identity alone between two tries.
const PAUSE: Duration = Duration::from_millis(100);

/// How often to look whether the token should be renewed.
const GLANCE: Duration = Duration::from_secs(5);

/// The token that this process presents to other services.
pub(crate) struct Own {
    authority: Arc<dyn Authority>,
    current: ArcSwapOption<Current>,
    // Whoever holds it is asking; the others wait for what that brings, be it a failure.
    asking: Mutex<Option<Failure>>,
}

struct Failure {
    time: Instant,
    status: Status,
}

struct Current {
    header: HeaderValue,
    renew_time: SystemTime,
    expire_time: SystemTime,
}

impl Own {
    pub(crate) fn new(authority: Arc<dyn Authority>) -> Arc<Self> {
        Arc::new(Self { authority, current: ArcSwapOption::empty(), asking: Mutex::default() })
    }

    /// Returns the `authorization` of an outgoing call.
    pub(crate) async fn header(&self) -> Result<HeaderValue, Status> {
        let lasting = || self.current(|it| SystemTime::now() + LEAST_LIFE < it.expire_time);
        if let Some(header) = lasting() {
            return Ok(header);
        }
        let mut failure = self.asking.lock().await;
        if let Some(header) = lasting() {
            return Ok(header);
        }
        if let Some(failure) = failure.as_ref().filter(|it| it.time.elapsed() < FAILURE_AGE) {
            return Err(failure.status.clone());
        }
        let renewed = self.renew_patiently().await;
        *failure = renewed.as_ref().err().map(|status| {
            tracing::warn!(reason = status.message(), "cannot obtain the own token");
            Failure { time: Instant::now(), status: status.clone() }
        });
        renewed
    }

    fn current(&self, is_fit: impl FnOnce(&Current) -> bool) -> Option<HeaderValue> {
        let current = self.current.load();
        current.as_ref().filter(|it| is_fit(it)).map(|it| it.header.clone())
    }

    async fn renew_patiently(&self) -> Result<HeaderValue, Status> {
        let give_up = Instant::now() + PATIENCE;
        loop {
            match self.renew().await {
                Err(status) if status.code() == Code::Unavailable && Instant::now() < give_up => {
                    tokio::time::sleep(PAUSE).await;
                }
                renewed => return renewed,
            }
        }
    }

    async fn renew(&self) -> Result<HeaderValue, Status> {
        let issued =
            self.authority.service_token().await.map_err(|status| match status.code() {
                Code::Unavailable | Code::DeadlineExceeded => refusal_for(
                    Duration::from_millis(500),
                    "IDENTITY_UNAVAILABLE",
                    "the calling service cannot prove itself yet",
                ),
                _ => status,
            })?;
        let text = format!("Bearer {}", issued.token.expose_secret());
        let mut header = HeaderValue::try_from(text)
            .map_err(|_| Status::internal("a token that is no header"))?;
        header.set_sensitive(true);
        let now = SystemTime::now();
        let life = issued.expire_time.duration_since(now).unwrap_or_default();
        let current = Current {
            header: header.clone(),
            renew_time: now + life * 2 / 3,
            expire_time: issued.expire_time,
        };
        self.current.store(Some(Arc::new(current)));
        Ok(header)
    }
}

/// Renews the token before callers would have to wait, for as long as somebody holds `own`.
///
/// Begins with the first call that needs a token: a service that calls nobody asks for none.
pub(crate) async fn keep(own: Weak<Own>) {
    loop {
        tokio::time::sleep(GLANCE).await;
        let Some(own) = own.upgrade() else { return };
        let is_old = match &*own.current.load() {
            Some(current) => current.renew_time < SystemTime::now(),
            None => false,
        };
        if is_old && let Ok(_asking) = own.asking.try_lock() {
            // Where it fails, the old token still holds and the next glance tries again.
            let _ = own.renew().await;
        }
    }
}
