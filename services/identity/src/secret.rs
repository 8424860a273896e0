//! What only identity knows, and what it makes of it.

use std::str::FromStr;
use std::sync::Arc;

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, KeyInit, Nonce};
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretBox};
use sha2::{Digest, Sha256};

type HmacSha256 = Hmac<Sha256>;

/// How short a secret may be: anything shorter was typed, not generated.
const SHORTEST: usize = 32;

const NONCE: usize = 12;

/// The secret that every replica of identity is given, and that the database never sees.
///
/// It wraps private keys and ties refresh tokens together. Each use has a key of its own.
#[derive(Clone, Debug)]
pub(crate) struct Secret {
    wrapping: Arc<SecretBox<[u8; 32]>>,
    chaining: Arc<SecretBox<[u8; 32]>>,
}

/// A secret that is too short to be one.
#[derive(Debug, thiserror::Error)]
#[error("KEY_SECRET has at least {SHORTEST} characters; `openssl rand -hex 32` makes one")]
pub(crate) struct ShortSecretError;

impl FromStr for Secret {
    type Err = ShortSecretError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() < SHORTEST {
            return Err(ShortSecretError);
        }
        let derive =
            |label: &[u8]| Arc::new(SecretBox::new(Box::new(mac(text.as_bytes(), &[label]))));
        Ok(Self { wrapping: derive(b"signing key"), chaining: derive(b"refresh token") })
    }
}

impl Secret {
    /// Encrypts `plain`, so that it opens only beside the same `context`.
    pub(crate) fn seal(&self, plain: &[u8], context: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE] = rand::random();
        let payload = Payload { msg: plain, aad: context };
        let sealed = self.cipher().encrypt(&Nonce::from(nonce), payload);
        [&nonce[..], &sealed.expect("keys are far shorter than the cipher's limit")].concat()
    }

    /// Decrypts what [`seal`](Self::seal) made of it beside the same `context`.
    pub(crate) fn open(&self, sealed: &[u8], context: &[u8]) -> Option<SecretBox<Vec<u8>>> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE>()?;
        let payload = Payload { msg: sealed, aad: context };
        let plain = self.cipher().decrypt(&Nonce::from(*nonce), payload).ok()?;
        Some(SecretBox::new(Box::new(plain)))
    }

    /// Returns what only a holder of the secret can compute of `parts`.
    pub(crate) fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        mac(self.chaining.expose_secret(), parts)
    }

    fn cipher(&self) -> ChaCha20Poly1305 {
        ChaCha20Poly1305::new(&Key::from(*self.wrapping.expose_secret()))
    }
}

/// Returns what is stored of a secret that its holder will show again.
///
/// Only for secrets of 256 random bits; passwords need `crate::password`.
pub(crate) fn hash(secret: &[u8]) -> [u8; 32] {
    Sha256::digest(secret).into()
}

fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = HmacSha256::new_from_slice(key).expect("any length is a key");
    for part in parts {
        // With its length, so that no two lists of parts read the same.
        mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(letter: &str) -> Secret {
        letter.repeat(SHORTEST).parse().expect("long enough")
    }

    #[test]
    fn what_is_sealed_opens_only_with_the_same_secret_and_context() {
        let sealed = secret("a").seal(b"private", b"key 1");
        let open = |secret: Secret, context: &[u8]| {
            secret.open(&sealed, context).map(|it| it.expose_secret().clone())
        };
        assert_eq!(open(secret("a"), b"key 1").as_deref(), Some(&b"private"[..]));
        assert_eq!(open(secret("a"), b"key 2"), None);
        assert_eq!(open(secret("b"), b"key 1"), None);
        assert_eq!(secret("a").open(&sealed[..5], b"key 1").map(|_| ()), None);
        assert!(!sealed.windows(7).any(|it| it == b"private"));
    }

    #[test]
    fn parts_do_not_run_together() {
        assert_ne!(secret("a").mac(&[b"ab", b"c"]), secret("a").mac(&[b"a", b"bc"]));
    }

    #[test]
    fn short_secrets_are_refused_and_long_ones_not_shown() {
        assert!("change me".parse::<Secret>().is_err());
        assert!(!format!("{:?}", secret("a")).contains("aaa"));
    }
}
