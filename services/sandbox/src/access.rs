//! Who may ask.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret, SecretString};

/// The most tokens that are remembered; the oldest go first.
const MOST_TOKENS: usize = 10_000;

/// Keys, and the short tokens that were issued for them.
#[derive(Debug)]
pub(crate) struct Access {
    keys: Vec<SecretString>,
    tokens: Mutex<HashMap<String, Instant>>,
}

impl Access {
    pub(crate) fn new(keys: Vec<SecretString>) -> Self {
        Self { keys, tokens: Mutex::default() }
    }

    /// Whether an `Authorization` header is good: `Key <key>`, or any scheme with an issued token.
    pub(crate) fn allows(&self, authorization: Option<&str>) -> bool {
        let Some((scheme, secret)) = authorization.and_then(|it| it.split_once(' ')) else {
            return false;
        };
        let secret = secret.trim();
        if scheme.eq_ignore_ascii_case("key") {
            return self.keys.iter().any(|it| it.expose_secret() == secret);
        }
        self.allows_token(secret)
    }

    /// Whether a token was issued and still lives.
    pub(crate) fn allows_token(&self, token: &str) -> bool {
        let tokens = self.tokens.lock().expect("no holder panics");
        tokens.get(token).is_some_and(|expiry| Instant::now() < *expiry)
    }

    /// Issues a token.
    pub(crate) fn issue(&self, life: Duration) -> String {
        let token = format!("sandbox-{}", uuid::Uuid::new_v4().simple());
        let mut tokens = self.tokens.lock().expect("no holder panics");
        let now = Instant::now();
        if tokens.len() >= MOST_TOKENS {
            tokens.retain(|_, expiry| now < *expiry);
            let oldest = tokens.iter().min_by_key(|(_, expiry)| **expiry).map(|(it, _)| it.clone());
            if let Some(oldest) = oldest.filter(|_| tokens.len() >= MOST_TOKENS) {
                tokens.remove(&oldest);
            }
        }
        tokens.insert(token.clone(), now + life);
        token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_tokens_are_told_apart() {
        let access = Access::new(vec!["one".into(), "id:secret".into()]);
        assert!(access.allows(Some("Key one")));
        assert!(access.allows(Some("key id:secret")));
        assert!(!access.allows(Some("Key two")));
        assert!(!access.allows(Some("Bearer one")));
        assert!(!access.allows(Some("one")));
        assert!(!access.allows(None));

        let token = access.issue(Duration::from_secs(60));
        assert!(access.allows(Some(&format!("Bearer {token}"))));
        let stale = access.issue(Duration::ZERO);
        assert!(!access.allows_token(&stale));
    }
}
