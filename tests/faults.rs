//! The mesh in bad weather, as a program: `cargo xtask test` runs it, and `--soak` for longer.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tests::Result;
use tests::faults::{Options, run};

#[derive(Debug, Parser)]
#[command(about = "Breaks the mesh while generations flow, and audits what became of them")]
struct Arguments {
    /// For how many minutes things break at least.
    #[arg(long, default_value_t = 5.0)]
    minutes: f64,

    /// For how many minutes at most, where there were not enough generations and faults yet.
    #[arg(long, default_value_t = 8.5)]
    most_minutes: f64,

    /// From which everything that breaks follows. Without one, the time decides.
    #[arg(long, env = "FAULT_SEED")]
    seed: Option<u64>,

    /// How many generations begin in a second.
    #[arg(long, default_value_t = 1.2)]
    rate: f64,

    /// With fewer generations the run is void.
    #[arg(long, default_value_t = 300)]
    least_generations: usize,

    /// With fewer faults the run is void.
    #[arg(long, default_value_t = 60)]
    least_faults: usize,

    /// Where the report, the journals and the logs go.
    #[arg(long, default_value = "target/faults")]
    folder: PathBuf,
}

#[tokio::main]
async fn main() -> ExitCode {
    match report().await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("{error}\n0 passed, 1 failed");
            ExitCode::FAILURE
        }
    }
}

async fn report() -> Result<bool> {
    let arguments = Arguments::parse();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    let seed = arguments.seed.unwrap_or(now.as_secs());
    println!("FAULT_SEED={seed}");
    let report = run(Options {
        seed,
        weather: Duration::try_from_secs_f64(arguments.minutes * 60.0)?,
        longest: Duration::try_from_secs_f64(arguments.most_minutes * 60.0)?,
        rate: arguments.rate,
        least_generations: arguments.least_generations,
        least_faults: arguments.least_faults,
        folder: arguments.folder,
    })
    .await?;
    report.print();
    Ok(report.is_good())
}
