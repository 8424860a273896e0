//! Where state is kept: what the environment names, else private servers in the data folder.

use std::env;
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::folder::Folder;
use crate::health::Health;
use crate::packages::{self, Program};
use crate::ports::Ports;
use crate::postgres::Postgres;
use crate::process::Spec;
use crate::redis;
use crate::secrets::Book;
use crate::services::SERVICES;

/// The bucket's name where it is ours.
const BUCKET: &str = "sartiq";

/// How long a server that the environment names may take to be reached.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the environment names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Given {
    pub(crate) database_url: Option<String>,
    pub(crate) redis_url: Option<String>,
    /// Endpoint, public endpoint, access key, secret key, bucket, region: `S3_…`.
    pub(crate) store: Option<Vec<(String, String)>>,
}

impl Given {
    /// Reads the environment.
    pub(crate) fn read() -> Result<Self> {
        let variable = |name: &str| env::var(name).ok().filter(|it| !it.is_empty());
        let store = match variable("S3_ENDPOINT_URL") {
            None => None,
            Some(endpoint) => {
                let mut store = vec![("S3_ENDPOINT_URL".to_owned(), endpoint)];
                for name in ["S3_ACCESS_KEY", "S3_SECRET_KEY", "S3_BUCKET"] {
                    let Some(value) = variable(name) else {
                        bail!("S3_ENDPOINT_URL is set, so {name} must be set too");
                    };
                    store.push((name.to_owned(), value));
                }
                for name in ["S3_PUBLIC_URL", "S3_REGION"] {
                    store.extend(variable(name).map(|it| (name.to_owned(), it)));
                }
                Some(store)
            }
        };
        let (database_url, redis_url) = (variable("DATABASE_URL"), variable("REDIS_URL"));
        Ok(Self { database_url, redis_url, store })
    }

    /// Finds out whether something answers where the environment points.
    pub(crate) fn check(&self) -> Result<()> {
        let endpoint = self.store.iter().flatten().find(|(name, _)| name == "S3_ENDPOINT_URL");
        let given = [
            ("DATABASE_URL", self.database_url.as_ref()),
            ("REDIS_URL", self.redis_url.as_ref()),
            ("S3_ENDPOINT_URL", endpoint.map(|(_, url)| url)),
        ];
        for (name, url) in given {
            let Some(url) = url else { continue };
            let Some(address) = address(url) else { bail!("{name} is not a URL") };
            let mut known = address
                .to_socket_addrs()
                .with_context(|| format!("{name} names a host that is not known: {address}"))?;
            if !known.any(|it| TcpStream::connect_timeout(&it, PATIENCE).is_ok()) {
                bail!("nothing answers at {address}, where {name} points");
            }
        }
        Ok(())
    }

    /// The programs that have to be on the machine for the rest.
    pub(crate) fn programs(&self) -> Vec<&'static Program> {
        let mut programs = Vec::new();
        if self.database_url.is_none() {
            programs.push(&packages::POSTGRES);
        }
        if self.redis_url.is_none() {
            programs.push(&packages::REDIS);
        }
        programs
    }
}

/// The stores, and the processes that some of them need.
#[derive(Debug)]
pub(crate) struct Stores {
    pub(crate) specs: Vec<Spec>,
    pub(crate) postgres: Option<Postgres>,
    given: Given,
    passwords: Vec<(&'static str, String)>,
    pub(crate) redis_url: String,
    pub(crate) store: Vec<(String, String)>,
}

impl Stores {
    /// Makes the files of those that are ours.
    pub(crate) fn prepare(
        folder: &Folder,
        given: Given,
        ports: &mut Ports,
        secrets: &mut Book,
        bucket: std::path::PathBuf,
        is_durable: bool,
    ) -> Result<Self> {
        let mut specs = Vec::new();
        let mut postgres = None;
        let mut passwords = Vec::new();
        if given.database_url.is_none() {
            for service in SERVICES.iter().filter(|it| it.database) {
                let name = format!("DATABASE_PASSWORD_{}", service.name.to_uppercase());
                passwords.push((service.name, secrets.secret(&name)?));
            }
            let password = secrets.secret("DATABASE_PASSWORD")?;
            let port = ports.of("postgres", 92)?;
            // Written before anything is made with it.
            secrets.save()?;
            let cluster = Postgres::prepare(&folder.path("postgres"), port, password)?;
            let mut spec = cluster.spec(folder.log("postgres"), is_durable)?;
            spec.pid = Some(folder.pid("postgres"));
            specs.push(spec);
            postgres = Some(cluster);
        }
        let redis_url = match &given.redis_url {
            Some(url) => url.clone(),
            None => {
                let port = ports.of("redis", 91)?;
                let mut spec = redis::spec(&folder.path("redis"), port, folder.log("redis"))?;
                spec.pid = Some(folder.pid("redis"));
                specs.push(spec);
                format!("redis://127.0.0.1:{port}")
            }
        };
        let store = match &given.store {
            Some(store) => store.clone(),
            None => {
                let (spec, store) = own_store(folder, ports, secrets, bucket)?;
                specs.push(spec);
                store
            }
        };
        Ok(Self { specs, postgres, given, passwords, redis_url, store })
    }

