//! What identity needs to run.

use std::time::Duration;

use secrecy::SecretString;

/// What identity needs to run.
#[derive(Clone, Debug, clap::Parser)]
#[group(skip)]
pub struct Config {
    /// How it takes part in the mesh.
    #[command(flatten)]
    pub server: server::Config,

    /// Where it keeps its state.
    #[command(flatten)]
    pub database: pg::Config,

    /// How it tells who is who.
    #[command(flatten)]
    pub settings: Settings,
}

/// How identity tells who is who.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Settings {
    /// What private keys are encrypted under and refresh tokens are tied together with; the same
    /// for every replica, at least 32 characters. Whoever changes it deletes the rows of
    /// `identity.signing_key` first; everybody signs in again.
    #[arg(long, env, hide_env_values = true)]
    pub key_secret: SecretString,

    /// How long a key signs tokens before another takes over.
    #[arg(long, env, value_parser = humantime::parse_duration, default_value = "30d")]
    pub signing_key_lifetime: Duration,

    /// The keys that services prove themselves with: `gateway=…,media=…`.
    #[arg(long, env, hide_env_values = true, default_value = "")]
    pub service_keys: SecretString,

    /// The Redis that counts attempts for all replicas. Without one, each counts its own.
    #[arg(long, env, hide_env_values = true)]
    pub redis_url: Option<SecretString>,

    /// How many passwords to hash at once. Each takes 19 MiB and a core for about 40 ms.
    #[arg(long, env, default_value_t = 2)]
    pub hash_concurrency: usize,

    /// How many sign-ins wait for their turn to hash; the rest is told to come back.
    #[arg(long, env, default_value_t = 64)]
    pub hash_queue: usize,
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[test]
    fn settings_do_not_clash() {
        Config::command().debug_assert();
    }

    #[test]
    fn a_secret_is_not_shown_even_where_it_is_refused() {
        // Parsed later: clap quotes what it refuses.
        let config = Config::try_parse_from([
            "identity",
            "--key-secret",
            "short",
            "--database-url",
            "x",
            "--service-keys",
            "hunter2",
        ]);
        assert!(config.is_ok());
    }

    #[test]
    fn secrets_are_not_shown() {
        let secret = "0123456789abcdef0123456789abcdef";
        let url = "postgres://identity:hunter2@localhost/sartiq";
        let config = Config::try_parse_from([
            "identity",
            "--key-secret",
            secret,
            "--database-url",
            url,
            "--service-keys",
            "media=0123456789abcdef",
        ]);
        let text = format!("{config:?}");
        assert!(config.is_ok(), "{text}");
        assert!(!text.contains("0123456789abcdef") && !text.contains("hunter2"), "{text}");
    }
}
