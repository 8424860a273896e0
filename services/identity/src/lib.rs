//! Identity: who is calling and what they may do.

mod config;
mod error;
mod jobs;
mod limit;
mod name;
mod organization;
mod password;
mod revocation;
mod rpc;
mod secret;
mod service_key;
mod session;
mod signing_key;
mod store;
mod token;
mod user;

use std::sync::Arc;

use api::sartiq::identity::v1::auth_service_server::AuthServiceServer;
use api::sartiq::identity::v1::member_service_server::MemberServiceServer;
use api::sartiq::identity::v1::organization_service_server::OrganizationServiceServer;
use api::sartiq::identity::v1::session_service_server::SessionServiceServer;
use api::sartiq::identity::v1::user_service_server::UserServiceServer;
use secrecy::ExposeSecret;
use server::Mesh;
use sqlx::PgPool;
use sqlx::migrate::Migrator;
use tonic::service::Routes;

pub use config::{Config, Settings};

use crate::limit::Windows;
use crate::revocation::Revocations;
use crate::rpc::Hasher;
use crate::secret::Secret;
use crate::service_key::ServiceKeys;
use crate::signing_key::Ring;
use crate::store::attempt::Counters;

/// The tables this service owns.
pub static MIGRATIONS: Migrator = sqlx::migrate!();

/// The service, ready to answer. Clones share its state.
#[derive(Clone)]
pub struct Identity {
    db: PgPool,
    secret: Secret,
    ring: Ring,
    signing_key_lifetime: time::Duration,
    revocations: Revocations,
    // Whoever holds it reads what other replicas revoked.
    reading_revocations: Arc<tokio::sync::Mutex<()>>,
    service_keys: ServiceKeys,
    hasher: Hasher,
    windows: Windows,
    counters: Option<Counters>,
}

impl Identity {
    /// Opens the service on `db`, and makes its first signing key where there is none.
    pub async fn open(db: PgPool, settings: &Settings) -> Result<Self, server::Error> {
        let counters = settings.redis_url.as_ref().map(|it| Counters::open(it.expose_secret()));
        let identity = Self {
            db,
            secret: settings.key_secret.expose_secret().parse()?,
            ring: Ring::default(),
            signing_key_lifetime: settings.signing_key_lifetime.try_into()?,
            revocations: Revocations::default(),
            reading_revocations: Arc::default(),
            service_keys: settings.service_keys.expose_secret().parse()?,
            hasher: Hasher::open(settings.hash_concurrency, settings.hash_queue).await?,
            windows: Windows::default(),
            counters: counters.transpose()?,
        };
        jobs::signing_key::turn(&identity).await?;
        Ok(identity)
    }

    /// Everything identity answers to.
    pub fn routes(&self) -> Routes {
        Routes::new(AuthServiceServer::new(self.clone()))
            .add_service(UserServiceServer::new(self.clone()))
            .add_service(OrganizationServiceServer::new(self.clone()))
            .add_service(MemberServiceServer::new(self.clone()))
            .add_service(SessionServiceServer::new(self.clone()))
    }

    /// Starts what identity does beside answering.
    pub fn spawn(&self, mesh: &Mesh) {
        mesh.spawn("signing keys", jobs::signing_key::run(self.clone(), mesh.shutdown()));
        mesh.spawn("sweep", jobs::sweep::run(self.clone(), mesh.shutdown()));
    }
}

/// Runs identity until the process is told to stop.
pub async fn serve(config: Config) -> Result<(), server::Error> {
    let db = pg::open(&config.database, &MIGRATIONS).await?;
    let identity = Identity::open(db, &config.settings).await?;
    let mesh = Mesh::join_with("identity", &config.server, Arc::new(identity.clone()));
    identity.spawn(&mesh);
    mesh.serve(identity.routes()).await
}
