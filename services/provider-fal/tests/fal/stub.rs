//! The sandbox, told what to do wrong through its control interface.

use provider::conformance::{Ailment, Stub};
use provider::{Answer, Hosts, Url, Vendor};
use provider_fal::{Config, Fal};
use serde_json::{Value, json};

use crate::Result;

/// A sandbox of its own.
pub(crate) struct Fake {
    pub(crate) url: String,
    control: Vendor,
    _running: sandbox::Running,
}

impl Fake {
    /// Starts one that works as fast as it can render.
    pub(crate) async fn start() -> Result<Self> {
        let config = sandbox::Config { latency: 0.0, ..sandbox::Config::default() };
        let running = sandbox::start(config).await?;
        let url = running.url();
        let control = Vendor::new(Hosts::default().with(&Url::parse(&url)?))?;
        Ok(Self { url, control, _running: running })
    }

    /// How an adapter finds it.
    pub(crate) fn config(&self) -> Result<Config> {
        Ok(Config {
            fal_key: "sandbox-key".into(),
            fal_queue_url: Url::parse(&format!("{}/queue", self.url))?,
            fal_run_url: Url::parse(&format!("{}/run", self.url))?,
            fal_rest_url: Url::parse(&format!("{}/rest", self.url))?,
            fal_result_hosts: vec!["*.fal.media".into()],
            fal_upload_hosts: Vec::new(),
            fal_models_file: None,
            fal_timeout_seconds: 3.0,
            fal_max_concurrency: 0,
        })
    }

    /// An adapter that finds it.
    pub(crate) fn fal(&self) -> Result<Fal> {
        Fal::new(self.config()?)
    }

    /// Does `fault` wherever `matches` fits, in place of what it did wrong before.
    pub(crate) async fn fault(&self, matches: Value, fault: Value) -> Result {
        self.heal().await?;
        let url = format!("{}/control/faults", self.url);
        let rule = json!({"match": matches, "fault": fault});
        succeed(self.control.post(url).json(&rule).freely().await?)
    }

    /// Does nothing wrong any more.
    pub(crate) async fn heal(&self) -> Result {
        succeed(self.control.delete(format!("{}/control/faults", self.url)).freely().await?)
    }

    /// What happened so far.
    pub(crate) async fn ledger(&self) -> Result<Value> {
        Ok(self.control.get(format!("{}/control/ledger", self.url)).freely().await?.json()?)
    }

    /// How often something happened.
    pub(crate) async fn count(&self, kind: &str) -> Result<usize> {
        let count = self.ledger().await?["totals"]["kinds"][kind].as_u64().unwrap_or(0);
        Ok(usize::try_from(count)?)
    }
}

fn succeed(answer: Answer) -> Result {
    if answer.is_success() { Ok(()) } else { Err(format!("control: {}", answer.status()).into()) }
}

impl Stub for Fake {
    async fn ail(&self, ailment: Ailment) {
        let on = |operation: &str| json!({"operation": operation});
        let once = |operation: &str| json!({"operation": operation, "times": 1});
        let late = |name: &str| json!({"kind": "fail_late", "name": name});
        let error = |name: &str| json!({"kind": "error", "name": name});
        let (matches, fault) = match ailment {
            Ailment::None => return self.heal().await.expect("a sandbox"),
            Ailment::LosesAnswer => (on("submit"), json!({"kind": "lost_answer"})),
            Ailment::Stalls => (on("submit"), json!({"kind": "never_finishes"})),
            Ailment::BusyOnce => (once("submit"), error("runner_scheduling_failure")),
            Ailment::Busy => {
                let fault = json!({"kind": "error", "name": "rate_limited", "retry_after": 600});
                (on("submit"), fault)
            }
            Ailment::RefusesKey => (json!({}), error("unauthorized")),
            Ailment::RefusesContent => (on("submit"), late("content_policy_violation")),
            Ailment::CannotRead => (on("submit"), late("image_load_error")),
            Ailment::Breaks => (on("submit"), late("internal_server_error")),
            Ailment::Forgets => (on("submit"), json!({"kind": "job_lost"})),
            Ailment::GarbledOnce => (once("result"), json!({"kind": "invalid_json"})),
            Ailment::OddOnce => {
                (once("status"), json!({"kind": "unknown_status", "name": "PONDERING"}))
            }
            Ailment::Expires => (on("submit"), json!({"kind": "expired_result"})),
            Ailment::Mislabels => (on("download"), json!({"kind": "html", "status": 200})),
        };
        self.fault(matches, fault).await.expect("a sandbox");
    }

    async fn submissions(&self) -> usize {
        self.count("submitted").await.expect("a ledger")
    }

    async fn cancellations(&self) -> usize {
        self.count("cancelled").await.expect("a ledger")
    }
}
