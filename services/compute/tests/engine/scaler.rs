//! The scaler, as KEDA drives it: by a client made from KEDA's own contract.

use std::time::{Duration, Instant};

use api::externalscaler::external_scaler_client::ExternalScalerClient;
use api::externalscaler::{GetMetricsRequest, IsActiveResponse, ScaledObjectRef};
use api::sartiq::compute::v1::CancelWorkflowRequest;
use compute::ScalerConfig;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use sqlx::PgPool;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Code, Streaming};

use crate::Result;
use crate::provider::Act;
use crate::stage::{Process, Stage, picture};

/// What is promised between the first task and the word that somebody is wanted.
const PROMPT: Duration = Duration::from_millis(500);

/// Where nobody listens.
const NOWHERE: &str = "http://127.0.0.1:1";

fn keda(process: &Process) -> Result<ExternalScalerClient<Channel>> {
    let endpoint = Endpoint::from_shared(format!("http://{}", process.scaler))?;
    Ok(ExternalScalerClient::new(endpoint.connect_lazy()))
}

fn object(metadata: &[(&str, &str)]) -> ScaledObjectRef {
    let metadata = metadata.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    ScaledObjectRef {
        name: "provider-acme".to_owned(),
        namespace: "sartiq".to_owned(),
        scaler_metadata: metadata.collect(),
    }
}

fn acme() -> ScaledObjectRef {
    object(&[("provider", "acme"), ("runsPerReplica", "16")])
}

async fn is_active(process: &Process) -> Result<bool> {
    Ok(keda(process)?.is_active(acme()).await?.into_inner().result)
}

async fn runs(process: &Process) -> Result<f64> {
    let request =
        GetMetricsRequest { scaled_object_ref: Some(acme()), metric_name: "runs".to_owned() };
    let answer = keda(process)?.get_metrics(request).await?.into_inner();
    let [value] = answer.metric_values.as_slice() else { return Err("not one value".into()) };
    assert_eq!(value.metric_name, "runs");
    Ok(value.metric_value_float)
}

/// Opens the stream and reads what it says first.
async fn watched(process: &Process) -> Result<(Streaming<IsActiveResponse>, bool)> {
    let mut stream = keda(process)?.stream_is_active(acme()).await?.into_inner();
    let first = stream.message().await?.ok_or("nothing was said")?;
    Ok((stream, first.result))
}

/// Waits until who leads now has counted.
async fn counted(stage: &Stage) -> Result {
    let counted = testkit::eventually(async || {
        sqlx::query_scalar::<_, bool>(
            "select exists (select 1 from compute.demand join compute.owner using (epoch))",
        )
        .fetch_one(&stage.db)
        .await
    });
    Ok(counted.await?)
}

