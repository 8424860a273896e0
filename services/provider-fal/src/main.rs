//! The adapter to fal, as a process.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    provider::run(provider_fal::Fal::new).await
}
