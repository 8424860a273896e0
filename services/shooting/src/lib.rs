//! Shootings: what is to be shot, and what was decided about it.

mod decision;
mod error;
mod jobs;
mod look;
mod rpc;
mod shooting;
mod shot;
mod store;

use std::time::Duration;

use ::jobs::{Queue, Worker};
use api::sartiq::catalog::v1::guideline_service_client::GuidelineServiceClient;
use api::sartiq::catalog::v1::product_service_client::ProductServiceClient;
use api::sartiq::catalog::v1::shot_type_service_client::ShotTypeServiceClient;
use api::sartiq::catalog::v1::style_service_client::StyleServiceClient;
use api::sartiq::catalog::v1::subject_service_client::SubjectServiceClient;
use api::sartiq::generation::v1::generation_service_client::GenerationServiceClient;
use api::sartiq::generation::v1::prediction_service_client::PredictionServiceClient;
use api::sartiq::shooting::v1::look_service_server::LookServiceServer;
use api::sartiq::shooting::v1::review_service_server::ReviewServiceServer;
use api::sartiq::shooting::v1::shooting_service_server::ShootingServiceServer;
use api::sartiq::shooting::v1::shot_service_server::ShotServiceServer;
use events::{Consumer, Outbox, Relay, Stream};
use server::{Channel, Mesh};
use sqlx::PgPool;
use sqlx::migrate::Migrator;
use tonic::service::Routes;

use crate::jobs::follow::Follower;
use crate::jobs::forget::Forget;
use crate::jobs::revision::StartRevision;

/// The schema of the tables, and the name that events come from.
const SCHEMA: &str = "shooting";

/// How often old answers are forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(3600);

/// The tables this service owns.
pub static MIGRATIONS: Migrator = sqlx::migrate!();

/// What shootings need to run.
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

    /// The address of the catalog, which has what looks are made of.
    #[arg(long, env, default_value = "http://127.0.0.1:50054")]
    pub catalog_url: String,

    /// The address of generation, which makes the pictures.
    #[arg(long, env, default_value = "http://127.0.0.1:50056")]
    pub generation_url: String,
}

/// The service, ready to answer.
#[derive(Clone, Debug)]
pub struct Studio {
    db: PgPool,
    outbox: Outbox,
    queue: Queue,
    products: ProductServiceClient<Channel>,
    subjects: SubjectServiceClient<Channel>,
    styles: StyleServiceClient<Channel>,
    guidelines: GuidelineServiceClient<Channel>,
    shot_types: ShotTypeServiceClient<Channel>,
    generations: GenerationServiceClient<Channel>,
    predictions: PredictionServiceClient<Channel>,
}

impl Studio {
    /// Returns the service on the tables of `db`, beside a catalog and a generation.
    pub fn new(db: PgPool, catalog: Channel, generation: Channel) -> Self {
        Self {
            db,
            outbox: Outbox::new(SCHEMA),
            queue: Queue::new(SCHEMA),
            products: ProductServiceClient::new(catalog.clone()),
            subjects: SubjectServiceClient::new(catalog.clone()),
            styles: StyleServiceClient::new(catalog.clone()),
            guidelines: GuidelineServiceClient::new(catalog.clone()),
            shot_types: ShotTypeServiceClient::new(catalog),
            generations: GenerationServiceClient::new(generation.clone()),
            predictions: PredictionServiceClient::new(generation),
        }
    }

    /// Everything the service answers to.
    pub fn routes(self) -> Routes {
        Routes::new(ShootingServiceServer::new(self.clone()))
            .add_service(LookServiceServer::new(self.clone()))
            .add_service(ShotServiceServer::new(self.clone()))
            .add_service(ReviewServiceServer::new(self))
    }

    /// Does what is to be done beside the calls, as long as `mesh` runs: jobs, and following
    /// generation.
    pub fn work(&self, mesh: &Mesh, stream: &Stream) {
        let (db, outbox) = (self.db.clone(), self.outbox.clone());
        let worker = Worker::new(self.queue.clone(), db.clone(), self.clone())
            .job::<StartRevision>()
            .periodic(&Forget {}, FORGET_EVERY);
        mesh.spawn("jobs", worker.run(mesh.shutdown()));
        let relay = Relay::new(outbox.clone(), db.clone(), stream.clone());
        mesh.spawn("relay", relay.run(mesh.shutdown()));
        let follower = Follower(self.clone());
        let consumer = Consumer::new("generation", outbox, db, stream.clone(), follower);
        mesh.spawn("generation", consumer.run(mesh.shutdown()));
    }
}

/// Runs shootings until the process is told to stop.
pub async fn serve(config: Config) -> Result<(), server::Error> {
    let db = pg::open(&config.database, &MIGRATIONS).await?;
    let mesh = Mesh::join("shooting", &config.server).await?;
    let catalog = mesh.channel(&config.catalog_url)?;
    let generation = mesh.channel(&config.generation_url)?;
    let studio = Studio::new(db, catalog, generation);
    studio.work(&mesh, &config.events.open()?);
    mesh.serve(studio.routes()).await
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn settings_do_not_clash() {
        super::Config::command().debug_assert();
    }
}
