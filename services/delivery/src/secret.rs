//! How the secrets of customers are kept: encrypted, by a key that the database never sees.

use std::str::FromStr;
use std::sync::Arc;

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, KeyInit, Nonce};
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretBox, SecretString};
use sha2::Sha256;
use types::id::TargetId;

use crate::target::SealedSecret;

/// How short a secret may be: anything shorter was typed, not generated.
const SHORTEST: usize = 32;

const NONCE: usize = 12;

/// What seals secrets. Every replica is given the same.
#[derive(Clone, Debug)]
pub(crate) struct Seal(Arc<SecretBox<[u8; 32]>>);

/// A secret that is too short to be one.
#[derive(Debug, thiserror::Error)]
#[error("KEY_SECRET has at least {SHORTEST} characters; `openssl rand -hex 32` makes one")]
pub(crate) struct ShortSecretError;

impl FromStr for Seal {
    type Err = ShortSecretError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() < SHORTEST {
            return Err(ShortSecretError);
        }
        let mut mac = Hmac::<Sha256>::new_from_slice(text.as_bytes()).expect("any length is a key");
        mac.update(b"secret of a target");
        Ok(Self(Arc::new(SecretBox::new(Box::new(mac.finalize().into_bytes().into())))))
    }
}

impl Seal {
    /// Encrypts the secret of `target`. It opens for no other one.
    pub(crate) fn close(&self, target: TargetId, secret: &str) -> SealedSecret {
        let nonce: [u8; NONCE] = rand::random();
        let target = target.uuid();
        let payload = Payload { msg: secret.as_bytes(), aad: target.as_bytes() };
        let sealed = self.cipher().encrypt(&Nonce::from(nonce), payload);
        let sealed = sealed.expect("secrets are far shorter than the cipher's limit");
        SealedSecret([&nonce[..], &sealed].concat())
    }

    /// Decrypts the secret of `target`. None if another key sealed it, or for another target.
    pub(crate) fn open(&self, target: TargetId, sealed: &SealedSecret) -> Option<SecretString> {
        let (nonce, sealed) = sealed.0.split_first_chunk::<NONCE>()?;
        let target = target.uuid();
        let payload = Payload { msg: sealed, aad: target.as_bytes() };
        let plain = self.cipher().decrypt(&Nonce::from(*nonce), payload).ok()?;
        Some(String::from_utf8(plain).ok()?.into())
    }

    fn cipher(&self) -> ChaCha20Poly1305 {
        ChaCha20Poly1305::new(&Key::from(*self.0.expose_secret()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal(letter: &str) -> Seal {
        letter.repeat(SHORTEST).parse().expect("long enough")
    }

    #[test]
    fn a_secret_opens_only_for_its_target_and_with_its_key() {
        let (target, other) = (TargetId::generate(), TargetId::generate());
        let sealed = seal("a").close(target, "hush hush");
        let open =
            |seal: Seal, target| seal.open(target, &sealed).map(|it| it.expose_secret().to_owned());
        assert_eq!(open(seal("a"), target).as_deref(), Some("hush hush"));
        assert_eq!(open(seal("a"), other), None);
        assert_eq!(open(seal("b"), target), None);
        assert!(!sealed.0.windows(4).any(|it| it == b"hush"));
    }

    #[test]
    fn short_secrets_are_refused() {
        assert!("change me".parse::<Seal>().is_err());
    }
}
