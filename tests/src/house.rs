//! All services, their stores, and a vendor.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;

use sqlx::PgPool;
use tempfile::TempDir;

use crate::process::Process;
use crate::{Actor, Result, Vendor};

/// The services, in the order they start.
pub const SERVICES: [&str; 9] = [
    "identity",
    "media",
    "provider-fal",
    "compute",
    "catalog",
    "shooting",
    "generation",
    "delivery",
    "gateway",
];
const SECRET: &str = "a secret of thirty-two characters and more";
const ACCESS_KEY: &str = "house";
const SECRET_KEY: &str = "house-secret-key";
const BUCKET: &str = "sartiq";

/// How a mesh differs from the usual one.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The database that all services share.
    pub database_url: String,
    /// The Redis that all services share.
    pub redis_url: String,
    /// How many times as long as a real vendor the sandbox takes.
    pub latency: f64,
    /// Further processes: what each is called, and the service that it runs.
    pub replicas: Vec<(&'static str, &'static str)>,
    /// Settings for all services; those that do not know one pass it over.
    pub settings: Vec<(&'static str, &'static str)>,
    /// Adapters beside that of fal: what each is called, and where it answers.
    pub providers: Vec<(&'static str, String)>,
}

/// What it takes to read the object store.
#[derive(Clone, Debug)]
pub struct Store {
    /// Where it answers.
    pub endpoint: String,
    /// The bucket.
    pub bucket: &'static str,
    /// The access key.
    pub access_key: &'static str,
    /// The secret that belongs to it.
    pub secret_key: &'static str,
}

/// A running mesh. Dropping it ends everything.
#[derive(Debug)]
pub struct House {
    /// Where the gateway answers.
    pub gateway: String,
    /// The vendor that it works with.
    pub vendor: Vendor,
    /// The tables of all services.
    pub db: PgPool,
    /// Where the object store answers.
    pub store: String,
    urls: BTreeMap<&'static str, String>,
    processes: BTreeMap<&'static str, Process>,
    bucket: Option<bucket::Running>,
    events: events::Config,
    folder: TempDir,
}

impl House {
    /// Starts everything on the database of `db`, and waits until it serves.
    pub async fn start(db: PgPool) -> Result<Self> {
        Self::start_with(db, |_| Vec::new()).await
    }