    /// Makes the roles, once PostgreSQL answers.
    pub(crate) fn grant(&self) -> Result<()> {
        match &self.postgres {
            Some(postgres) => postgres.grant(&self.passwords).context("cannot make the roles"),
            None => Ok(()),
        }
    }

    /// The database of a service: its own variable, the common one, or ours.
    pub(crate) fn database_url(&self, service: &str) -> String {
        let own = format!("{}_DATABASE_URL", service.to_uppercase());
        if let Ok(url) = env::var(own) {
            return url;
        }
        if let Some(url) = &self.given.database_url {
            return url.clone();
        }
        let password = self.passwords.iter().find(|(name, _)| *name == service);
        match (&self.postgres, password) {
            (Some(postgres), Some((role, password))) => postgres.url(role, password),
            _ => String::new(),
        }
    }
}

/// `host:port` of a URL.
fn address(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?']).next()?;
    let host = authority.rsplit('@').next().filter(|it| !it.is_empty())?;
    // A colon within brackets is part of an IPv6 address.
    if host.rsplit(']').next().is_some_and(|it| it.contains(':')) {
        return Some(host.to_owned());
    }
    let port = match scheme {
        "postgres" | "postgresql" => 5432,
        "redis" | "rediss" => 6379,
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    Some(format!("{host}:{port}"))
}

fn own_store(
    folder: &Folder,
    ports: &mut Ports,
    secrets: &mut Book,
    program: std::path::PathBuf,
) -> Result<(Spec, Vec<(String, String)>)> {
    let port = ports.of("bucket", 90)?;
    let (access_key, secret_key) =
        (secrets.secret("S3_ACCESS_KEY")?, secrets.secret("S3_SECRET_KEY")?);
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let url = format!("http://127.0.0.1:{port}");
    let spec = Spec {
        name: "bucket".to_owned(),
        program,
        arguments: Vec::new(),
        env: vec![
            pair("LISTEN_ADDR", &format!("127.0.0.1:{port}")),
            pair("BUCKET_ROOT", &folder.path("bucket").to_string_lossy()),
            pair("S3_ACCESS_KEY", &access_key),
            pair("S3_SECRET_KEY", &secret_key),
            pair("BUCKETS", BUCKET),
        ],
        user: None,
        log: folder.log("bucket"),
        pid: Some(folder.pid("bucket")),
        port,
        health: Health::Http("/-/health"),
        stop: "TERM",
    };
    let store = vec![
        pair("S3_ENDPOINT_URL", &url),
        pair("S3_PUBLIC_URL", &url),
        pair("S3_ACCESS_KEY", &access_key),
        pair("S3_SECRET_KEY", &secret_key),
        pair("S3_BUCKET", BUCKET),
    ];
    Ok((spec, store))
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn an_address_is_found_in_a_url() {
        let of = |url| address(url);
        assert_eq!(of("postgres://me:p@ss@db/x").as_deref(), Some("db:5432"));
        assert_eq!(of("redis://127.0.0.1:6399/1").as_deref(), Some("127.0.0.1:6399"));
        assert_eq!(of("https://[::1]/").as_deref(), Some("[::1]:443"));
        assert_eq!(of("http://[::1]:9000").as_deref(), Some("[::1]:9000"));
        assert_eq!(of("db:5432"), None);
        assert_eq!(of("ftp://db"), None);
    }
}
