//! The life of a process, from its settings to its exit code.

use std::process::ExitCode;

use crate::Error;
use crate::settings;
use crate::telemetry::{self, Telemetry};

/// Runs `service` to its end and turns a failure into an exit code.
///
/// Logs as JSON, filtered by `RUST_LOG`; shows metrics and sends traces where its settings say so.
pub async fn run<C: clap::Parser>(service: impl AsyncFnOnce(C) -> Result<(), Error>) -> ExitCode {
    telemetry::log();
    // Fails where it was installed before, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut matches = settings::matches(C::command());
    let telemetry = Telemetry::among::<C>(&matches).unwrap_or_default();
    let config = C::from_arg_matches_mut(&mut matches).unwrap_or_else(|error| error.exit());
    match served(config, service, &telemetry).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = %types::chain(&*error), "service failed");
            ExitCode::FAILURE
        }
    }
}

async fn served<C>(
    config: C,
    service: impl AsyncFnOnce(C) -> Result<(), Error>,
    telemetry: &Telemetry,
) -> Result<(), Error> {
    let ending = telemetry.start().await?;
    let served = service(config).await;
    // After the drain: the last spans are those of what was drained.
    ending.flush().await;
    served
}
