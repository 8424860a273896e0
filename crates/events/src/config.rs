//! Where events are passed on.

use secrecy::{ExposeSecret, SecretString};

use crate::{Error, Stream};

/// Where events are passed on.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Config {
    /// The Redis that passes events on. It is never the only copy of anything.
    #[arg(long, env, hide_env_values = true, default_value = "redis://127.0.0.1:6379")]
    pub redis_url: SecretString,

    /// What the names of all keys in Redis begin with.
    #[arg(long, env, default_value = "")]
    pub redis_prefix: String,
}

impl Config {
    /// Opens the streams. Connections are made when they are needed, and again when they break.
    pub fn open(&self) -> Result<Stream, Error> {
        Stream::open(self.redis_url.expose_secret(), &self.redis_prefix)
    }
}
