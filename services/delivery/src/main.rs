//! The delivery service.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    server::run(delivery::serve).await
}
