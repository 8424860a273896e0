//! Who makes tokens: identity, or in tests a fixed set of keys.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use api::sartiq::identity::v1 as pb;
use api::sartiq::identity::v1::auth_service_client::AuthServiceClient;
use prost_types::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use tonic::{Request, Status};

use crate::Channel;
use crate::fault::{Code, refusal};

/// Who makes tokens and says which of them still hold.
#[tonic::async_trait]
pub trait Authority: Send + Sync + 'static {
    /// Returns the keys that tokens are verified with.
    async fn signing_keys(&self) -> Result<Vec<SigningKey>, Status>;

    /// Returns the ids of the sessions whose tokens hold no longer.
    async fn revocations(&self) -> Result<Vec<String>, Status>;

    /// Makes a token that names this process's service.
    async fn service_token(&self) -> Result<Issued, Status>;
}

/// A key that tokens are verified with.
#[derive(Clone, Debug)]
pub struct SigningKey {
    /// The `kid` of the tokens that it signed.
    pub id: String,
    /// The raw Ed25519 public key.
    pub public_key: [u8; 32],
    /// When its tokens cease to hold, once that is known.
    pub retire_time: Option<SystemTime>,
}

/// A token, and how long it holds.
#[derive(Clone, Debug)]
pub struct Issued {
    /// The JWT.
    pub token: SecretString,
    /// When it ceases to hold.
    pub expire_time: SystemTime,
}

/// Identity, over the wire.
pub(crate) struct Remote {
    auth: AuthServiceClient<Channel>,
    // Presents the own token; asking for that token needs none.
    signed: AuthServiceClient<Channel>,
    service: &'static str,
    key: Option<SecretString>,
}

impl Remote {
    pub(crate) fn new(
        service: &'static str,
        key: Option<SecretString>,
        plain: Channel,
        signed: Channel,
    ) -> Self {
        let (auth, signed) = (AuthServiceClient::new(plain), AuthServiceClient::new(signed));
        Self { auth, signed, service, key }
    }
}

/// How long identity may take to answer; it is asked again soon anyway.
const PATIENCE: Duration = Duration::from_secs(5);

fn soon<M>(message: M) -> Request<M> {
    let mut request = Request::new(message);
    request.set_timeout(PATIENCE);
    request
}

#[tonic::async_trait]
impl Authority for Remote {
    async fn signing_keys(&self) -> Result<Vec<SigningKey>, Status> {
        let request = soon(pb::ListSigningKeysRequest {});
        let keys = self.auth.clone().list_signing_keys(request).await?.into_inner().keys;
        Ok(keys.into_iter().filter_map(read).collect())
    }

    async fn revocations(&self) -> Result<Vec<String>, Status> {
        if self.key.is_none() {
            return Err(keyless());
        }
        let request = soon(pb::ListRevocationsRequest {});
        Ok(self.signed.clone().list_revocations(request).await?.into_inner().session_ids)
    }

    async fn service_token(&self) -> Result<Issued, Status> {
        let key = self.key.as_ref().ok_or_else(keyless)?.expose_secret().to_owned();
        let request = soon(pb::ExchangeKeyRequest { service: self.service.to_owned(), key });
        let response = self.auth.clone().exchange_key(request).await?.into_inner();
        let expire_time = response.expire_time.and_then(system_time);
        Ok(Issued {
            token: response.access_token.into(),
            expire_time: expire_time.unwrap_or_else(SystemTime::now),
        })
    }
}

fn keyless() -> Status {
    refusal(Code::Unauthenticated, "TOKEN_MISSING", "this process has no SERVICE_KEY")
}

fn read(key: pb::SigningKey) -> Option<SigningKey> {
    let Ok(public_key) = <[u8; 32]>::try_from(&*key.public_key) else {
        tracing::warn!(key.id, "identity offers a key of an unknown kind");
        return None;
    };
    let retire_time = key.retire_time.and_then(system_time);
    Some(SigningKey { id: key.id, public_key, retire_time })
}

fn system_time(timestamp: Timestamp) -> Option<SystemTime> {
    SystemTime::try_from(timestamp).ok()
}

/// A fixed set of keys, and the token that a process presents: what tests run on.
///
/// Clones share their state, so a test may retire a key or revoke a session under way.
#[derive(Clone, Debug, Default)]
pub struct Keys(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    keys: Vec<SigningKey>,
    revocations: Vec<String>,
    token: Option<Issued>,
    is_away: bool,
}

impl Keys {
    /// Returns no keys: nobody is believed.
    pub fn new() -> Self {
        Self::default()
    }

    /// Trusts `key` from now on, in place of one with the same id.
    pub fn trust(&self, key: SigningKey) {
        self.with(|state| {
            state.keys.retain(|it| it.id != key.id);
            state.keys.push(key);
        });
    }

    /// Lets the tokens of a session cease to hold.
    pub fn revoke(&self, session_id: impl ToString) {
        self.with(|state| state.revocations.push(session_id.to_string()));
    }

    /// Presents `token` to other services.
    pub fn present(&self, token: Issued) {
        self.with(|state| state.token = Some(token));
    }

    /// Answers nothing, as an identity that is down, until told otherwise.
    pub fn set_away(&self, is_away: bool) {
        self.with(|state| state.is_away = is_away);
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.0.lock().expect("no holder panics"))
    }

    fn ask<T>(&self, read: impl FnOnce(&State) -> T) -> Result<T, Status> {
        self.with(|state| match state.is_away {
            true => Err(refusal(Code::Unavailable, "UNAVAILABLE", "identity is away")),
            false => Ok(read(state)),
        })
    }
}

#[tonic::async_trait]
impl Authority for Keys {
    async fn signing_keys(&self) -> Result<Vec<SigningKey>, Status> {
        self.ask(|state| state.keys.clone())
    }

    async fn revocations(&self) -> Result<Vec<String>, Status> {
        self.ask(|state| state.revocations.clone())
    }

    async fn service_token(&self) -> Result<Issued, Status> {
        self.ask(|state| state.token.clone())?.ok_or_else(keyless)
    }
}
