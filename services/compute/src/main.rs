//! The durable engine.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    server::run(compute::serve).await
}
