//! Refresh tokens: random, single-use, and each the only parent of the next.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use subtle::ConstantTimeEq;
use types::id::SessionId;
use uuid::Uuid;

use crate::secret::{self, Secret};

const PREFIX: &str = "srt_";
const TAG: usize = 16;
const LENGTH: usize = 16 + 8 + 32 + TAG;

/// One refresh token of a session.
///
/// It says which session and generation it belongs to, under a tag that only identity makes: so
/// a token that was used long ago is known as such, and a made-up one harms nobody. What makes
/// it good is its nonce, and of that the database holds a hash.
#[derive(Clone)]
pub(crate) struct RefreshToken {
    session_id: SessionId,
    generation: i64,
    nonce: [u8; 32],
}

impl RefreshToken {
    /// Returns a token at random.
    pub(crate) fn random(session_id: SessionId, generation: i64) -> Self {
        Self { session_id, generation, nonce: rand::random() }
    }

    /// Returns the first token of the session that a sign-up opens.
    ///
    /// A sign-up that is repeated gets the same one, although nothing keeps it.
    pub(crate) fn of_sign_up(secret: &Secret, session_id: SessionId, request_id: &str) -> Self {
        let nonce = secret.mac(&[b"sign-up", session_id.uuid().as_bytes(), request_id.as_bytes()]);
        Self { session_id, generation: 0, nonce }
    }

    /// Returns the one token that follows, the same however often it is asked for.
    pub(crate) fn successor(&self, secret: &Secret) -> Self {
        let nonce = secret.mac(&[b"successor", &self.body()]);
        Self { session_id: self.session_id, generation: self.generation + 1, nonce }
    }

    pub(crate) fn session_id(&self) -> SessionId {
        self.session_id
    }

    pub(crate) fn generation(&self) -> i64 {
        self.generation
    }

    /// Returns what the database keeps of the token.
    pub(crate) fn hash(&self) -> [u8; 32] {
        secret::hash(&self.body())
    }

    /// Writes the token for its holder.
    pub(crate) fn write(&self, secret: &Secret) -> SecretString {
        let body = self.body();
        let text = URL_SAFE_NO_PAD.encode([&body, &tag(secret, &body)[..]].concat());
        format!("{PREFIX}{text}").into()
    }

    /// Reads a token that identity has written.
    pub(crate) fn parse(secret: &Secret, text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX)?).ok()?;
        let bytes = <[u8; LENGTH]>::try_from(bytes).ok()?;
        let (body, found) = bytes.split_last_chunk::<TAG>()?;
        if !bool::from(tag(secret, body).ct_eq(found)) {
            return None;
        }
        let (session_id, rest) = body.split_first_chunk::<16>()?;
        let (generation, nonce) = rest.split_first_chunk::<8>()?;
        Some(Self {
            session_id: Uuid::from_bytes(*session_id).into(),
            generation: i64::from_be_bytes(*generation),
            nonce: nonce.try_into().ok()?,
        })
    }

    fn body(&self) -> Vec<u8> {
        let generation = self.generation.to_be_bytes();
        [&self.session_id.uuid().as_bytes()[..], &generation, &self.nonce].concat()
    }
}

impl std::fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RefreshToken")
            .field("session_id", &self.session_id)
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

fn tag(secret: &Secret, body: &[u8]) -> [u8; TAG] {
    let mac = secret.mac(&[b"tag", body]);
    *mac.first_chunk().expect("a mac is longer than a tag")
}
