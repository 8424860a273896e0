//! What a cluster does to the mesh: probes it, gives it files, and takes its adapters away and back.

use std::time::Duration;

use api::externalscaler::external_scaler_client::ExternalScalerClient;
use api::externalscaler::{GetMetricsRequest, ScaledObjectRef};
use api::sartiq::generation::v1::generation;
use sqlx::PgPool;
use tempfile::TempDir;
use tests::{Actor, House, Result, SERVICES, free_address, photo, until};
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

fn fal() -> ScaledObjectRef {
    ScaledObjectRef {
        name: "provider-fal".to_owned(),
        namespace: "sartiq".to_owned(),
        scaler_metadata: [("provider".to_owned(), "fal".to_owned())].into(),
    }
}

async fn is_wanted(keda: &mut ExternalScalerClient<Channel>) -> Result<bool> {
    Ok(keda.is_active(fal()).await?.into_inner().result)
}

#[sqlx::test(migrations = false)]
async fn an_adapter_is_woken_from_nothing_and_let_go_again(db: PgPool) -> Result {
    // As a mounted ConfigMap: one file per setting.
    let settings = TempDir::new()?;
    let scaler = free_address()?;
    std::fs::write(settings.path().join("SCALER_LISTEN_ADDR"), format!("{scaler}\n"))?;
    let folder = settings.path().display().to_string();
    let extra = |name: &str| match name {
        "compute" => vec![("SETTINGS_DIR", folder.clone())],
        _ => Vec::new(),
    };
    let mut house = House::start_with(db, extra).await?;
    let ana = house.owner("ana").await?;
    let product = ana.product(&photo("coffee.png")).await?;
    let (_, shots) = ana.shots(&product, 1).await?;
    let mut keda = ExternalScalerClient::new(
        Endpoint::from_shared(format!("http://{scaler}"))?.connect_lazy(),
    );
    until(10, async || Ok((!is_wanted(&mut keda).await?).then_some(()))).await?;

    // Nobody wants it, so it goes; and compute starts anew, with nothing but its tables to know it by.
    house.stop("provider-fal").await?;
    house.stop("compute").await?;
    house.restart("compute").await?;
    let mut stream = keda.stream_is_active(fal()).await?.into_inner();
    assert!(!stream.message().await?.ok_or("nothing was said")?.result);

    let started = ana.generations().start_generation(Actor::start_request(&shots[0], 1)).await?;
    let id = started.into_inner().generation.ok_or("no generation")?.id;
    let told = tokio::time::timeout(Duration::from_secs(10), stream.message()).await??;
    assert!(told.ok_or("an end")?.result);
    let request =
        GetMetricsRequest { scaled_object_ref: Some(fal()), metric_name: "runs".to_owned() };
    let metrics = keda.get_metrics(request).await?.into_inner().metric_values;
    assert!(metrics.iter().all(|it| 1.0 <= it.metric_value_float), "{metrics:?}");
    assert_eq!(metrics.len(), 1);

    house.restart("provider-fal").await?;
    let now = ana.ended(&id).await?.generation.ok_or("no generation")?;
    assert_eq!(now.state(), generation::State::Completed, "{:?}", now.error);
    until(10, async || Ok((!is_wanted(&mut keda).await?).then_some(()))).await?;
    // What waited for the adapter was submitted once.
    let charged = house.vendor.count("charged").await?;
    assert_eq!(house.vendor.count("submitted").await?, charged);

    // The probes ask by these names.
    for service in SERVICES {
        for name in ["readiness", "liveness"] {
            let endpoint = Endpoint::from_shared(house.url(service).to_owned())?;
            let mut health = HealthClient::new(endpoint.connect_lazy());
            let request = HealthCheckRequest { service: name.to_owned() };
            let answer = health.check(request).await?.into_inner();
            assert_eq!(answer.status(), ServingStatus::Serving, "{service}: {name}");
        }
    }
    Ok(())
}
