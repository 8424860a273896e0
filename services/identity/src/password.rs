//! Passwords: how they are kept and how they are checked.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{self, PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use secrecy::{ExposeSecret, SecretString};

/// What a hash costs: 19 MiB and two passes, the least that OWASP advises. About 40 ms.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Hashes `password` for keeping. Slow on purpose.
pub(crate) fn hash(password: &SecretString) -> Result<SecretString, password_hash::Error> {
    let hash: PasswordHash = argon2().hash_password(password.expose_secret().as_bytes())?;
    Ok(hash.to_string().into())
}

/// Tells whether `password` is the one that was hashed. As slow as hashing.
pub(crate) fn is_right(password: &SecretString, hash: &SecretString) -> bool {
    let Ok(hash) = PasswordHash::new(hash.expose_secret()) else { return false };
    argon2().verify_password(password.expose_secret().as_bytes(), &hash).is_ok()
}

/// Tells whether `hash` costs less, or other, than a hash made today.
pub(crate) fn is_outdated(hash: &SecretString) -> bool {
    let Ok(hash) = PasswordHash::new(hash.expose_secret()) else { return true };
    hash.algorithm.as_str() != "argon2id"
        || Params::try_from(&hash).map_or(true, |it| {
            (it.m_cost(), it.t_cost(), it.p_cost()) != (MEMORY_KIB, PASSES, LANES)
        })
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).expect("parameters within limits");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_knows_its_password_and_what_it_cost() -> Result<(), password_hash::Error> {
        let password = SecretString::from("correct horse");
        let hash = hash(&password)?;
        assert!(hash.expose_secret().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(is_right(&password, &hash));
        assert!(!is_right(&"correct horsf".into(), &hash));
        assert!(!is_outdated(&hash));
        Ok(())
    }

    #[test]
    fn cheaper_hashes_are_outdated() {
        let cheap = "$argon2id$v=19$m=4096,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$\
                     iWh06vD8Fy27wf9npn6FXWiCX4K6pW6Ue1Bnzz07Z8A";
        assert!(is_outdated(&cheap.into()));
        assert!(is_outdated(&"plain".into()));
    }

    #[test]
    fn two_hashes_of_one_password_differ() -> Result<(), password_hash::Error> {
        let password = SecretString::from("correct horse");
        assert_ne!(hash(&password)?.expose_secret(), hash(&password)?.expose_secret());
        Ok(())
    }
}
