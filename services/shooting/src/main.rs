//! The shooting service.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    server::run(shooting::serve).await
}
