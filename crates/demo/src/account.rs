//! Who signs in, and where.

use clap::Args;

/// Who signs in, and where.
#[derive(Clone, Debug, Args)]
pub(crate) struct Account {
    /// The address of the gateway.
    #[arg(long, env = "GATEWAY_URL", default_value = "http://127.0.0.1:8080")]
    pub(crate) gateway: String,

    /// The e-mail address to sign in with.
    #[arg(long, env = "DEMO_EMAIL", default_value = "demo@sartiq.example")]
    pub(crate) email: String,

    /// The password to sign in with.
    #[arg(long, env = "DEMO_PASSWORD", hide_env_values = true, default_value = "sartiq-demo")]
    pub(crate) password: String,
}
