//! The provider whose vendor takes no time, as a program: the benchmark starts it.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    server::run(tests::bench::adapter::serve).await
}
