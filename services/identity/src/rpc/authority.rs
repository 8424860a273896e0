//! Identity as the one that its own stack asks: from memory, not over the network.

use secrecy::SecretString;
use server::{Authority, Issued, SigningKey};
use tonic::Status;

use crate::rpc::{auth, now};
use crate::{Identity, token};

#[tonic::async_trait]
impl Authority for Identity {
    async fn signing_keys(&self) -> Result<Vec<SigningKey>, Status> {
        let keys = self.ring.published(now()).into_iter().map(|key| SigningKey {
            id: key.id.to_string(),
            public_key: key.public_key,
            retire_time: key.retires_at.map(Into::into),
        });
        Ok(keys.collect())
    }

    async fn revocations(&self) -> Result<Vec<String>, Status> {
        Ok(auth::revoked(self, now()).await?.into_iter().map(String::from).collect())
    }

    async fn service_token(&self) -> Result<Issued, Status> {
        let issued = token::for_service(&self.ring, "identity", now())?;
        let token: SecretString = issued.token;
        Ok(Issued { token, expire_time: issued.expires_at.into() })
    }
}
