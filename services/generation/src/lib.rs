//! Generation: from a shot to predictions.
//!
//! A generation snapshots its whole configuration, builds a graph of tasks, and hands it to
//! `compute`. What comes of it is followed through compute's events.

mod error;
mod generation;
mod jobs;
mod metric;
mod prediction;
mod problem;
mod progress;
mod prompt;
mod rpc;
mod store;

use std::sync::Arc;
use std::time::Duration;

use ::jobs::{Queue, Worker};
use api::sartiq::catalog::v1::guideline_service_client::GuidelineServiceClient;
use api::sartiq::catalog::v1::product_service_client::ProductServiceClient;
use api::sartiq::catalog::v1::shot_type_service_client::ShotTypeServiceClient;
use api::sartiq::catalog::v1::style_service_client::StyleServiceClient;
use api::sartiq::catalog::v1::subject_service_client::SubjectServiceClient;
use api::sartiq::compute::v1::route_service_client::RouteServiceClient;
use api::sartiq::compute::v1::task_service_client::TaskServiceClient;
use api::sartiq::compute::v1::workflow_service_client::WorkflowServiceClient;
use api::sartiq::generation::v1::generation_service_server::GenerationServiceServer;
use api::sartiq::generation::v1::prediction_service_server::PredictionServiceServer;
use api::sartiq::media::v1::media_service_client::MediaServiceClient;
use api::sartiq::media::v1::workspace_service_client::WorkspaceServiceClient;
use api::sartiq::shooting::v1::shot_service_client::ShotServiceClient;
use events::{Consumer, Outbox, Relay, Stream};
use server::{Channel, Mesh};
use sqlx::PgPool;
use sqlx::migrate::Migrator;
use tokio::sync::broadcast;
use tonic::service::Routes;
use types::id::GenerationId;

use progress::Progress;

/// The tables this service owns.
pub static MIGRATIONS: Migrator = sqlx::migrate!();

/// The name of the schema, and of the source of events.
const SCHEMA: &str = "generation";

/// How long a job stays taken after its process died, unless told otherwise.
const JOB_LEASE: Duration = Duration::from_secs(30);

/// How often old answers are forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(3600);

/// What generation needs to run.
#[derive(Clone, Debug, clap::Parser)]
#[group(skip)]
#[command(name = "generation", about = "From a shot to predictions")]
pub struct Config {
    #[command(flatten)]
    pub server: server::Config,

    #[command(flatten)]
    pub database: pg::Config,

    #[command(flatten)]
    pub events: events::Config,

    #[command(flatten)]
    pub callees: Callees,

    /// How long a job stays taken after its process died.
    #[arg(long, env, value_parser = humantime::parse_duration, default_value = "30s")]
    pub job_lease: Duration,
}

/// Where the services are that generation calls.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Callees {
    /// Where catalog answers.
    #[arg(long, env)]
    pub catalog_url: String,

    /// Where shooting answers.
    #[arg(long, env)]
    pub shooting_url: String,

    /// Where media answers.
    #[arg(long, env)]
    pub media_url: String,

    /// Where compute answers.
    #[arg(long, env)]
    pub compute_url: String,
}

/// The services that generation calls.
#[derive(Clone, Debug)]
pub(crate) struct Clients {
    products: ProductServiceClient<Channel>,
    subjects: SubjectServiceClient<Channel>,
    styles: StyleServiceClient<Channel>,
    guidelines: GuidelineServiceClient<Channel>,
    shot_types: ShotTypeServiceClient<Channel>,
    shots: ShotServiceClient<Channel>,
    media: MediaServiceClient<Channel>,
    workspace: WorkspaceServiceClient<Channel>,
    workflows: WorkflowServiceClient<Channel>,
    tasks: TaskServiceClient<Channel>,
    routes: RouteServiceClient<Channel>,
}