    /// Starts everything, each service with what `extra` adds to its environment.
    pub async fn start_with(
        db: PgPool,
        extra: impl Fn(&str) -> Vec<(&'static str, String)>,
    ) -> Result<Self> {
        let setup = Setup {
            database_url: database_url(&db),
            redis_url: redis_url(),
            latency: 0.3,
            replicas: Vec::new(),
            settings: Vec::new(),
            providers: Vec::new(),
        };
        Self::start_as(db, setup, extra).await
    }

    /// Starts everything as `setup` says, and waits until it serves.
    pub async fn start_as(
        db: PgPool,
        setup: Setup,
        extra: impl Fn(&str) -> Vec<(&'static str, String)>,
    ) -> Result<Self> {
        let folder = TempDir::new()?;
        let logs = folder.path().join("logs");
        std::fs::create_dir_all(&logs)?;
        let vendor = Vendor::start(setup.latency).await?;
        let bucket = bucket::start(bucket::Config {
            listen_addr: "127.0.0.1:0".parse()?,
            root: folder.path().join("bucket"),
            access_key: ACCESS_KEY.to_owned(),
            secret_key: SECRET_KEY.to_owned().into(),
            buckets: vec![BUCKET.to_owned()],
        })
        .await?;
        let store = bucket.endpoint();
        let mut members: Vec<_> = SERVICES.map(|it| (it, it)).into();
        members.extend(&setup.replicas);
        let urls = members.iter().map(|(name, _)| Ok((*name, format!("http://{}", address()?))));
        let urls = urls.collect::<Result<BTreeMap<_, _>>>()?;
        // Ports come back; what an earlier mesh left in Redis under a name must not.
        let prefix = format!("{}:", uuid::Uuid::new_v4());
        let events = events::Config {
            redis_url: setup.redis_url.clone().into(),
            redis_prefix: prefix.clone(),
        };
        let plan = Plan { urls: &urls, setup: &setup, store: &store, vendor: &vendor, prefix };
        let mut processes = BTreeMap::new();
        for (name, service) in members {
            let mut env = plan.env(name, service);
            env.extend(extra(name).into_iter().map(|(key, value)| (key.to_owned(), value)));
            let mut process = Process::new(name, service, env, &logs);
            process.start()?;
            processes.insert(name, process);
        }
        for process in processes.values_mut() {
            process.is_serving().await?;
        }
        let gateway = urls["gateway"].clone();
        let bucket = Some(bucket);
        Ok(Self { gateway, vendor, db, store, urls, processes, bucket, events, folder })
    }

    /// Where a service answers by itself.
    pub fn url(&self, service: &str) -> &str {
        &self.urls[service]
    }

    /// What a service proves itself with.
    pub fn service_key(service: &str) -> String {
        service_key(service)
    }

    /// Where the streams of events are.
    pub fn events(&self) -> &events::Config {
        &self.events
    }

    /// The process that a service is.
    pub fn pid(&self, service: &str) -> Result<u32> {
        self.processes.get(service).ok_or("no such service")?.pid()
    }

    /// What the processes are called.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.processes.keys().copied().collect::<Vec<_>>().into_iter()
    }

    /// Kills a service as a crash would.
    pub async fn kill(&mut self, service: &str) -> Result {
        self.processes.get_mut(service).ok_or("no such service")?.kill().await
    }

    /// Ends a service as an operator would: it has its time to say goodbye.
    pub async fn stop(&mut self, service: &str) -> Result {
        self.processes.get_mut(service).ok_or("no such service")?.stop().await
    }

    /// Starts a killed service again, and waits until it serves.
    pub async fn restart(&mut self, service: &str) -> Result {
        let process = self.processes.get_mut(service).ok_or("no such service")?;
        process.start()?;
        process.is_serving().await
    }

    /// Stops a service in the middle of whatever it does, until it is thawed.
    pub async fn freeze(&self, service: &str) -> Result {
        self.processes.get(service).ok_or("no such service")?.signal("STOP").await
    }

    /// Lets a frozen service go on, and waits until it serves.
    pub async fn thaw(&mut self, service: &str) -> Result {
        let process = self.processes.get_mut(service).ok_or("no such service")?;
        process.signal("CONT").await?;
        process.is_serving().await
    }

    /// The services that ended by themselves, and how. They are started again.
    pub async fn restart_ended(&mut self) -> Result<Vec<String>> {
        let mut ended = Vec::new();
        for (name, process) in &mut self.processes {
            if let Some(status) = process.ended()? {
                ended.push(format!("{name} ended with {status}: {}", tail(&process.log())));
                process.start()?;
                process.is_serving().await?;
            }
        }
        Ok(ended)
    }

    /// Waits until all services serve.
    pub async fn is_serving(&mut self) -> Result {
        for process in self.processes.values_mut() {
            process.is_serving().await?;
        }
        Ok(())
    }

    /// Lets the object store refuse to be changed, or take changes again.
    pub fn refuse_writes(&self, refuses: bool) {
        if let Some(bucket) = &self.bucket {
            bucket.refuse_writes(refuses);
        }
    }

    /// What it takes to read the object store.
    pub fn keys(&self) -> Store {
        let endpoint = self.store.clone();
        Store { endpoint, bucket: BUCKET, access_key: ACCESS_KEY, secret_key: SECRET_KEY }
    }

    /// What a service has logged.
    pub fn log(&self, service: &str) -> String {
        self.processes.get(service).map(Process::log).unwrap_or_default()
    }

    /// Signs up somebody with an organization of their own.
    pub async fn owner(&self, name: &str) -> Result<Actor> {
        Actor::sign_up(self, name).await
    }

    /// A folder that is gone with the mesh.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for (name, process) in &self.processes {
                eprintln!("--- {name}\n{}", tail(&process.log()));
            }
        }
        drop(self.bucket.take());
    }
}

