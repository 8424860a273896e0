//! Tokens that the members of a test mesh believe.

use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use ed25519_dalek::pkcs8::EncodePrivateKey;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use server::{Issued, Keys, Role, SigningKey};
use types::id::{OrganizationId, SessionId, UserId};

/// The key of every test in this process.
static SIGNER: LazyLock<Signer> = LazyLock::new(|| Signer::generate("test"));

/// How long tokens of tests hold.
const LIFE: Duration = Duration::from_secs(15 * 60);

/// A key that signs tokens.
pub struct Signer {
    id: String,
    key: EncodingKey,
    public_key: [u8; 32],
}

impl Signer {
    /// Returns a new key by the name of `id`.
    pub fn generate(id: &str) -> Self {
        let key = ed25519_dalek::SigningKey::from_bytes(&rand::random());
        let public_key = key.verifying_key().to_bytes();
        let der = key.to_pkcs8_der().expect("a key can be written");
        Self { id: id.to_owned(), key: EncodingKey::from_ed_der(der.as_bytes()), public_key }
    }

    /// Returns what others verify its tokens with.
    pub fn public(&self) -> SigningKey {
        SigningKey { id: self.id.clone(), public_key: self.public_key, retire_time: None }
    }

    /// Signs `claims`, whatever they say.
    pub fn sign(&self, claims: &impl Serialize) -> String {
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(self.id.clone());
        jsonwebtoken::encode(&header, claims, &self.key).expect("claims can be signed")
    }
}

/// What a token says. Fields may be changed before it is signed, to see it refused.
#[derive(Clone, Debug, Serialize)]
pub struct Claims {
    /// Who made it.
    pub iss: String,
    /// Whom it is for.
    pub aud: String,
    /// Whom it names.
    pub sub: String,
    /// What it names: a `user` or a `service`.
    pub typ: String,
    /// When it was made, in seconds.
    pub iat: u64,
    /// When it ceases to hold, in seconds.
    pub exp: u64,
    /// Which of all tokens it is.
    pub jti: String,
    /// The organization that is acted in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org: Option<String>,
    /// What the user may do there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The session it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
}

impl Claims {
    /// Returns what the token of a user says.
    pub fn user(user: UserId, role: Role, organization: OrganizationId) -> Self {
        Self {
            org: Some(organization.to_string()),
            role: Some(role.to_string()),
            sid: Some(SessionId::generate().to_string()),
            ..Self::new(user.to_string(), "user")
        }
    }

    /// Returns what the token of a service says.
    pub fn service(name: &str) -> Self {
        Self::new(format!("service:{name}"), "service")
    }

    fn new(sub: String, typ: &str) -> Self {
        let now = SystemTime::UNIX_EPOCH.elapsed().expect("time has begun").as_secs();
        Self {
            iss: "sartiq".to_owned(),
            aud: "sartiq".to_owned(),
            sub,
            typ: typ.to_owned(),
            iat: now,
            exp: now + LIFE.as_secs(),
            jti: uuid::Uuid::new_v4().to_string(),
            org: None,
            role: None,
            sid: None,
        }
    }
}

/// Returns the key of every test in this process.
pub fn signer() -> &'static Signer {
    &SIGNER
}

/// Returns what a member of a test mesh believes, and a token that names it `name`.
pub fn keys(name: &str) -> Keys {
    let keys = Keys::new();
    keys.trust(SIGNER.public());
    let expire_time = SystemTime::now() + LIFE;
    keys.present(Issued { token: service_token(name).into(), expire_time });
    keys
}

/// Returns a token of some user with `role` in `organization`.
pub fn token(role: Role, organization: OrganizationId) -> String {
    user_token(UserId::generate(), role, organization)
}

/// Returns a token of `user` with `role` in `organization`.
pub fn user_token(user: UserId, role: Role, organization: OrganizationId) -> String {
    SIGNER.sign(&Claims::user(user, role, organization))
}

/// Returns a token of the service `name`.
pub fn service_token(name: &str) -> String {
    SIGNER.sign(&Claims::service(name))
}
