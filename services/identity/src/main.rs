//! The identity service.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    server::run(identity::serve).await
}
