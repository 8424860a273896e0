//! The sandbox.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    sandbox::main().await
}
