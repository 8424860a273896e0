//! The media service.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    server::run(media::serve).await
}
