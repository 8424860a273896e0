//! Media: bytes in object storage, and what is known about them.

mod attachment;
mod error;
mod jobs;
mod judge;
mod media;
mod metric;
mod objects;
mod refusal;
mod rpc;
mod store;
mod upload;
mod workspace;

use std::sync::Arc;

use api::sartiq::media::v1::media_service_server::MediaServiceServer;
use api::sartiq::media::v1::upload_service_server::UploadServiceServer;
use api::sartiq::media::v1::workspace_service_server::WorkspaceServiceServer;
use events::{Outbox, Relay};
use server::Mesh;
use sqlx::PgPool;
use sqlx::migrate::Migrator;
use time::OffsetDateTime;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;
use tonic::service::Routes;

pub use jobs::sweep::Swept;
pub use objects::Config as ObjectsConfig;

use crate::objects::Objects;

/// The tables this service owns.
pub static MIGRATIONS: Migrator = sqlx::migrate!();

/// What media needs to run.
#[derive(Clone, Debug, clap::Parser)]
#[group(skip)]
pub struct Config {
    #[command(flatten)]
    pub server: server::Config,

    #[command(flatten)]
    pub database: pg::Config,

    #[command(flatten)]
    pub events: events::Config,

    #[command(flatten)]
    pub objects: ObjectsConfig,

    /// How many files to judge at the same time. Each may take up to a gibibyte of memory.
    #[arg(long, env, default_value_t = 2)]
    pub verifications: usize,
}

/// The service, ready to answer.
#[derive(Clone, Debug)]
pub struct Library {
    db: PgPool,
    outbox: Outbox,
    objects: Objects,
    // One permit per file that is held in memory.
    permits: Arc<Semaphore>,
    // What goes on when a caller hangs up.
    work: TaskTracker,
}

impl Library {
    /// Returns the service over these tables and that bucket.
    pub fn new(db: PgPool, outbox: Outbox, objects: &ObjectsConfig, verifications: usize) -> Self {
        Self {
            db,
            outbox,
            objects: Objects::new(objects),
            permits: Arc::new(Semaphore::new(verifications.max(1))),
            work: TaskTracker::new(),
        }
    }

    /// Everything media answers to.
    pub fn routes(self) -> Routes {
        Routes::new(UploadServiceServer::new(self.clone()))
            .add_service(MediaServiceServer::new(self.clone()))
            .add_service(WorkspaceServiceServer::new(self))
    }

    /// Ends what is overdue at `now` and deletes what nothing refers to any more.
    pub async fn sweep(&self, now: OffsetDateTime) -> Result<Swept, server::Error> {
        Ok(jobs::sweep::run(self, now).await?)
    }
}

/// Asks the store whether it takes our key and has the bucket, which no later request could mend.
///
/// A store that does not answer is no failure: it may come.
pub async fn check(objects: &ObjectsConfig) -> Result<(), server::Error> {
    match Objects::new(objects).check().await {
        Err(error @ objects::Error::Unreachable(_)) => {
            tracing::warn!(%error, "the object store does not answer yet");
            Ok(())
        }
        checked => Ok(checked?),
    }
}

/// Runs media until the process is told to stop.
pub async fn serve(config: Config) -> Result<(), server::Error> {
    let mesh = Mesh::join("media", &config.server).await?;
    check(&config.objects).await?;
    let db = pg::open(&config.database, &MIGRATIONS).await?;
    let outbox = Outbox::new("media");
    let relay = Relay::new(outbox.clone(), db.clone(), config.events.open()?);
    let library = Library::new(db, outbox, &config.objects, config.verifications);

    metric::describe();
    mesh.spawn("relay", relay.run(mesh.shutdown()));
    mesh.spawn("sweep", jobs::sweep::keep(library.clone(), mesh.shutdown()));
    // Stopping waits until files that are being judged are decided.
    let (work, shutdown) = (library.work.clone(), mesh.shutdown());
    mesh.spawn("judging", async move {
        shutdown.cancelled().await;
        work.close();
        work.wait().await;
    });
    mesh.serve(library.routes()).await
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn settings_do_not_clash() {
        super::Config::command().debug_assert();
    }
}
