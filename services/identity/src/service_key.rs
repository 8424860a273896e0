//! The keys that services prove themselves with.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use subtle::{Choice, ConstantTimeEq};

use crate::secret;

/// The services that may have tokens, each with the hash of its key: `gateway=…,media=…`.
///
/// A name may appear twice while its key is being changed.
#[derive(Clone, Default)]
pub(crate) struct ServiceKeys(Arc<[(String, [u8; 32])]>);

/// Why a list of keys is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServiceKeysError {
    /// An item without `=`, or with nothing on one of its sides.
    #[error("SERVICE_KEYS are written `name=key,name=key`")]
    Malformed,
    /// A key that somebody could guess.
    #[error("the key of `{0}` in SERVICE_KEYS is shorter than 16 characters")]
    Short(String),
}

impl FromStr for ServiceKeys {
    type Err = ServiceKeysError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut keys = Vec::new();
        for item in text.split(',').map(str::trim).filter(|it| !it.is_empty()) {
            let (name, key) = item.split_once('=').ok_or(ServiceKeysError::Malformed)?;
            let (name, key) = (name.trim(), key.trim());
            if name.is_empty() || key.is_empty() {
                return Err(ServiceKeysError::Malformed);
            }
            if key.len() < 16 {
                return Err(ServiceKeysError::Short(name.to_owned()));
            }
            keys.push((name.to_owned(), secret::hash(key.as_bytes())));
        }
        Ok(Self(keys.into()))
    }
}

impl ServiceKeys {
    /// Tells whether `key` proves its bearer to be the service `name`.
    ///
    /// Takes as long whether the name, the key or both are wrong.
    pub(crate) fn proves(&self, name: &str, key: &SecretString) -> bool {
        let presented = secret::hash(key.expose_secret().as_bytes());
        let mut is_proven = Choice::from(0);
        for (known, hash) in &*self.0 {
            let is_named = secret::hash(known.as_bytes()).ct_eq(&secret::hash(name.as_bytes()));
            is_proven |= is_named & hash.ct_eq(&presented);
        }
        is_proven.into()
    }
}

impl fmt::Debug for ServiceKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_proves_its_own_service_alone() -> Result<(), ServiceKeysError> {
        let keys: ServiceKeys =
            "media=0123456789abcdef, gateway=fedcba9876543210,media=next456789abcdef".parse()?;
        assert!(keys.proves("media", &"0123456789abcdef".into()));
        assert!(keys.proves("media", &"next456789abcdef".into()));
        assert!(keys.proves("gateway", &"fedcba9876543210".into()));
        assert!(!keys.proves("gateway", &"0123456789abcdef".into()));
        assert!(!keys.proves("catalog", &"0123456789abcdef".into()));
        assert!(!format!("{keys:?}").contains("0123"));
        Ok(())
    }

    #[test]
    fn lists_that_hide_a_mistake_are_refused() {
        assert!("media".parse::<ServiceKeys>().is_err());
        assert!("media=".parse::<ServiceKeys>().is_err());
        assert!("media=short".parse::<ServiceKeys>().is_err());
        assert!("".parse::<ServiceKeys>().is_ok());
    }
}
