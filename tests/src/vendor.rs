//! The vendor that a mesh works with: the sandbox, and what it noted.

use serde_json::{Value, json};

use crate::{Error, Result};

/// A sandbox of the test's own.
#[derive(Debug)]
pub struct Vendor {
    running: sandbox::Running,
    http: fetch::Client,
}

impl Vendor {
    /// The key that it takes.
    pub const KEY: &str = "sandbox-key";

    /// Starts one that takes `latency` times as long as the real ones.
    pub(crate) async fn start(latency: f64) -> Result<Self> {
        let config = sandbox::Config {
            listen_addr: "127.0.0.1:0".parse()?,
            latency,
            ..sandbox::Config::default()
        };
        let running = sandbox::start(config).await?;
        let policy = fetch::Policy { allow_private: true, ..fetch::Policy::default() };
        Ok(Self { running, http: fetch::Client::new(policy)? })
    }

    /// Where it answers.
    pub fn url(&self) -> String {
        self.running.url()
    }

    /// Makes something go wrong from now on.
    pub async fn plan(&self, operation: &str, fault: Value) -> Result {
        self.plan_where(json!({ "operation": operation }), fault).await
    }

    /// Makes something go wrong where it matches.
    pub async fn plan_where(&self, matches: Value, fault: Value) -> Result {
        let rule = json!({ "match": matches, "fault": fault });
        let request = fetch::Request::post(format!("{}/control/faults", self.url())).json(&rule);
        self.http.send(request).await?.ok()?;
        Ok(())
    }

    /// Lets everything go well again.
    pub async fn heal(&self) -> Result {
        let request = fetch::Request::delete(format!("{}/control/faults", self.url()));
        self.http.send(request).await?.ok()?;
        Ok(())
    }

    /// What it wrote into its ledger, from the first entry.
    pub async fn ledger(&self) -> Result<Vec<Value>> {
        let request = fetch::Request::get(format!("{}/control/ledger", self.url()));
        let mut ledger: Value = self.http.json(request.max_bytes(1 << 30)).await?;
        match ledger["entries"].take() {
            Value::Array(entries) => Ok(entries),
            _ => Err("no entries".into()),
        }
    }

    /// How many entries of a kind its ledger has: `submitted`, `charged`, `cancelled`, …
    pub async fn count(&self, kind: &str) -> Result<usize> {
        let url = format!("{}/control/ledger?kind={kind}", self.url());
        let ledger: Value = self.http.json(fetch::Request::get(url)).await?;
        let entries = ledger["entries"].as_array().ok_or_else(|| Error::from("no entries"))?;
        Ok(entries.len())
    }
}