/// What the environments of the services are made of.
struct Plan<'a> {
    urls: &'a BTreeMap<&'static str, String>,
    setup: &'a Setup,
    store: &'a str,
    vendor: &'a Vendor,
    prefix: String,
}

impl Plan<'_> {
    fn env(&self, name: &str, service: &str) -> BTreeMap<String, String> {
        let mut env = BTreeMap::new();
        let mut set = |key: &str, value: &str| env.insert(key.to_owned(), value.to_owned());
        set("LISTEN_ADDR", self.urls[name].trim_start_matches("http://"));
        set("SERVICE_KEY", &service_key(service));
        set("DATABASE_URL", &self.setup.database_url);
        set("DATABASE_CONNECTIONS", "6");
        set("REDIS_URL", &self.setup.redis_url);
        // Tests share a Redis; each mesh has keys of its own.
        set("REDIS_PREFIX", &self.prefix);
        set("KEY_SECRET", SECRET);
        set("DRAIN_TIMEOUT", "2s");
        for (callee, url) in self.urls {
            set(&format!("{}_URL", callee.to_uppercase().replace('-', "_")), url);
        }
        let keys: Vec<_> = SERVICES.map(|it| format!("{it}={}", service_key(it))).into();
        set("SERVICE_KEYS", &keys.join(","));
        let mut providers = vec![format!("fal={}", self.urls["provider-fal"])];
        providers.extend(self.setup.providers.iter().map(|(name, url)| format!("{name}={url}")));
        set("PROVIDERS", &providers.join(","));
        set("S3_ENDPOINT_URL", self.store);
        set("S3_ACCESS_KEY", ACCESS_KEY);
        set("S3_SECRET_KEY", SECRET_KEY);
        set("S3_BUCKET", BUCKET);
        set("STORE_URLS", self.store);
        set("ALLOW_PRIVATE_TARGETS", "true");
        set("FAL_KEY", Vendor::KEY);
        set("FAL_QUEUE_URL", &format!("{}/queue", self.vendor.url()));
        set("FAL_RUN_URL", &format!("{}/run", self.vendor.url()));
        set("FAL_REST_URL", &format!("{}/rest", self.vendor.url()));
        for (name, value) in &self.setup.settings {
            set(name, value);
        }
        env
    }
}

/// Secrets that services of a mesh know, and nobody else may learn.
pub fn secrets() -> Vec<String> {
    let keys = SERVICES.iter().map(|it| service_key(it));
    keys.chain([SECRET, SECRET_KEY, Vendor::KEY].map(str::to_owned)).collect()
}

fn service_key(name: &str) -> String {
    format!("the-key-of-{name}-long-enough")
}

/// An address that nobody listens on.
pub fn free_address() -> Result<std::net::SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// An address that stays free while its service is down: below the ports that outgoing connections
/// are given.
fn address() -> Result<SocketAddr> {
    use std::sync::atomic::{AtomicU16, Ordering};
    const FIRST: u16 = 20_000;
    const SPAN: u16 = 10_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Tests that run at the same time begin at different places.
    let start = u16::try_from(std::process::id() * 37 % u32::from(SPAN))?;
    for _ in 0..SPAN {
        let port = FIRST + (start + NEXT.fetch_add(1, Ordering::Relaxed)) % SPAN;
        if let Ok(listener) = TcpListener::bind(("127.0.0.1", port)) {
            return Ok(listener.local_addr()?);
        }
    }
    Err("there is no free port".into())
}

/// The URL of the database that the test was given.
fn database_url(db: &PgPool) -> String {
    let options = db.connect_options();
    let name = options.get_database().unwrap_or("postgres");
    let base = variable("DATABASE_URL").unwrap_or_default();
    match base.rsplit_once('/') {
        Some((server, _)) => format!("{server}/{name}"),
        None => base,
    }
}

fn redis_url() -> String {
    variable("REDIS_URL").unwrap_or_else(|| "redis://127.0.0.1:6379".to_owned())
}

fn variable(name: &str) -> Option<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "tests are told by the environment where stores are"
    )]
    std::env::var(name).ok()
}

fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}
