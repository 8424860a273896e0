//! The settings every adapter shares.

use std::time::Duration;

/// What every adapter needs to run, around what only its vendor needs.
#[derive(Clone, Debug, clap::Parser)]
#[group(skip)]
pub(crate) struct Config<T: clap::Args> {
    #[command(flatten)]
    pub(crate) server: server::Config,

    #[command(flatten)]
    pub(crate) settings: Settings,

    #[command(flatten)]
    pub(crate) vendor: T,
}

/// How much an adapter does at once, and how patiently.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Settings {
    /// Where media answers; inputs and outputs are signed there.
    #[arg(long, env, default_value = "http://127.0.0.1:50053")]
    pub media_url: String,

    /// How many runs to follow at once; more are refused.
    #[arg(long, env, default_value_t = 256)]
    pub max_runs: usize,

    /// How many bytes of inputs and outputs to hold in memory at once.
    #[arg(long, env, default_value_t = 256 << 20)]
    pub max_buffered_bytes: u32,

    /// How many bytes one output may have.
    #[arg(long, env, default_value_t = 128 << 20)]
    pub max_result_bytes: u32,

    /// How long to wait before asking the vendor again, at first.
    #[arg(long, env, value_parser = humantime::parse_duration, default_value = "100ms")]
    pub poll_soonest: Duration,

    /// How long to wait before asking the vendor again, after a while.
    #[arg(long, env, value_parser = humantime::parse_duration, default_value = "1s")]
    pub poll_latest: Duration,

    /// How long the vendor may take where the caller does not say.
    #[arg(long, env, value_parser = humantime::parse_duration, default_value = "10m")]
    pub run_timeout: Duration,
}
