//! The settings every service shares.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use secrecy::SecretString;

use crate::Telemetry;

/// How a service takes part in the mesh.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Config {
    /// The address to serve on.
    #[arg(long, env, default_value = "127.0.0.1:50051")]
    pub listen_addr: SocketAddr,

    /// Where identity answers; keys, revoked sessions and the own token come from there.
    #[arg(long, env, default_value = "http://127.0.0.1:50052")]
    pub identity_url: String,

    /// The key that identity knows this service by. Without one it cannot call others.
    #[arg(long, env, hide_env_values = true)]
    pub service_key: Option<SecretString>,

    /// How long open calls may go on once the process is told to stop.
    #[arg(long, env, value_parser = humantime::parse_duration, default_value = "10s")]
    pub drain_timeout: Duration,

    /// How long a call that is no stream may take, whatever its caller asks for.
    #[arg(long, env, value_parser = humantime::parse_duration, default_value = "30s")]
    pub longest_call: Duration,

    /// How many calls to work on at once; a few more wait for a moment, the rest is refused.
    #[arg(long, env, default_value_t = 512)]
    pub concurrency: usize,

    /// How old a connection grows before its client is asked to make a new one.
    #[arg(long, env, value_parser = humantime::parse_duration, default_value = "5m")]
    pub max_connection_age: Duration,

    #[command(flatten)]
    pub telemetry: Telemetry,
}

impl Default for Config {
    /// Returns the defaults, on a free port of this machine: what tests start from.
    fn default() -> Self {
        Self {
            listen_addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            identity_url: "http://127.0.0.1:50052".to_owned(),
            service_key: None,
            drain_timeout: Duration::from_secs(10),
            longest_call: Duration::from_secs(30),
            concurrency: 512,
            max_connection_age: Duration::from_secs(300),
            telemetry: Telemetry::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    #[derive(clap::Parser)]
    struct Process {
        #[command(flatten)]
        server: super::Config,
    }

    #[test]
    fn settings_do_not_clash() {
        Process::command().debug_assert();
    }

    #[test]
    fn durations_are_written_with_units() {
        let process = Process::parse_from(["x", "--drain-timeout", "1m30s"]);
        assert_eq!(process.server.drain_timeout.as_secs(), 90);
    }
}
