//! Where the database is and how patiently it is asked.

use std::time::Duration;

use secrecy::SecretString;

/// Where the database is.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Config {
    /// The Postgres to keep state in.
    #[arg(long, env, hide_env_values = true)]
    pub database_url: SecretString,

    /// How many connections to hold at most.
    #[arg(long, env, default_value_t = 10)]
    pub database_connections: u32,

    /// How long a request waits for a free connection.
    #[arg(long, env = "DATABASE_ACQUIRE_TIMEOUT", value_parser = humantime::parse_duration, default_value = "3s")]
    pub acquire_timeout: Duration,

    /// How long a statement may run.
    #[arg(long, env = "DATABASE_STATEMENT_TIMEOUT", value_parser = humantime::parse_duration, default_value = "5s")]
    pub statement_timeout: Duration,
}

impl Config {
    /// Returns the settings of a development database at `url`.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            database_url: url.into().into(),
            database_connections: 10,
            acquire_timeout: Duration::from_secs(3),
            statement_timeout: Duration::from_secs(5),
        }
    }
}
