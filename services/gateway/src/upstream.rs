//! Where the services are.

use std::collections::HashMap;

use server::{Channel, Mesh};

/// Where the services are that calls are forwarded to.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Upstreams {
    /// Where media answers.
    #[arg(long, env)]
    pub media_url: String,

    /// Where catalog answers.
    #[arg(long, env)]
    pub catalog_url: String,

    /// Where shooting answers.
    #[arg(long, env)]
    pub shooting_url: String,

    /// Where generation answers.
    #[arg(long, env)]
    pub generation_url: String,

    /// Where delivery answers.
    #[arg(long, env)]
    pub delivery_url: String,

    /// Where compute answers.
    #[arg(long, env)]
    pub compute_url: String,
}

impl Upstreams {
    /// Opens a channel to each, by the name of its package.
    pub(crate) fn open(
        &self,
        mesh: &Mesh,
        identity_url: &str,
    ) -> Result<HashMap<&'static str, Channel>, server::Error> {
        [
            ("identity", identity_url),
            ("media", &*self.media_url),
            ("catalog", &*self.catalog_url),
            ("shooting", &*self.shooting_url),
            ("generation", &*self.generation_url),
            ("delivery", &*self.delivery_url),
            ("compute", &*self.compute_url),
        ]
        .into_iter()
        // Whoever forwards lends nobody its own name.
        .map(|(name, url)| Ok((name, mesh.channel(url)?.without_token())))
        .collect()
    }
}
