//! Does the mesh's main job as an outside tool would: over gRPC, through the gateway, with files.

mod account;
mod client;
mod deliver;
mod follow;
mod health;
mod library;
mod report;
mod review;
mod seed;
mod shoot;
mod story;
mod upload;

use std::process::ExitCode;

use clap::Parser;

/// An outside tool of the mesh.
#[derive(Debug, Parser)]
#[command(name = "demo", version)]
enum Command {
    /// Wait until a service answers that it is serving.
    Health(health::Options),
    /// Make the demo organization, its owner and a small library, unless they exist.
    Seed(seed::Options),
    /// Shoot products: photos in, approved pictures out.
    Run(story::Options),
}

#[tokio::main]
async fn main() -> ExitCode {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let result = match Command::parse() {
        Command::Health(options) => health::wait(options).await,
        Command::Seed(options) => seed::seed(options).await,
        Command::Run(options) => story::tell(options).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", report::sentence(&error));
            ExitCode::FAILURE
        }
    }
}
