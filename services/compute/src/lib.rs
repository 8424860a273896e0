//! The durable engine: runs graphs of tasks on the models of providers, whatever crashes.

mod attempt;
mod demand;
mod engine;
mod error;
mod graph;
mod lane;
mod price;
mod prompt;
mod queue;
mod retry;
mod route;
mod rpc;
mod store;
mod task;
mod workflow;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use api::sartiq::compute::v1::route_service_server::RouteServiceServer;
use api::sartiq::compute::v1::task_service_server::TaskServiceServer;
use api::sartiq::compute::v1::workflow_service_server::WorkflowServiceServer;
use events::{Outbox, Progress, Relay};
use server::Mesh;
use sqlx::PgPool;
use sqlx::migrate::Migrator;
use tonic::service::Routes;

use engine::{Acceptor, Engine, Providers, Wakes};

/// The tables this service owns.
pub static MIGRATIONS: Migrator = sqlx::migrate!();

/// What the engine needs to run.
#[derive(Clone, Debug, clap::Parser)]
#[group(skip)]
pub struct Config {
    /// How the process takes part in the mesh.
    #[command(flatten)]
    pub server: server::Config,

    /// Where workflows are kept.
    #[command(flatten)]
    pub database: pg::Config,

    /// Where events are passed on.
    #[command(flatten)]
    pub events: events::Config,

    /// How the engine behaves.
    #[command(flatten)]
    pub settings: Settings,

    /// Where and for whom the scaler answers.
    #[command(flatten)]
    pub scaler: ScalerConfig,
}

/// Where KEDA asks how many adapters are worth having, and how it proves to be KEDA.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(skip)]
pub struct ScalerConfig {
    /// The address to answer KEDA on. Without one there is no scaler.
    #[arg(long, env)]
    pub scaler_listen_addr: Option<SocketAddr>,

    /// A file with the scaler's certificate. Not needed on an address of this machine alone.
    #[arg(long, env, requires = "scaler_tls_key")]
    pub scaler_tls_cert: Option<PathBuf>,

    /// A file with the key of the scaler's certificate.
    #[arg(long, env, requires = "scaler_client_ca")]
    pub scaler_tls_key: Option<PathBuf>,

    /// A file with the authority whose certificates callers of the scaler must present.
    #[arg(long, env, requires = "scaler_tls_cert")]
    pub scaler_client_ca: Option<PathBuf>,
}

/// How the engine behaves.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Settings {
    /// The adapters, the preferred one first: `fal=http://127.0.0.1:4410,acme=http://…`.
    #[arg(long, env, default_value = "", value_parser = engine::parse_providers)]
    pub providers: ProviderList,

    /// How long a process that dispatches may be silent before another takes over.
    #[arg(long, env = "DISPATCH_LEASE", value_parser = humantime::parse_duration, default_value = "4s")]
    pub lease: Duration,

    /// How much longer than its time a run may take to say so, before it is cancelled from here.
    #[arg(long, env = "TIMEOUT_GRACE", value_parser = humantime::parse_duration, default_value = "10s")]
    pub grace: Duration,
}

impl Default for Settings {
    /// Returns the defaults, without providers.
    fn default() -> Self {
        Self {
            providers: ProviderList::default(),
            lease: Duration::from_secs(4),
            grace: Duration::from_secs(10),
        }
    }
}

/// The names of adapters and where they answer, the preferred one first.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ProviderList(pub Vec<(String, String)>);

/// The service, ready to answer.
#[derive(Clone, Debug)]
pub struct Compute {
    db: PgPool,
    outbox: Outbox,
    engine: Engine,
    acceptor: Acceptor,
}

impl Compute {
    /// Starts the engine and everything that runs beside the calls, as tasks of `mesh`.
    pub fn start(
        mesh: &Mesh,
        db: PgPool,
        events: &events::Config,
        settings: Settings,
    ) -> Result<Self, server::Error> {
        let outbox = Outbox::new("compute");
        let stream = events.open()?;
        let wakes = Wakes::open(events)?;
        let (progress, carry) = Progress::new("compute", stream.clone(), mesh.shutdown());
        let channels = settings
            .providers
            .0
            .iter()
            .map(|(name, url)| Ok::<_, server::Error>((name.clone(), mesh.channel(url)?)));
        let providers = Providers::new(channels.collect::<Result<_, _>>()?);
        let relay = Relay::new(outbox.clone(), db.clone(), stream);
        let engine = Engine::new(
            db.clone(),
            outbox.clone(),
            progress,
            providers.clone(),
            wakes.clone(),
            settings,
        );
        mesh.spawn("progress", carry);
        mesh.spawn("relay", relay.run(mesh.shutdown()));
        mesh.spawn("providers", providers.keep(db.clone(), mesh.shutdown()));
        mesh.spawn("wakes", wakes.carry(engine.clone(), mesh.shutdown()));
        mesh.spawn("engine", engine.clone().run(mesh.shutdown()));
        let acceptor = Acceptor::new(mesh, db.clone(), engine.clone());
        Ok(Self { db, outbox, engine, acceptor })
    }

    /// Answers KEDA, if `config` says where, and returns the address.
    pub async fn scale(
        &self,
        mesh: &Mesh,
        config: &ScalerConfig,
    ) -> Result<Option<SocketAddr>, server::Error> {
        rpc::open_scaler(self, mesh, config).await
    }

    /// Everything the engine answers to.
    pub fn routes(self) -> Routes {
        let limit = server::MAX_RECEIVE;
        let workflows = WorkflowServiceServer::new(self.clone()).max_decoding_message_size(limit);
        let tasks = TaskServiceServer::new(self.clone()).max_decoding_message_size(limit);
        let routes = RouteServiceServer::new(self).max_decoding_message_size(limit);
        Routes::new(workflows).add_service(tasks).add_service(routes)
    }
}

/// Runs the engine until the process is told to stop.
pub async fn serve(config: Config) -> Result<(), server::Error> {
    let db = pg::open(&config.database, &MIGRATIONS).await?;
    let mesh = Mesh::join("compute", &config.server).await?;
    let compute = Compute::start(&mesh, db, &config.events, config.settings)?;
    compute.scale(&mesh, &config.scaler).await?;
    mesh.serve(compute.routes()).await
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::Config;

    #[test]
    fn settings_do_not_clash() {
        Config::command().debug_assert();
    }

    #[test]
    fn providers_are_named_once() {
        let parse = |text: &str| {
            let arguments = ["compute", "--database-url", "postgres://x", "--providers", text];
            Config::try_parse_from(arguments).map(|it| it.settings.providers.0)
        };
        let list = parse("fal=http://a:1, acme=http://b:2").map_err(|it| it.to_string());
        let pair = |name: &str, url: &str| (name.to_owned(), url.to_owned());
        assert_eq!(list, Ok(vec![pair("fal", "http://a:1"), pair("acme", "http://b:2")]));
        assert!(parse("fal=http://a,fal=http://b").is_err());
        assert!(parse("fal").is_err());
    }
}
