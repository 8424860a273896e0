//! The benchmark as a program: `cargo xtask bench` runs it on optimised binaries.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use tests::Result;
use tests::bench::{Options, run};

#[derive(Debug, Parser)]
#[command(about = "Measures the mesh, and what it costs")]
struct Arguments {
    /// Only parts with this in their name.
    filter: Option<String>,

    /// Where the figures go, as JSON.
    #[arg(long, default_value = "target/bench.json")]
    json: PathBuf,

    /// The program of `cargo xtask`, to measure how long `up` takes.
    #[arg(long)]
    xtask: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match measure(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("cannot measure: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(arguments: Arguments) -> Result {
    let options = Options { filter: arguments.filter, xtask: arguments.xtask };
    let report = run(&options).await?;
    report.print_sum();
    report.save(&arguments.json)
}
