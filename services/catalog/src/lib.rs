//! The catalog: products, subjects, styles, guidelines and shot types.

mod batch;
mod error;
mod guideline;
mod jobs;
mod product;
mod rpc;
mod shot_type;
mod store;
mod style;
mod subject;

use std::time::Duration;

use ::jobs::{Queue, Worker};
use api::sartiq::catalog::v1::guideline_service_server::GuidelineServiceServer;
use api::sartiq::catalog::v1::product_service_server::ProductServiceServer;
use api::sartiq::catalog::v1::shot_type_service_server::ShotTypeServiceServer;
use api::sartiq::catalog::v1::style_service_server::StyleServiceServer;
use api::sartiq::catalog::v1::subject_service_server::SubjectServiceServer;
use api::sartiq::media::v1::media_service_client::MediaServiceClient;
use events::{Outbox, Relay, Stream};
use server::{Channel, Mesh};
use sqlx::PgPool;
use sqlx::migrate::Migrator;
use tonic::service::Routes;

use crate::jobs::attach::Attach;
use crate::jobs::forget::Forget;

/// The schema of those tables, and the name that events come from.
const SCHEMA: &str = "catalog";

/// How often old answers are forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(3600);

/// The tables this service owns.
pub static MIGRATIONS: Migrator = sqlx::migrate!();

/// What the catalog needs to run.
#[derive(Clone, Debug, clap::Parser)]
#[group(skip)]
pub struct Config {
    /// How to serve.
    #[command(flatten)]
    pub server: server::Config,

    /// Where the tables are.
    #[command(flatten)]
    pub database: pg::Config,

    /// Where events are passed on.
    #[command(flatten)]
    pub events: events::Config,

    /// The address of media, which keeps the pictures.
    #[arg(long, env, default_value = "http://127.0.0.1:50053")]
    pub media_url: String,
}

/// The service, ready to answer.
#[derive(Clone, Debug)]
pub struct Catalog {
    db: PgPool,
    media: MediaServiceClient<Channel>,
    outbox: Outbox,
    queue: Queue,
}

impl Catalog {
    /// Returns the catalog on the tables of `db`, which asks `media` about pictures.
    pub fn new(db: PgPool, media: Channel) -> Self {
        Self {
            db,
            media: MediaServiceClient::new(media),
            outbox: Outbox::new(SCHEMA),
            queue: Queue::new(SCHEMA),
        }
    }

    /// Does what is to be done beside the calls, as long as `mesh` runs: jobs, and telling what
    /// happened.
    pub fn work(&self, mesh: &Mesh, stream: &Stream) {
        let worker = Worker::new(self.queue.clone(), self.db.clone(), self.clone())
            .job::<Attach>()
            .periodic(&Forget {}, FORGET_EVERY);
        mesh.spawn("jobs", worker.run(mesh.shutdown()));
        let relay = Relay::new(self.outbox.clone(), self.db.clone(), stream.clone());
        mesh.spawn("relay", relay.run(mesh.shutdown()));
    }

    /// Everything the catalog answers to.
    pub fn routes(self) -> Routes {
        Routes::new(ProductServiceServer::new(self.clone()))
            .add_service(SubjectServiceServer::new(self.clone()))
            .add_service(StyleServiceServer::new(self.clone()))
            .add_service(GuidelineServiceServer::new(self.clone()))
            .add_service(ShotTypeServiceServer::new(self))
    }
}

/// Runs the catalog until the process is told to stop.
pub async fn serve(config: Config) -> Result<(), server::Error> {
    let db = pg::open(&config.database, &MIGRATIONS).await?;
    let mesh = Mesh::join("catalog", &config.server).await?;
    let catalog = Catalog::new(db, mesh.channel(&config.media_url)?);
    catalog.work(&mesh, &config.events.open()?);
    mesh.serve(catalog.routes()).await
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn settings_do_not_clash() {
        super::Config::command().debug_assert();
    }
}
