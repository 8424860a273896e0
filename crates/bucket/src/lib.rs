//! An S3-compatible object store in one process, for development and tests.
//!
//! The protocol (signatures, XML, presigned URLs) is `s3s`; the storage is ours: immutable blobs
//! beside one small JSON file per object, and an index in memory. A process that is killed loses
//! nothing that it answered for; the machine's own crash is not covered, since nothing is fsynced.

mod blob;
mod disk;
mod http;
mod key;
mod list;
mod object;
mod s3;
mod upload;

use std::{
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use secrecy::SecretString;
use tokio::{net::TcpListener, task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::disk::Disk;

/// How long a stop waits for transfers that are under way.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the store needs to run.
#[derive(Clone, Debug, clap::Parser)]
#[command(about = "An S3-compatible object store for development and tests")]
#[group(skip)]
pub struct Config {
    /// The address to listen on; port 0 picks a free one.
    #[arg(long, env, default_value = "127.0.0.1:4490")]
    pub listen_addr: SocketAddr,

    /// The folder that holds the buckets; made if absent.
    #[arg(long = "root", id = "root", env = "BUCKET_ROOT")]
    pub root: PathBuf,

    /// The one access key that is known.
    #[arg(long = "access-key", id = "access_key", env = "S3_ACCESS_KEY")]
    pub access_key: String,

    /// The secret that belongs to the access key.
    #[arg(long = "secret-key", id = "secret_key", env = "S3_SECRET_KEY", hide_env_values = true)]
    pub secret_key: SecretString,

    /// The buckets that exist from the start, separated by commas.
    #[arg(long, env, value_delimiter = ',')]
    pub buckets: Vec<String>,
}

/// Why the store does not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The port is taken, or the address is not this machine's.
    #[error("cannot listen on {0}")]
    Listen(SocketAddr, #[source] io::Error),

    /// The folder cannot be used.
    #[error("cannot use the folder `{0}`")]
    Root(PathBuf, #[source] io::Error),

    /// S3 does not allow such a name.
    #[error("`{0}` is not a bucket name")]
    BucketName(String),
}

/// A store that answers until it is stopped or dropped.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub addr: SocketAddr,
    refuses: Arc<AtomicBool>,
    stop: CancellationToken,
    tasks: JoinSet<io::Result<()>>,
}

/// Opens the folder, makes the buckets and begins to answer.
pub async fn start(config: Config) -> Result<Running, Error> {
    let disk =
        Disk::open(&config.root).await.map_err(|error| Error::Root(config.root.clone(), error))?;
    for name in &config.buckets {
        if !s3s::path::check_bucket_name(name) {
            return Err(Error::BucketName(name.clone()));
        }
        disk.create(name).await.map_err(|error| Error::Root(config.root.join(name), error))?;
    }

    let listener = TcpListener::bind(config.listen_addr)
        .await
        .map_err(|error| Error::Listen(config.listen_addr, error))?;
    let addr = listener.local_addr().map_err(|error| Error::Listen(config.listen_addr, error))?;

    let stop = CancellationToken::new();
    let stopped = stop.clone().cancelled_owned();
    let refuses = Arc::new(AtomicBool::new(false));
    let router =
        http::router(Arc::new(disk), &config.access_key, &config.secret_key, refuses.clone());
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { axum::serve(listener, router).with_graceful_shutdown(stopped).await });
    Ok(Running { addr, refuses, stop, tasks })
}

impl Running {
    /// The address for an S3 client's `endpoint_url`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Lets it refuse all that would change something, as an overloaded store does, or take it again.
    pub fn refuse_writes(&self, refuses: bool) {
        self.refuses.store(refuses, Ordering::Relaxed);
    }

    /// Stops accepting, lets transfers finish for a few seconds, then ends them.
    pub async fn stop(mut self) {
        self.stop.cancel();
        if timeout(PATIENCE, self.tasks.join_next()).await.is_err() {
            self.tasks.shutdown().await;
        }
    }
}
