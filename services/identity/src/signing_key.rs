//! The keys that tokens are signed with: when each signs, and until when it is believed.

use std::sync::{Arc, RwLock};

use ed25519_dalek::pkcs8::EncodePrivateKey;
use jsonwebtoken::EncodingKey;
use secrecy::{ExposeSecret, SecretBox};
use time::{Duration, OffsetDateTime};
use types::id::SigningKeyId;

use crate::error::{Error, Result};
use crate::secret::Secret;
use crate::token;

/// How long a key is published before it signs, so that everybody knows it by then.
pub(crate) const LEAD: Duration = Duration::minutes(1);

/// How long a key is believed after its successor began to sign: longer than its last token.
pub(crate) const OVERLAP: Duration = Duration::minutes(20);

/// One key, as the database keeps it.
#[derive(Clone, Debug)]
pub(crate) struct SigningKey {
    pub(crate) id: SigningKeyId,
    pub(crate) public_key: [u8; 32],
    pub(crate) sealed_key: Vec<u8>,
    pub(crate) signs_at: OffsetDateTime,
    pub(crate) retires_at: Option<OffsetDateTime>,
}

impl SigningKey {
    /// Makes a key that signs from `signs_at` on.
    pub(crate) fn generate(secret: &Secret, signs_at: OffsetDateTime) -> Self {
        let id = SigningKeyId::generate();
        let seed = SecretBox::new(Box::new(rand::random::<[u8; 32]>()));
        let key = ed25519_dalek::SigningKey::from_bytes(seed.expose_secret());
        Self {
            id,
            public_key: key.verifying_key().to_bytes(),
            sealed_key: secret.seal(seed.expose_secret(), id.uuid().as_bytes()),
            signs_at,
            retires_at: None,
        }
    }

    /// Tells whether the key is believed for as long as a token of `now` holds.
    fn may_sign(&self, now: OffsetDateTime) -> bool {
        self.retires_at.is_none_or(|it| now + token::LIFE < it)
    }

    fn signer(&self, secret: &Secret) -> Result<EncodingKey> {
        let seed = secret.open(&self.sealed_key, self.id.uuid().as_bytes());
        let seed = seed.ok_or(Error::SigningKeySealed(self.id))?;
        let seed = <&[u8; 32]>::try_from(&seed.expose_secret()[..])
            .map_err(|_| Error::SigningKeySealed(self.id))?;
        let der = ed25519_dalek::SigningKey::from_bytes(seed).to_pkcs8_der();
        Ok(EncodingKey::from_ed_der(der.expect("every key has an encoding").as_bytes()))
    }
}

/// What to do about the keys.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Plan {
    /// The newest key is young enough.
    Keep,
    /// Nothing signs: make a key that does so at once.
    Begin,
    /// The newest key is old: make one that takes over soon.
    Replace,
}

/// Says what to do at `now` about `keys`, the newest first, of which each signs for `lifetime`.
pub(crate) fn plan(keys: &[SigningKey], lifetime: Duration, now: OffsetDateTime) -> Plan {
    match keys.first() {
        None => Plan::Begin,
        Some(newest) if newest.retires_at.is_some() => Plan::Begin,
        Some(newest) if newest.signs_at + lifetime - LEAD <= now => Plan::Replace,
        Some(_) => Plan::Keep,
    }
}

/// The keys, as this process knows them. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Ring(Arc<RwLock<Vec<Held>>>);

#[derive(Clone)]
struct Held {
    key: SigningKey,
    // None where the key has ceased to sign and is only believed.
    signer: Option<Arc<EncodingKey>>,
}

impl Ring {
    /// Holds `keys`, the newest first, from `now` on.
    pub(crate) fn replace(
        &self,
        keys: Vec<SigningKey>,
        secret: &Secret,
        now: OffsetDateTime,
    ) -> Result<()> {
        let held = keys.into_iter().map(|key| {
            let signer = key.may_sign(now).then(|| key.signer(secret)).transpose()?;
            Ok(Held { key, signer: signer.map(Arc::new) })
        });
        let held = held.collect::<Result<Vec<_>>>()?;
        *self.0.write().expect("no holder panics") = held;
        Ok(())
    }

    /// Returns the keys that are believed at `now`, the newest first.
    pub(crate) fn published(&self, now: OffsetDateTime) -> Vec<SigningKey> {
        let held = self.0.read().expect("no holder panics");
        let keys = held.iter().map(|it| &it.key);
        keys.filter(|it| it.retires_at.is_none_or(|it| now < it)).cloned().collect()
    }

    /// Returns the key that signs at `now`, and its id.
    pub(crate) fn signer(&self, now: OffsetDateTime) -> Result<(SigningKeyId, Arc<EncodingKey>)> {
        let held = self.0.read().expect("no holder panics");
        let current = held.iter().find(|it| it.key.signs_at <= now && it.key.may_sign(now));
        let signer = current.and_then(|it| Some((it.key.id, it.signer.clone()?)));
        signer.ok_or(Error::SigningKeyMissing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;
    const LIFETIME: Duration = Duration::days(30);

    fn secret() -> Secret {
        "s".repeat(32).parse().expect("long enough")
    }

    #[test]
    fn a_key_is_published_before_it_signs_and_believed_after() -> Result<()> {
        let mut old = SigningKey::generate(&secret(), NOW);
        assert_eq!(plan(&[], LIFETIME, NOW), Plan::Begin);
        let keys = [old.clone()];
        assert_eq!(plan(&keys, LIFETIME, NOW + LIFETIME - LEAD - Duration::SECOND), Plan::Keep);
        let rotation = NOW + LIFETIME - LEAD;
        assert_eq!(plan(&keys, LIFETIME, rotation), Plan::Replace);

        let new = SigningKey::generate(&secret(), rotation + LEAD);
        old.retires_at = Some(new.signs_at + OVERLAP);
        let ring = Ring::default();
        ring.replace(vec![new.clone(), old.clone()], &secret(), rotation)?;
        assert_eq!(ring.published(rotation).len(), 2);
        assert_eq!(ring.signer(rotation)?.0, old.id);
        assert_eq!(ring.signer(rotation + LEAD)?.0, new.id);
        assert_eq!(ring.published(new.signs_at + OVERLAP).len(), 1);
        Ok(())
    }

    #[test]
    fn another_secret_opens_nothing() {
        let other = "t".repeat(32).parse().expect("long enough");
        let key = SigningKey::generate(&secret(), NOW);
        let replaced = Ring::default().replace(vec![key], &other, NOW);
        assert!(matches!(replaced, Err(Error::SigningKeySealed(_))));
    }
}
