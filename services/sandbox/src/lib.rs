//! The vendors' own protocols, played locally: real pictures with no key and no internet.
//!
//! One plain HTTP port speaks fal's protocol closely enough that the vendor's official Python and
//! JavaScript clients run against it unchanged but for the address. Pictures are composed from the
//! inputs: a garment that is sent in can be seen in what comes out.
//!
//! # Addresses
//!
//! A vendor has several hosts; the sandbox has one. What a request is meant for is told, in this
//! order, by the header `x-fal-target-url` (the JavaScript client's proxy mode), by a `Host` of the
//! vendor's, or by the first part of the path:
//!
//! | vendor's host | path here | what |
//! | --- | --- | --- |
//! | `queue.fal.run` | `/queue/…` | submit, status, status stream, result, cancel |
//! | `fal.run` | `/run/…` | synchronous run and `/stream` |
//! | `rest.fal.ai` | `/rest/…` | tokens, upload initiation |
//! | `v3.fal.media` | `/cdn/…` | upload of bytes |
//! | `api.fal.ai` | `/v1/models/pricing…` | prices and estimates |
//! | | `/files/…` | results and uploads, to be downloaded |
//!
//! Python: assign `fal_client.client.RUN_URL_FORMAT = "http://host:port/run/"`,
//! `QUEUE_URL_FORMAT = "…/queue/"`, `REST_URL = "…/rest"`, `CDN_URL = "…/cdn"`.
//! JavaScript: `proxyUrl: {url: "http://host:port", when: "always"}`, and uploads go straight to the
//! address that the sandbox answers.
//!
//! # Control
//!
//! Not the vendor's; no key is asked. `GET /control/health`; `GET` and `DELETE /control/ledger`
//! (see [`ledger`]); `GET`, `POST` and `DELETE /control/faults`, `DELETE /control/faults/{id}` (see
//! [`fault`] for the rules and the menu); `GET /control/requests`; `GET /control/models`;
//! `POST /control/reset` forgets everything.

mod access;
mod address;
mod config;
pub mod fault;
mod http;
mod jobs;
pub mod ledger;
mod model;
mod pricing;
mod refusal;
mod render;
mod sandbox;
mod store;

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Parser;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use config::Config;

/// Why the sandbox did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is taken or not ours.
    #[error("cannot listen on {0}")]
    Listen(SocketAddr, #[source] std::io::Error),
    /// The folder for files cannot be used.
    #[error("cannot use the data folder")]
    Data(#[source] std::io::Error),
    /// The price list cannot be read.
    #[error("cannot read the price list: {0}")]
    Prices(String),
    /// It stopped by itself, which only a bug brings about.
    #[error("the sandbox broke")]
    Broken,
    /// The HTTP client for reference pictures cannot be made.
    #[error("cannot make an HTTP client")]
    Client(#[from] reqwest::Error),
}

/// A sandbox that runs in this process.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub addr: SocketAddr,
    /// Stops it when cancelled.
    pub shutdown: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    /// The address to give to clients, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Stops it and waits until it has.
    pub async fn stop(self) {
        self.shutdown.cancel();
        // A panic in there was reported by the panic hook already.
        let _ = self.task.await;
    }
}

/// Starts a sandbox in this process; port 0 takes any free one.
pub async fn start(config: Config) -> Result<Running, Error> {
    // A second installation in one process fails, which is as good as the first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let listen_addr = config.listen_addr;
    let listener =
        TcpListener::bind(listen_addr).await.map_err(|error| Error::Listen(listen_addr, error))?;
    let addr = listener.local_addr().map_err(|error| Error::Listen(listen_addr, error))?;
    let shutdown = CancellationToken::new();
    let sandbox = sandbox::Sandbox::new(config, addr, shutdown.clone())?;
    let task = tokio::spawn(http::listen(listener, sandbox, shutdown.clone()));
    Ok(Running { addr, shutdown, task })
}

/// Runs a sandbox until the process is told to stop.
pub async fn serve(config: Config) -> Result<(), Error> {
    let mut running = start(config).await?;
    tracing::info!(addr = %running.addr, "sandbox is listening");
    tokio::select! {
        () = told_to_stop() => {
            running.stop().await;
            Ok(())
        }
        _ = &mut running.task => Err(Error::Broken),
    }
}

/// The process: reads the configuration, logs as JSON, serves.
pub async fn main() -> ExitCode {
    let config = Config::parse();
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(std::io::stderr).init();
    match serve(config).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "sandbox failed");
            ExitCode::FAILURE
        }
    }
}

async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        },
        Err(_) => {
            // Without a handler for the one, the other still works.
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}
