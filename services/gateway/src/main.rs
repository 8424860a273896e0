//! The gateway.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    server::run(gateway::serve).await
}
