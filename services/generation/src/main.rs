//! The generation service.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    server::run(generation::serve).await
}