/// Returns a stage whose provider is known from before and has no adapter now.
async fn idle_stage(db: PgPool) -> Result<Stage> {
    let mut stage = Stage::new(db).await;
    let before = stage.process().await?;
    let is_known = testkit::eventually(async || is_active(&before).await.map(|it| !it));
    is_known.await?;
    before.kill();
    NOWHERE.clone_into(&mut stage.providers[0].1);
    Ok(stage)
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn the_first_task_of_an_idle_provider_is_told_at_once_by_every_process(db: PgPool) -> Result {
    let stage = idle_stage(db).await?;
    let (one, other) = (stage.process().await?, stage.process().await?);
    counted(&stage).await?;
    let (mut stream, was_active) = watched(&one).await?;
    let (mut stream_of_other, was_active_elsewhere) = watched(&other).await?;
    assert!(!was_active && !was_active_elsewhere);
    assert_eq!(runs(&one).await?, 0.0);

    let mut took = Vec::new();
    for _ in 0..5 {
        let submitted = Instant::now();
        let id = stage.submit(&other, vec![picture("a", &[]), picture("b", &[])]).await?;
        let told = stream.message().await?.ok_or("an end")?;
        let told_elsewhere = stream_of_other.message().await?.ok_or("an end")?;
        took.push(submitted.elapsed());
        assert!(told.result && told_elsewhere.result);
        // They wait for an adapter, and count for as long as they do.
        testkit::eventually(async || Ok::<_, crate::Error>(runs(&one).await? == 2.0)).await?;
        assert!(is_active(&other).await?);

        let request = CancelWorkflowRequest { id, request_id: testkit::request_id() };
        other.workflows(stage.organization).cancel_workflow(request).await?;
        assert!(!stream.message().await?.ok_or("an end")?.result);
        assert!(!stream_of_other.message().await?.ok_or("an end")?.result);
        assert_eq!(runs(&other).await?, 0.0);
    }
    // The median: the machine that tests run on is busy with others at times.
    took.sort();
    assert!(took[2] < PROMPT, "{took:?}");
    Ok(())
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn what_waited_for_an_adapter_runs_when_there_is_one(db: PgPool) -> Result {
    let mut stage = idle_stage(db).await?;
    let process = stage.process().await?;
    counted(&stage).await?;
    let id = stage.submit(&process, vec![picture("a", &[])]).await?;
    testkit::eventually(async || is_active(&process).await).await?;
    process.kill();
    // The same provider, where it listens again.
    stage.providers[0].1 = stage.fake.serve().await;
    let process = stage.process().await?;
    stage.ends(&process, &id, api::sartiq::compute::v1::workflow::State::Completed).await?;
    testkit::eventually(async || is_active(&process).await.map(|it| !it)).await?;
    assert_eq!(stage.fake.submissions().len(), 1);
    Ok(())
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn runs_keep_adapters_and_their_end_lets_them_go(db: PgPool) -> Result {
    let stage = Stage::new(db).await;
    stage.fake.plan(|_, _| vec![Act::Accept, Act::Gate, Act::Complete]);
    let process = stage.process().await?;
    let nodes = (0..3).map(|it| picture(&format!("n{it}"), &[])).collect();
    let id = stage.submit(&process, nodes).await?;
    testkit::eventually(async || Ok::<_, crate::Error>(runs(&process).await? == 3.0)).await?;
    let (mut stream, was_active) = watched(&process).await?;
    assert!(was_active);
    stage.fake.open_gate();
    stage.ends(&process, &id, api::sartiq::compute::v1::workflow::State::Completed).await?;
    assert!(!stream.message().await?.ok_or("an end")?.result);
    assert_eq!(runs(&process).await?, 0.0);
    Ok(())
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn a_long_queue_wants_no_more_than_the_lanes_take(db: PgPool) -> Result {
    let stage = Stage::new(db).await;
    stage.fake.plan(|_, _| vec![Act::Accept, Act::Hang]);
    let process = stage.process().await?;
    let nodes = (0..30).map(|it| picture(&format!("n{it}"), &[])).collect();
    stage.submit(&process, nodes).await?;
    // A lane takes eight at once where nobody says otherwise.
    testkit::eventually(async || Ok::<_, crate::Error>(runs(&process).await? == 8.0)).await?;
    Ok(())
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn a_provider_that_never_said_what_it_can_do_is_wanted_until_it_has(db: PgPool) -> Result {
    let mut stage = Stage::new(db).await;
    let here = std::mem::replace(&mut stage.providers[0].1, NOWHERE.to_owned());
    let process = stage.process().await?;
    counted(&stage).await?;
    assert!(is_active(&process).await?);
    assert_eq!(runs(&process).await?, 0.0);
    process.kill();
    stage.providers[0].1 = here;
    let process = stage.process().await?;
    testkit::eventually(async || is_active(&process).await.map(|it| !it)).await?;
    Ok(())
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn the_specs_follow_from_the_trigger(db: PgPool) -> Result {
    let stage = Stage::new(db).await;
    let process = stage.process().await?;
    let mut keda = keda(&process)?;
    let specs = keda.get_metric_spec(acme()).await?.into_inner();
    let [spec] = specs.metric_specs.as_slice() else { return Err("not one spec".into()) };
    assert_eq!((spec.metric_name.as_str(), spec.target_size), ("runs", 16));
    assert_eq!(spec.target_size_float, 16.0);
    let mut stream = keda.stream_metric_spec(acme()).await?.into_inner();
    assert_eq!(stream.message().await?, Some(specs));
    let usual = keda.get_metric_spec(object(&[("provider", "acme")])).await?.into_inner();
    assert_eq!(usual.metric_specs[0].target_size, 64);

    for metadata in [
        vec![],
        vec![("provider", "acne")],
        vec![("provider", "acme"), ("runsPerReplica", "0")],
        vec![("provider", "acme"), ("runsPerReplica", "many")],
    ] {
        let object = object(&metadata);
        let status = keda.get_metric_spec(object.clone()).await.err().ok_or("accepted")?;
        assert_eq!(status.code(), Code::InvalidArgument, "{metadata:?}");
        assert_eq!(
            keda.stream_is_active(object).await.err().map(|it| it.code()),
            Some(Code::InvalidArgument)
        );
    }
    let request =
        GetMetricsRequest { scaled_object_ref: Some(acme()), metric_name: "s0-runs".to_owned() };
    let status = keda.get_metrics(request).await.err().ok_or("accepted")?;
    assert_eq!(testkit::fields(&status), ["metricName"]);
    Ok(())
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn streams_end_well_when_the_process_stops(db: PgPool) -> Result {
    let stage = Stage::new(db).await;
    let process = stage.process().await?;
    let (mut active, first) = watched(&process).await?;
    if first {
        // It was not known yet.
        assert!(!active.message().await?.ok_or("an end")?.result);
    }
    let mut specs = keda(&process)?.stream_metric_spec(acme()).await?.into_inner();
    assert!(specs.message().await?.is_some());
    process.stop();
    assert_eq!(active.message().await?, None);
    assert_eq!(specs.message().await?, None);
    Ok(())
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn only_who_presents_a_certificate_of_the_authority_is_answered(db: PgPool) -> Result {
    let mut stage = Stage::new(db).await;
    let folder = tempfile::tempdir()?;
    let (authority, stranger) = (authority()?, authority()?);
    let (cert, key) = issued(&authority, "localhost")?;
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).map(|()| path)
    };
    stage.scaler = ScalerConfig {
        scaler_listen_addr: Some("127.0.0.1:0".parse()?),
        scaler_tls_cert: Some(file("tls.crt", &cert)?),
        scaler_tls_key: Some(file("tls.key", &key)?),
        scaler_client_ca: Some(file("ca.crt", &authority.pem())?),
    };
    let process = stage.process().await?;
    let trust = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(authority.pem()))
        .domain_name("localhost");
    let ask = async |tls: ClientTlsConfig| {
        let endpoint = Endpoint::from_shared(format!("https://{}", process.scaler))?;
        let channel = endpoint.tls_config(tls)?.connect_lazy();
        let answer = ExternalScalerClient::new(channel).get_metric_spec(acme()).await;
        Ok::<_, crate::Error>(answer.is_ok())
    };
    let identity = |issuer| {
        let (cert, key) = issued(issuer, "keda")?;
        Ok::<_, crate::Error>(Identity::from_pem(cert, key))
    };
    assert!(ask(trust.clone().identity(identity(&authority)?)).await?);
    assert!(!ask(trust.clone().identity(identity(&stranger)?)).await?);
    assert!(!ask(trust).await?);
    assert!(keda(&process)?.get_metric_spec(acme()).await.is_err(), "without TLS");
    Ok(())
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn without_certificates_it_answers_this_machine_alone(db: PgPool) -> Result {
    let mut stage = Stage::new(db).await;
    stage.scaler.scaler_listen_addr = Some("0.0.0.0:0".parse()?);
    let refused = stage.process().await.err().ok_or("it listens to everybody")?;
    assert!(refused.to_string().contains("SCALER_TLS_CERT"), "{refused}");
    Ok(())
}

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Result<Authority> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    Ok(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?)
}

/// Returns a certificate for `name` and its key.
fn issued(authority: &Authority, name: &str) -> Result<(String, String)> {
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new(vec![name.to_owned()])?.signed_by(&key, authority)?;
    Ok((certificate.pem(), key.serialize_pem()))
}
