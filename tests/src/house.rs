//! All services, their stores, and a vendor.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::PathBuf;

use sqlx::PgPool;
use tempfile::TempDir;

use crate::process::Process;
use crate::{Actor, Result, Vendor};

/// The services, in the order they start.
const SERVICES: [&str; 9] = [
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
    folder: TempDir,
}

impl House {
    /// Starts everything on the database of `db`, and waits until it serves.
    pub async fn start(db: PgPool) -> Result<Self> {
        let folder = TempDir::new()?;
        let logs = folder.path().join("logs");
        std::fs::create_dir_all(&logs)?;
        let vendor = Vendor::start().await?;
        let bucket = bucket::start(bucket::Config {
            listen_addr: "127.0.0.1:0".parse()?,
            root: folder.path().join("bucket"),
            access_key: ACCESS_KEY.to_owned(),
            secret_key: SECRET_KEY.to_owned().into(),
            buckets: vec![BUCKET.to_owned()],
        })
        .await?;
        let store = bucket.endpoint();
        let urls = SERVICES.map(|name| Ok((name, format!("http://{}", free_address()?))));
        let urls = urls.into_iter().collect::<Result<BTreeMap<_, _>>>()?;
        let plan =
            Plan { urls: &urls, database: database_url(&db), store: &store, vendor: &vendor };
        let mut processes = BTreeMap::new();
        for name in SERVICES {
            let mut process = Process::new(name, plan.env(name), &logs);
            process.start()?;
            processes.insert(name, process);
        }
        for process in processes.values_mut() {
            process.is_serving().await?;
        }
        let gateway = urls["gateway"].clone();
        Ok(Self { gateway, vendor, db, store, urls, processes, bucket: Some(bucket), folder })
    }

    /// Where a service answers by itself.
    pub fn url(&self, service: &str) -> &str {
        &self.urls[service]
    }

    /// Kills a service as a crash would.
    pub async fn kill(&mut self, service: &str) -> Result {
        self.processes.get_mut(service).ok_or("no such service")?.kill().await
    }

    /// Starts a killed service again, and waits until it serves.
    pub async fn restart(&mut self, service: &str) -> Result {
        let process = self.processes.get_mut(service).ok_or("no such service")?;
        process.start()?;
        process.is_serving().await
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
    database: String,
    store: &'a str,
    vendor: &'a Vendor,
}

impl Plan<'_> {
    fn env(&self, name: &str) -> BTreeMap<String, String> {
        let mut env = BTreeMap::new();
        let mut set = |key: &str, value: &str| env.insert(key.to_owned(), value.to_owned());
        set("LISTEN_ADDR", self.urls[name].trim_start_matches("http://"));
        set("SERVICE_KEY", &service_key(name));
        set("DATABASE_URL", &self.database);
        set("DATABASE_CONNECTIONS", "6");
        set("REDIS_URL", &redis_url());
        // Tests share a Redis; each mesh has keys of its own.
        set("REDIS_PREFIX", &format!("{}:", self.urls["gateway"]));
        set("KEY_SECRET", SECRET);
        set("DRAIN_TIMEOUT", "2s");
        for (callee, url) in self.urls {
            set(&format!("{}_URL", callee.to_uppercase().replace('-', "_")), url);
        }
        let keys: Vec<_> = SERVICES.map(|it| format!("{it}={}", service_key(it))).into();
        set("SERVICE_KEYS", &keys.join(","));
        set("PROVIDERS", &format!("fal={}", self.urls["provider-fal"]));
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
        env
    }
}

fn service_key(name: &str) -> String {
    format!("the-key-of-{name}-long-enough")
}

fn free_address() -> Result<std::net::SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
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
