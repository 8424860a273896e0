//! Waiting until a service answers.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

/// How to wait.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The address of the service.
    url: String,

    /// How many seconds to wait at most.
    #[arg(long, default_value_t = 30.0)]
    timeout: f64,
}

pub(crate) async fn wait(options: Options) -> Result<()> {
    let end = Instant::now() + Duration::try_from_secs_f64(options.timeout)?;
    let endpoint = Endpoint::from_shared(options.url.clone())?
        .connect_timeout(Duration::from_secs(1))
        .timeout(Duration::from_secs(2));
    loop {
        if is_serving(&endpoint).await {
            return Ok(());
        }
        if end <= Instant::now() {
            bail!("{} does not serve", options.url);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn is_serving(endpoint: &Endpoint) -> bool {
    let mut health = HealthClient::new(endpoint.connect_lazy());
    let answer = health.check(HealthCheckRequest::default()).await;
    answer.is_ok_and(|it| it.into_inner().status() == ServingStatus::Serving)
}
