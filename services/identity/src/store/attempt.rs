//! Counters of tries in Redis, which every replica shares; a convenience, not a need.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, RedisResult, Script};

use crate::limit::{Subject, Tries, WINDOW};

/// How long a sign-in waits for a count.
const PATIENCE: Duration = Duration::from_millis(150);

/// How long Redis is left alone after it did not answer.
const PAUSE: Duration = Duration::from_secs(5);

const COUNT: &str = "
    local count = redis.call('incr', KEYS[1])
    if count == 1 then redis.call('pexpire', KEYS[1], ARGV[1]) end
    return {count, redis.call('pttl', KEYS[1])}";

/// The counters that replicas share. Clones share the connection.
#[derive(Clone)]
pub(crate) struct Counters {
    connection: ConnectionManager,
    paused_until: Arc<Mutex<Option<Instant>>>,
}

impl Counters {
    /// Opens the counters at `url`; connects when it first counts.
    pub(crate) fn open(url: &str) -> RedisResult<Self> {
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(0)
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE));
        let connection = ConnectionManager::new_lazy_with_config(Client::open(url)?, config)?;
        Ok(Self { connection, paused_until: Arc::default() })
    }

    /// Counts a try of `subject`, or knows nothing where Redis does not answer.
    pub(crate) async fn count(&self, subject: &Subject) -> Option<Tries> {
        let now = Instant::now();
        if self.paused_until().is_some_and(|it| now < it) {
            return None;
        }
        let mut connection = self.connection.clone();
        let script = Script::new(COUNT);
        let mut call = script.key(format!("identity:attempt:{}", subject.key));
        let window = u64::try_from(WINDOW.as_millis()).unwrap_or(u64::MAX);
        let call = call.arg(window);
        let counted = tokio::time::timeout(PATIENCE, call.invoke_async(&mut connection)).await;
        let error = match counted {
            Ok(Ok::<(u32, i64), _>((count, left_ms))) => {
                let left = Duration::from_millis(u64::try_from(left_ms).unwrap_or_default());
                return Some(Tries { count, left });
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer".to_owned(),
        };
        tracing::warn!(error, "attempts are counted in this process alone");
        *self.paused_until.lock().expect("no holder panics") = Some(now + PAUSE);
        None
    }

    fn paused_until(&self) -> Option<Instant> {
        *self.paused_until.lock().expect("no holder panics")
    }
}

impl std::fmt::Debug for Counters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Counters").finish_non_exhaustive()
    }
}
