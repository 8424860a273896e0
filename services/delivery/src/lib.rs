//! Delivery: approved images on their way out.
//!
//! An export fixes which pictures go out when it is created, and a job brings them there: into a zip that
//! can be downloaded, or into a bucket of the customer. Every item ends with a receipt or a problem.

mod archive;
mod bucket;
mod error;
mod export;
mod field;
mod filename;
mod format;
mod item;
mod jobs;
mod metric;
mod rpc;
mod secret;
mod store;
mod target;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ::jobs::{Queue, Worker};
use api::sartiq::delivery::v1::export_service_server::ExportServiceServer;
use api::sartiq::delivery::v1::target_service_server::TargetServiceServer;
use api::sartiq::generation::v1::prediction_service_client::PredictionServiceClient;
use api::sartiq::media::v1::media_service_client::MediaServiceClient;
use api::sartiq::media::v1::workspace_service_client::WorkspaceServiceClient;
use api::sartiq::shooting::v1::shot_service_client::ShotServiceClient;
use events::{Outbox, Progress, Relay, Stream};
use secrecy::{ExposeSecret, SecretString};
use server::{Channel, Mesh};
use sqlx::PgPool;
use sqlx::migrate::Migrator;
use tonic::service::Routes;
use url::Url;

use crate::bucket::Buckets;
use crate::secret::Seal;

/// The tables this service owns.
pub static MIGRATIONS: Migrator = sqlx::migrate!();

/// The name of the schema, and of the source of events.
const SCHEMA: &str = "delivery";

/// How long one exchange with our own store may take: a zip may be large.
const STORE_TIMEOUT: Duration = Duration::from_secs(60 * 60);

/// How often answers are forgotten that nobody asks for again.
const FORGET_EVERY: Duration = Duration::from_secs(60 * 60);

/// What delivery needs to run.
#[derive(Clone, Debug, clap::Parser)]
#[group(skip)]
#[command(name = "delivery", about = "Approved images on their way out")]
pub struct Config {
    #[command(flatten)]
    pub server: server::Config,

    #[command(flatten)]
    pub database: pg::Config,

    #[command(flatten)]
    pub events: events::Config,

    #[command(flatten)]
    pub settings: Settings,
}

/// What only delivery needs.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Settings {
    /// Where shooting answers.
    #[arg(long, env)]
    pub shooting_url: String,

    /// Where generation answers.
    #[arg(long, env)]
    pub generation_url: String,

    /// Where media answers.
    #[arg(long, env)]
    pub media_url: String,

    /// What the secrets of targets are encrypted with. At least 32 characters, the same for every replica.
    #[arg(long, env, hide_env_values = true)]
    pub key_secret: SecretString,

    /// The addresses that media signs URLs for. Only needed where the object store is private.
    #[arg(long, env, value_delimiter = ',')]
    pub store_urls: Vec<Url>,

    /// Lets targets have private addresses and speak plain HTTP. For development machines alone.
    #[arg(long, env)]
    pub allow_private_targets: bool,

    /// How many exports to deliver at the same time. Each holds one picture in memory.
    #[arg(long, env, default_value_t = 2)]
    pub deliveries: usize,
}

/// The services that delivery calls.
#[derive(Clone, Debug)]
pub(crate) struct Clients {
    shots: ShotServiceClient<Channel>,
    predictions: PredictionServiceClient<Channel>,
    media: MediaServiceClient<Channel>,
    workspace: WorkspaceServiceClient<Channel>,
}

/// The service, ready to answer.
#[derive(Clone, Debug)]
pub struct Delivery {
    db: PgPool,
    mesh: Mesh,
    clients: Clients,
    outbox: Outbox,
    queue: Queue,
    /// Set once there is somebody to tell.
    progress: Arc<OnceLock<Progress>>,
    seal: Seal,
    /// The way to our own store, by URLs that media signed.
    http: fetch::Client,
    buckets: Buckets,
    deliveries: usize,
}

impl Delivery {
    /// Returns the service on the tables of `db`.
    pub fn new(db: PgPool, mesh: &Mesh, settings: &Settings) -> Result<Self, server::Error> {
        let media = mesh.channel(&settings.media_url)?;
        let clients = Clients {
            shots: ShotServiceClient::new(mesh.channel(&settings.shooting_url)?),
            predictions: PredictionServiceClient::new(mesh.channel(&settings.generation_url)?),
            media: MediaServiceClient::new(media.clone()),
            workspace: WorkspaceServiceClient::new(media),
        };
        let policy = fetch::Policy {
            trusted: settings.store_urls.clone(),
            max_bytes: format::MAX_BYTES,
            timeout: STORE_TIMEOUT,
            ..fetch::Policy::default()
        };
        Ok(Self {
            db,
            mesh: mesh.clone(),
            clients,
            outbox: Outbox::new(SCHEMA),
            queue: Queue::new(SCHEMA),
            progress: Arc::default(),
            seal: settings.key_secret.expose_secret().parse::<Seal>()?,
            http: fetch::Client::new(policy)?,
            buckets: Buckets::new(settings.allow_private_targets),
            deliveries: settings.deliveries,
        })
    }

    /// Everything delivery answers to.
    pub fn routes(&self) -> Routes {
        Routes::new(ExportServiceServer::new(self.clone()))
            .add_service(TargetServiceServer::new(self.clone()))
    }

    /// Starts what delivery does without being asked: it tells its events, and does its jobs.
    pub fn work(&self, stream: &Stream) {
        let (mesh, shutdown) = (&self.mesh, self.mesh.shutdown());
        let relay = Relay::new(self.outbox.clone(), self.db.clone(), stream.clone());
        mesh.spawn("relay", relay.run(shutdown.clone()));
        let (progress, carry) = Progress::new(SCHEMA, stream.clone(), shutdown.clone());
        if self.progress.set(progress).is_ok() {
            mesh.spawn("progress", carry);
        }
        let worker = Worker::new(self.queue.clone(), self.db.clone(), self.clone())
            .job::<jobs::Deliver>()
            .periodic(&jobs::Forget {}, FORGET_EVERY)
            .concurrency(self.deliveries)
            // What is dropped is delivered by the next one to take it over; waiting gains little.
            .patience(Duration::from_secs(2));
        mesh.spawn("jobs", worker.run(shutdown));
    }
}

/// Runs delivery until the process is told to stop.
pub async fn serve(config: Config) -> Result<(), server::Error> {
    let db = pg::open(&config.database, &MIGRATIONS).await?;
    let mesh = Mesh::join("delivery", &config.server).await?;
    metric::describe();
    let delivery = Delivery::new(db, &mesh, &config.settings)?;
    delivery.work(&config.events.open()?);
    mesh.serve(delivery.routes()).await
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn settings_do_not_clash() {
        super::Config::command().debug_assert();
    }
}
