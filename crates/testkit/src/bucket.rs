//! Object storage, in this process.

use std::net::{Ipv4Addr, SocketAddr};

use ::bucket::{Config, Running};
use tempfile::TempDir;

/// The bucket that exists from the start.
const NAME: &str = "media";
const ACCESS_KEY: &str = "test";
const SECRET_KEY: &str = "test-secret";

/// An object store that lasts as long as this value.
#[derive(Debug)]
pub struct Bucket {
    /// Where it answers, as an S3 client's `endpoint_url`.
    pub endpoint: String,
    /// The bucket that exists.
    pub name: String,
    /// The access key that it knows.
    pub access_key: String,
    /// The secret of that key.
    pub secret_key: String,
    _running: Running,
    _root: TempDir,
}

/// Starts an empty object store on a port of its own.
pub async fn bucket() -> Bucket {
    let root = tempfile::tempdir().expect("a temporary folder");
    let config = Config {
        listen_addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        root: root.path().to_owned(),
        access_key: ACCESS_KEY.to_owned(),
        secret_key: SECRET_KEY.to_owned().into(),
        buckets: vec![NAME.to_owned()],
    };
    let running = ::bucket::start(config).await.expect("a store");
    Bucket {
        endpoint: running.endpoint(),
        name: NAME.to_owned(),
        access_key: ACCESS_KEY.to_owned(),
        secret_key: SECRET_KEY.to_owned(),
        _running: running,
        _root: root,
    }
}
