//! The keys and revocations that this process knows of, kept fresh.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant, SystemTime};

use arc_swap::ArcSwap;
use jsonwebtoken::DecodingKey;
use tokio::sync::Mutex;
use types::id::SessionId;

use super::{Authority, Refusal, claims};
use crate::Caller;

/// How old keys grow before they are asked for again.
const KEYS_AGE: Duration = Duration::from_secs(60);

/// How often revocations are asked for: what a stolen token is good for at most.
const REVOCATIONS_AGE: Duration = Duration::from_secs(2);

/// How often unknown keys may make us ask: forgers must not turn us against identity.
const LEAST_AGE: Duration = Duration::from_secs(1);

/// How soon a failed question is asked again.
const FAILED_AGE: Duration = Duration::from_millis(200);

const LONGEST_TOKEN: usize = 4096;

/// The keys and revocations that this process knows of.
pub(crate) struct Keyring {
    authority: Arc<dyn Authority>,
    keys: ArcSwap<HashMap<String, Key>>,
    revoked: ArcSwap<HashSet<SessionId>>,
    // Whoever holds it is asking.
    inquiry: Mutex<Inquiry>,
}

/// How asking for keys went last.
#[derive(Default)]
struct Inquiry {
    time: Option<Instant>,
    has_failed: bool,
}

struct Key {
    verifier: DecodingKey,
    retire_time: Option<SystemTime>,
}

impl Keyring {
    pub(crate) fn new(authority: Arc<dyn Authority>) -> Arc<Self> {
        Arc::new(Self {
            authority,
            keys: ArcSwap::default(),
            revoked: ArcSwap::default(),
            inquiry: Mutex::default(),
        })
    }

    /// Returns who `token` names, if it holds.
    pub(crate) async fn verify(&self, token: &str) -> Result<Caller, Refusal> {
        let verdict = self.judge(token).await;
        if let Err(Refusal::Invalid(why)) = verdict {
            tracing::info!(why, "token refused");
        }
        verdict
    }

    async fn judge(&self, token: &str) -> Result<Caller, Refusal> {
        if LONGEST_TOKEN < token.len() {
            return Err(Refusal::Invalid("length"));
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| Refusal::Invalid("header"))?;
        // Only an index into our own keys: whatever else the header offers is ignored.
        let id = header.kid.ok_or(Refusal::Invalid("no kid"))?;
        let verifier = match self.verifier(&id) {
            Some(found) => found?,
            None => {
                self.refresh_keys(LEAST_AGE).await;
                match self.verifier(&id) {
                    Some(found) => found?,
                    None if self.keys.load().is_empty() => return Err(Refusal::KeysUnknown),
                    None => return Err(Refusal::Invalid("unknown key")),
                }
            }
        };
        let caller = claims::read(token, &verifier)?;
        match caller.session_id {
            Some(id) if self.revoked.load().contains(&id) => Err(Refusal::Revoked),
            _ => Ok(caller),
        }
    }

    fn verifier(&self, id: &str) -> Option<Result<DecodingKey, Refusal>> {
        let keys = self.keys.load();
        let key = keys.get(id)?;
        if key.retire_time.is_some_and(|it| it <= SystemTime::now()) {
            return Some(Err(Refusal::Invalid("retired key")));
        }
        Some(Ok(key.verifier.clone()))
    }

    /// Asks for the keys, unless somebody did so less than `age` ago.
    ///
    /// Says whether keys are known now.
    async fn refresh_keys(&self, age: Duration) -> bool {
        let mut inquiry = self.inquiry.lock().await;
        let age = if inquiry.has_failed { age.min(FAILED_AGE) } else { age };
        if inquiry.time.is_some_and(|it| it.elapsed() < age) {
            return !self.keys.load().is_empty();
        }
        match self.authority.signing_keys().await {
            Ok(keys) => {
                let keys = keys.into_iter().map(|key| {
                    let verifier = DecodingKey::from_ed_der(&key.public_key);
                    (key.id, Key { verifier, retire_time: key.retire_time })
                });
                self.keys.store(Arc::new(keys.collect()));
                if std::mem::replace(&mut inquiry.has_failed, false) {
                    tracing::info!("identity answers again");
                }
            }
            // What was known stays known: tokens outlive a restart of identity.
            Err(error) => {
                if !std::mem::replace(&mut inquiry.has_failed, true) {
                    let error = types::chain(&error);
                    tracing::warn!(error, "identity does not say its keys");
                }
            }
        }
        inquiry.time = Some(Instant::now());
        !self.keys.load().is_empty()
    }

    async fn refresh_revocations(&self) {
        match self.authority.revocations().await {
            Ok(ids) => {
                let ids = ids.iter().filter_map(|it| it.parse().ok()).collect();
                self.revoked.store(Arc::new(ids));
            }
            Err(error) => tracing::debug!(%error, "cannot learn the revoked sessions"),
        }
    }
}

/// Keeps keys and revocations fresh for as long as somebody holds `keyring`.
pub(crate) async fn keep(keyring: Weak<Keyring>) {
    let mut pause = Duration::from_millis(200);
    loop {
        let Some(keyring) = keyring.upgrade() else { return };
        let is_ready = keyring.refresh_keys(KEYS_AGE).await;
        keyring.refresh_revocations().await;
        drop(keyring);
        pause = match is_ready {
            true => REVOCATIONS_AGE,
            false => (2 * pause).min(REVOCATIONS_AGE),
        };
        tokio::time::sleep(pause).await;
    }
}
