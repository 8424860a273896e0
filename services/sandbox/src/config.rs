//! What the sandbox can be told.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

/// The address that tests and `cargo xtask up` use.
const DEFAULT_PORT: u16 = 7410;

/// What `--help` says about the control API.
const CONTROL: &str = "\
Control API (no key):
  GET    /control/health            {\"status\":\"ok\"}
  GET    /control/ledger            what was submitted, started, finished, charged, cancelled, uploaded
         ?request_id= &endpoint= &kind= &after=     filters
  DELETE /control/ledger            forgets it
  POST   /control/faults            adds rules: one, a list, or {\"rules\":[…]}
  GET    /control/faults            rules with how often each matched and fired
  DELETE /control/faults[/{id}]     removes all, or one
  GET    /control/requests          every request that is still known
  GET    /control/models            endpoints, prices, usual times
  POST   /control/reset             faults, ledger, requests and files are forgotten
  GET    /v1/models/pricing?endpoint_id=a,b         POST /v1/models/pricing/estimate

A rule:
  {\"match\":{\"endpoint\":\"fal-ai/flux*\",\"operation\":\"submit\",\"after\":0,\"nth\":2,\"times\":1,
            \"probability\":0.5,\"seed\":7},
   \"fault\":{\"kind\":\"error\",\"name\":\"rate_limited\",\"retry_after\":2}}
Operations: submit status stream result cancel run upload download.
Faults: latency error hang hang_after_accept lost_answer cut invalid_json html job_lost fail_late
  expired_result wrong_type duplicate_webhook early_webhook duplicate same_id slow slow_work
  never_finishes nsfw unknown_status backwards.
Errors by name: unauthorized forbidden balance payment_required not_found rate_limited
  content_policy_violation image_load_error file_download_error image_too_small image_too_large
  file_too_large face_detection_error feature_not_supported one_of internal_server_error
  internal_error downstream_service_error downstream_service_unavailable generation_timeout
  request_timeout startup_timeout runner_scheduling_failure runner_connection_refused
  runner_disconnected runner_incomplete_response runner_server_error client_cancelled bad_request.";

/// The vendors' own protocols, played locally, with real pictures and faults on demand.
#[derive(Clone, Debug, clap::Parser)]
#[command(name = "sandbox", after_help = CONTROL)]
#[group(skip)]
pub struct Config {
    /// The address to listen on.
    #[arg(long, env = "LISTEN_ADDR", default_value_t = default_addr())]
    pub listen_addr: SocketAddr,

    /// The address under which clients reach it, for the URLs in answers. Default: the request's
    /// own Host header.
    #[arg(long, env = "SANDBOX_URL")]
    pub public_url: Option<Url>,

    /// The keys that are accepted, separated by commas.
    #[arg(
        long,
        env = "SANDBOX_KEYS",
        hide_env_values = true,
        value_delimiter = ',',
        default_value = "sandbox-key"
    )]
    pub keys: Vec<SecretString>,

    /// The folder for results and uploads. Default: memory.
    #[arg(long, env = "SANDBOX_DATA")]
    pub data: Option<PathBuf>,

    /// The most megabytes of results and uploads kept; the oldest go first.
    #[arg(long, env = "SANDBOX_STORE_MB", default_value_t = 512)]
    pub store_mb: u64,

    /// How long finished requests and their files are kept.
    #[arg(long, env = "SANDBOX_RESULT_TTL", value_parser = humantime::parse_duration, default_value = "1h")]
    pub result_ttl: Duration,

    /// How many requests are worked on at once; the others wait in the queue.
    #[arg(long, env = "SANDBOX_WORKERS", default_value_t = 8)]
    pub workers: usize,

    /// How many pictures are rendered at once. Default: one per processor.
    #[arg(long, env = "SANDBOX_RENDERERS")]
    pub renderers: Option<usize>,

    /// Multiplies each model's usual time; 0 answers as fast as rendering allows.
    #[arg(long, env = "SANDBOX_LATENCY", default_value_t = 1.0)]
    pub latency: f64,

    /// A price list in place of the built-in one, in the same form as `prices.json`.
    #[arg(long, env = "SANDBOX_PRICES")]
    pub prices: Option<PathBuf>,
}

impl Default for Config {
    /// Any free port on the loopback, everything else as documented.
    fn default() -> Self {
        Self {
            listen_addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            public_url: None,
            keys: vec![SecretString::from("sandbox-key")],
            data: None,
            store_mb: 512,
            result_ttl: Duration::from_secs(3600),
            workers: 8,
            renderers: None,
            latency: 1.0,
            prices: None,
        }
    }
}

fn default_addr() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, DEFAULT_PORT))
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::Config;

    #[test]
    fn the_command_line_is_consistent() {
        Config::command().debug_assert();
    }

    #[test]
    fn defaults_agree_with_the_command_line() -> Result<(), clap::Error> {
        let parsed = Config::try_parse_from(["sandbox"])?;
        let written = Config::default();
        assert_eq!(parsed.workers, written.workers);
        assert_eq!(parsed.store_mb, written.store_mb);
        assert_eq!(parsed.result_ttl, written.result_ttl);
        assert_eq!(parsed.keys.len(), written.keys.len());
        Ok(())
    }
}
