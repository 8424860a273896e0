//! The life of a process, from its settings to its exit code.

use std::process::ExitCode;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::Error;

/// Runs `service` to its end and turns a failure into an exit code.
///
/// Logs as JSON, filtered by `RUST_LOG`.
pub async fn run<C: clap::Parser>(service: impl AsyncFnOnce(C) -> Result<(), Error>) -> ExitCode {
    let filter =
        EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).from_env_lossy();
    tracing_subscriber::fmt().json().flatten_event(true).with_env_filter(filter).init();
    // Fails where it was installed before, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match service(C::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = %crate::fault::chain(&*error), "service failed");
            ExitCode::FAILURE
        }
    }
}