/// The service, ready to answer.
#[derive(Clone, Debug)]
pub struct Generation {
    db: PgPool,
    mesh: Mesh,
    clients: Clients,
    outbox: Outbox,
    queue: Queue,
    progress: Arc<Progress>,
    job_lease: Duration,
    /// Generations that changed, for those who watch them.
    changes: broadcast::Sender<GenerationId>,
}

impl Generation {
    /// Returns the service on the tables of `db`, which calls `callees`.
    pub fn new(db: PgPool, mesh: &Mesh, callees: &Callees) -> Result<Self, server::Error> {
        let catalog = mesh.channel(&callees.catalog_url)?;
        let media = mesh.channel(&callees.media_url)?;
        let compute = mesh.channel(&callees.compute_url)?;
        let clients = Clients {
            products: ProductServiceClient::new(catalog.clone()),
            subjects: SubjectServiceClient::new(catalog.clone()),
            styles: StyleServiceClient::new(catalog.clone()),
            guidelines: GuidelineServiceClient::new(catalog.clone()),
            shot_types: ShotTypeServiceClient::new(catalog),
            shots: ShotServiceClient::new(mesh.channel(&callees.shooting_url)?),
            media: MediaServiceClient::new(media.clone()),
            workspace: WorkspaceServiceClient::new(media),
            workflows: WorkflowServiceClient::new(compute.clone()),
            tasks: TaskServiceClient::new(compute.clone()),
            routes: RouteServiceClient::new(compute),
        };
        Ok(Self {
            db,
            mesh: mesh.clone(),
            clients,
            outbox: Outbox::new(SCHEMA),
            queue: Queue::new(SCHEMA),
            progress: Arc::default(),
            job_lease: JOB_LEASE,
            changes: broadcast::Sender::new(1024),
        })
    }

    /// Lets jobs stay taken for `lease` after their process died.
    pub fn with_job_lease(mut self, lease: Duration) -> Self {
        self.job_lease = lease;
        self
    }

    /// Everything generation answers to.
    pub fn routes(&self) -> Routes {
        Routes::new(GenerationServiceServer::new(self.clone()))
            .add_service(PredictionServiceServer::new(self.clone()))
    }

    /// Starts what generation does without being asked: it tells its own events, follows those of
    /// compute, and does its jobs.
    pub fn work(&self, stream: &Stream) {
        let (mesh, shutdown) = (&self.mesh, self.mesh.shutdown());
        let relay = Relay::new(self.outbox.clone(), self.db.clone(), stream.clone());
        mesh.spawn("relay", relay.run(shutdown.clone()));
        let follow = jobs::Follow::new(self.clone());
        let (outbox, db) = (self.outbox.clone(), self.db.clone());
        let consumer = Consumer::new("compute", outbox, db, stream.clone(), follow);
        mesh.spawn("consumer", consumer.run(shutdown.clone()));
        let worker = Worker::new(self.queue.clone(), self.db.clone(), self.clone())
            .lease(self.job_lease)
            .job::<jobs::Submit>()
            .job::<jobs::Cancel>()
            .job::<jobs::Collect>()
            .periodic(&jobs::Forget {}, FORGET_EVERY);
        mesh.spawn("jobs", worker.run(shutdown.clone()));
        mesh.spawn("progress", jobs::progress(self.clone(), stream.clone(), shutdown));
    }

    /// Tells those who watch that `id` changed.
    pub(crate) fn changed(&self, id: GenerationId) {
        // Fails if nobody watches.
        let _ = self.changes.send(id);
    }
}

/// Runs generation until the process is told to stop.
pub async fn serve(config: Config) -> Result<(), server::Error> {
    let db = pg::open(&config.database, &MIGRATIONS).await?;
    let mesh = Mesh::join("generation", &config.server).await?;
    metric::describe();
    let generation = Generation::new(db, &mesh, &config.callees)?.with_job_lease(config.job_lease);
    generation.work(&config.events.open()?);
    mesh.serve(generation.routes()).await
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn settings_do_not_clash() {
        super::Config::command().debug_assert();
    }
}
