//! What an operator sees of the mesh: one trace from the click to the stored file, what is counted,
//! log lines that belong together; and what nobody must see there.

use std::collections::{BTreeMap, BTreeSet};

use api::sartiq::delivery::v1::export_service_client::ExportServiceClient;
use api::sartiq::delivery::v1::{CreateExportRequest, GetExportRequest, export};
use api::sartiq::generation::v1::{Prediction, prediction};
use api::sartiq::identity::v1::auth_service_client::AuthServiceClient;
use api::sartiq::identity::v1::{LoginRequest, RefreshRequest};
use api::sartiq::media::v1::CreateUploadRequest;
use api::sartiq::media::v1::upload_service_client::UploadServiceClient;
use api::sartiq::shooting::v1::review_service_client::ReviewServiceClient;
use api::sartiq::shooting::v1::shot_service_client::ShotServiceClient;
use api::sartiq::shooting::v1::{ApprovePredictionRequest, GetShotRequest, Shot, shot};
use serde_json::Value;
use sqlx::PgPool;
use tests::{
    Actor, Collector, House, Result, SERVICES, Seen, free_address, photo, request_id, secrets,
    until,
};
use tonic::transport::Endpoint;

/// What a browser sends with a click: the trace that it began, and the click as a part of it.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CLICK: &str = "00f067aa0ba902b7";

/// A mesh that shows everything.
struct Observed {
    house: House,
    collector: Collector,
    metrics: BTreeMap<&'static str, String>,
    http: fetch::Client,
}

impl Observed {
    async fn start(db: PgPool, level: &str, settings: &[(&'static str, &str)]) -> Result<Self> {
        let collector = Collector::start().await?;
        let addresses = SERVICES.map(|name| Ok((name, free_address()?.to_string())));
        let metrics = addresses.into_iter().collect::<Result<BTreeMap<_, _>>>()?;
        let house = House::start_with(db, |name| {
            let mut env = vec![
                ("METRICS_ADDR", metrics[name].clone()),
                ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url()),
                ("RUST_LOG", level.to_owned()),
            ];
            env.extend(settings.iter().map(|(key, value)| (*key, (*value).to_owned())));
            env
        })
        .await?;
        let policy = fetch::Policy { allow_private: true, ..fetch::Policy::default() };
        Ok(Self { house, collector, metrics, http: fetch::Client::new(policy)? })
    }

    async fn metrics(&self, service: &str) -> Result<String> {
        let url = format!("http://{}/metrics", self.metrics[service]);
        let read = self.http.download(fetch::Request::get(url)).await?;
        Ok(String::from_utf8(read.bytes.to_vec())?)
    }

    /// The value of the first line of a metric that has all of `labels`.
    async fn metric(&self, service: &str, name: &str, labels: &[&str]) -> Result<f64> {
        let text = self.metrics(service).await?;
        let line = text.lines().find(|line| {
            line.strip_prefix(name).is_some_and(|it| it.starts_with(['{', ' ']))
                && labels.iter().all(|label| line.contains(label))
        });
        let value = line.and_then(|it| it.rsplit_once(' ')).and_then(|(_, it)| it.parse().ok());
        value.ok_or_else(|| format!("{service} has no {name} {labels:?}:\n{text}").into())
    }

    /// Reads a path of the gateway as a click in a browser does.
    async fn open(&self, ana: &Actor, path: &str) -> Result {
        let request = fetch::Request::get(format!("{}{path}", self.house.gateway))
            .query("token", &ana.token)
            .header("traceparent", format!("00-{TRACE}-{CLICK}-01"));
        self.http.download(request).await?;
        Ok(())
    }

    fn logs(&self) -> String {
        SERVICES.map(|it| self.house.log(it)).concat()
    }
}

/// Returns `message` as a browser sends it with a click.
fn clicked<M>(message: M) -> Result<tonic::Request<M>> {
    let mut request = tonic::Request::new(message);
    request.metadata_mut().insert("traceparent", format!("00-{TRACE}-{CLICK}-01").parse()?);
    request.metadata_mut().insert("x-request-id", "the-click".parse()?);
    Ok(request)
}

/// Starts a generation as a click in a browser does, and waits for its end.
async fn click(ana: &Actor, shot: &Shot) -> Result<Prediction> {
    let request = clicked(Actor::start_request(shot, 1))?;
    let started = ana.generations().start_generation(request).await?.into_inner();
    let ended = ana.ended(&started.generation.ok_or("no generation")?.id).await?;
    let prediction = ended.predictions.into_iter().next().ok_or("no prediction")?;
    assert_eq!(prediction.state(), prediction::State::Ready);
    Ok(prediction)
}

/// Approves a picture and exports it as a zip.
async fn export(ana: &Actor, shooting: String, shot: &str, prediction: &str) -> Result<String> {
    until(20, async || {
        let mut shots = ShotServiceClient::new(ana.signed.clone());
        let request = GetShotRequest { id: shot.to_owned() };
        let now = shots.get_shot(request).await?.into_inner().shot.ok_or("no shot")?;
        Ok((now.state() == shot::State::ToReview).then_some(()))
    })
    .await?;
    let approve =
        ApprovePredictionRequest { request_id: request_id(), prediction_id: prediction.to_owned() };
    ReviewServiceClient::new(ana.signed.clone()).approve_prediction(approve).await?;
    let mut exports = ExportServiceClient::new(ana.signed.clone());
    let request = CreateExportRequest {
        request_id: request_id(),
        name: "Spring".to_owned(),
        shooting_id: shooting,
        ..CreateExportRequest::default()
    };
    let created = exports.create_export(clicked(request)?).await?.into_inner();
    let id = created.export.ok_or("no export")?.id;
    let done = until(30, async || {
        let request = GetExportRequest { id: id.clone() };
        let found = exports.get_export(request).await?.into_inner().export.ok_or("no export")?;
        Ok((found.state() == export::State::Completed).then_some(found))
    });
    Ok(done.await?.download_path)
}

#[sqlx::test(migrations = false)]
async fn one_click_is_one_trace_and_everything_is_counted(db: PgPool) -> Result {
    // So long that nothing is sent before the end, which is told when the services drain.
    let patience = [("OTEL_BSP_SCHEDULE_DELAY", "600000")];
    let mut seen = Observed::start(db, "debug", &patience).await?;
    let ana = seen.house.owner("ana").await?;
    let product = ana.product(&photo("coffee.png")).await?;
    let (shooting, shots) = ana.shots(&product, 1).await?;
    let prediction = click(&ana, &shots[0]).await?;
    let zip = export(&ana, shooting, &shots[0].id, &prediction.id).await?;
    seen.open(&ana, &format!("/files/{}", prediction.media_id)).await?;
    seen.open(&ana, &zip).await?;

    let start = "rpc_method=\"sartiq.generation.v1.GenerationService/StartGeneration\"";
    let fine = "rpc_response_status_code=\"OK\"";
    let (server, client) =
        ("rpc_server_call_duration_seconds_count", "rpc_client_call_duration_seconds_count");
    for service in ["gateway", "generation"] {
        assert_eq!(seen.metric(service, server, &[start, fine]).await?, 1.0, "{service}");
    }
    let peer = seen.house.url("generation").rsplit(':').next().unwrap_or_default().to_owned();
    let peer = format!("server_port=\"{peer}\"");
    let labels = [start, fine, "rpc_system_name=\"grpc\"", "server_address=\"127.0.0.1\"", &peer];
    assert_eq!(seen.metric("gateway", client, &labels).await?, 1.0);
    for route in ["/files/{id}", "/exports/{id}/download"] {
        let route = format!("http_route=\"{route}\"");
        let labels = [&*route, "http_request_method=\"GET\"", "_status_code=\"302\""];
        let count = "http_server_request_duration_seconds_count";
        assert_eq!(seen.metric("gateway", count, &labels).await?, 1.0, "{route}");
    }
    let ingested = "outcome=\"ingested\"";
    assert_eq!(seen.metric("media", "sartiq_upload_ended_total", &[ingested]).await?, 1.0);
    for (service, name, labels) in [
        ("media", "sartiq_upload_processing_seconds_count", [ingested, ""]),
        ("media", "sartiq_adoption_processing_seconds_count", ["outcome=\"adopted\"", ""]),
        ("compute", "sartiq_task_ended_total", ["capability=\"EDIT_IMAGE\"", "\"completed\""]),
        ("compute", "sartiq_task_duration_seconds_count", ["\"EDIT_IMAGE\"", "\"completed\""]),
        ("compute", "sartiq_attempt_duration_seconds_count", ["\"EDIT_IMAGE\"", "\"completed\""]),
        ("generation", "sartiq_generation_ended_total", ["outcome=\"completed\"", ""]),
        ("generation", "sartiq_generation_duration_seconds_count", ["\"completed\"", ""]),
        ("delivery", "sartiq_export_ended_total", ["outcome=\"completed\"", "target=\"zip\""]),
        ("delivery", "sartiq_export_delivery_seconds_count", ["target=\"zip\"", ""]),
    ] {
        assert_eq!(seen.metric(service, name, &labels).await?, 1.0, "{name}");
    }
    for name in ["sartiq_task_queue_depth", "sartiq_task_queue_age_seconds"] {
        assert_eq!(seen.metric("compute", name, &["\"EDIT_IMAGE\""]).await?, 0.0, "{name}");
    }
    let pool = "db_client_connection_count";
    let idle = seen.metric("compute", pool, &["\"idle\""]).await?;
    assert!(0.0 < idle + seen.metric("compute", pool, &["\"used\""]).await?);
    until(5, async || {
        let behind = seen.metric("media", "sartiq_event_relay_behind", &["\"media\""]).await?;
        Ok((behind == 0.0).then_some(()))
    })
    .await?;
    for service in SERVICES {
        let bytes = seen.metric(service, "process_resident_memory_bytes", &[]).await?;
        assert!(1e6 < bytes, "{service}: {bytes}");
        assert!(0.0 < seen.metric(service, "process_cpu_seconds_total", &[]).await?);
    }

    let lines = lines(&seen)?;
    for service in SERVICES.into_iter().rev() {
        seen.house.stop(service).await?;
    }
    let spans = seen.collector.trace(TRACE);
    is_whole(&spans);
    for (service, name) in [
        ("gateway", "sartiq.generation.v1.GenerationService/StartGeneration"),
        ("generation", "sartiq.generation.v1.GenerationService/StartGeneration"),
        ("compute", "sartiq.compute.v1.WorkflowService/SubmitWorkflow"),
        ("compute", "attempt"),
        ("compute", "sartiq.provider.v1.ProviderService/Run"),
        ("provider-fal", "sartiq.provider.v1.ProviderService/Run"),
        ("provider-fal", "run"),
        ("provider-fal", "submit"),
        ("provider-fal", "store"),
        ("provider-fal", "sartiq.media.v1.WorkspaceService/SignWrite"),
        ("media", "sartiq.media.v1.WorkspaceService/SignWrite"),
        ("generation", "collect"),
        ("media", "sartiq.media.v1.WorkspaceService/Adopt"),
        ("gateway", "sartiq.delivery.v1.ExportService/CreateExport"),
        ("delivery", "sartiq.delivery.v1.ExportService/CreateExport"),
        ("delivery", "deliver"),
        ("delivery", "sartiq.media.v1.WorkspaceService/SignRead"),
        ("media", "sartiq.media.v1.WorkspaceService/SignRead"),
        ("delivery", "sartiq.media.v1.WorkspaceService/SignWrite"),
        ("gateway", "GET /files/{id}"),
        ("media", "sartiq.media.v1.MediaService/SignUrls"),
        ("gateway", "GET /exports/{id}/download"),
        ("delivery", "sartiq.delivery.v1.ExportService/SignDownload"),
    ] {
        let is_there = spans.iter().any(|it| it.service == service && it.name == name);
        assert!(is_there, "no `{name}` of {service} in {spans:#?}");
    }

    // Log lines name the same trace, and those of the call the same request.
    for service in ["generation", "compute", "provider-fal", "media", "delivery"] {
        let of_trace =
            lines.iter().filter(|(it, line)| *it == service && has(line, "trace.id", TRACE));
        assert!(0 < of_trace.count(), "{service} logged nothing of the trace");
    }
    for service in ["gateway", "generation", "compute"] {
        let of_call =
            |(it, line): &&(&str, Value)| *it == service && has(line, "request.id", "the-click");
        assert!(lines.iter().any(|it| of_call(&it)), "{service} logged nothing of the call");
    }
    Ok(())
}

/// Every line that was logged, which is JSON.
fn lines(seen: &Observed) -> Result<Vec<(&'static str, Value)>> {
    let mut lines = Vec::new();
    for service in SERVICES {
        for line in seen.house.log(service).lines() {
            let json = serde_json::from_str(line).map_err(|it| format!("{it}: {line}"))?;
            lines.push((service, json));
        }
    }
    Ok(lines)
}

/// Tells whether a span around a log line has a field of a value.
fn has(line: &Value, field: &str, value: &str) -> bool {
    let spans = line["spans"].as_array();
    spans.is_some_and(|it| it.iter().any(|span| span[field] == value))
}

/// Every span of a trace is a part of the click or of another span of it.
fn is_whole(spans: &[Seen]) {
    let ids: BTreeSet<&str> = spans.iter().map(|it| it.span_id.as_str()).collect();
    for span in spans {
        let parent = span.parent_id.as_str();
        assert!(parent == CLICK || ids.contains(parent), "{span:?} is a part of nothing");
    }
}

#[sqlx::test(migrations = false)]
async fn no_secret_is_told_however_much_is_asked_for(db: PgPool) -> Result {
    let seen = Observed::start(db, "trace", &[("OTEL_BSP_SCHEDULE_DELAY", "100")]).await?;
    let ana = seen.house.owner("ana").await?;

    let door = Endpoint::from_shared(seen.house.gateway.clone())?.connect_lazy();
    let mut auth = AuthServiceClient::new(door);
    let password = "correct horse battery".to_owned();
    let login = LoginRequest {
        email: ana.email.clone(),
        password: password.clone(),
        ..LoginRequest::default()
    };
    let tokens = auth.login(login).await?.into_inner().tokens.ok_or("no tokens")?;
    let wrong = LoginRequest {
        email: ana.email.clone(),
        password: "a wrong password that is almost right".to_owned(),
        ..LoginRequest::default()
    };
    assert!(auth.login(wrong.clone()).await.is_err());
    let refresh = RefreshRequest { refresh_token: tokens.refresh_token.clone() };
    let fresh = auth.refresh(refresh).await?.into_inner().tokens.ok_or("no tokens")?;
    let forged = format!("{}x", tokens.refresh_token);
    assert!(auth.refresh(RefreshRequest { refresh_token: forged.clone() }).await.is_err());

    let product = ana.product(&photo("coffee.png")).await?;
    let (shooting, shots) = ana.shots(&product, 1).await?;
    let prediction = click(&ana, &shots[0]).await?;
    ana.read(&seen.house, &format!("/files/{}", prediction.media_id)).await?;
    let path = export(&ana, shooting, &shots[0].id, &prediction.id).await?;
    ana.read(&seen.house, &path).await?;
    let upload = CreateUploadRequest {
        request_id: request_id(),
        filename: "late.png".to_owned(),
        media_type: "image/png".to_owned(),
        size_bytes: 1000,
        ..CreateUploadRequest::default()
    };
    let created = UploadServiceClient::new(ana.signed.clone()).create_upload(upload).await?;
    let url = created.into_inner().parts.into_iter().next().ok_or("no part")?.url;
    let (_, signature) = url.split_once("X-Amz-Signature=").ok_or("no signature")?;
    let signature = signature.split('&').next().unwrap_or_default().to_owned();

    let mut canaries = secrets();
    canaries.extend([password, wrong.password, signature, forged]);
    for tokens in [tokens, fresh] {
        canaries.extend([tokens.refresh_token, tokens.access_token]);
    }
    canaries.push(ana.token.clone());
    // What makes a token a token, and a URL one that opens something, whoever they are for.
    canaries.extend(["eyJ0eXAi", "eyJhbGci", "X-Amz-Signature="].map(str::to_owned));
    // The signature alone is as good as the token, and the last part of a key as the key.
    canaries.extend(ana.token.rsplit('.').next().map(str::to_owned));
    assert!(canaries.iter().all(|it| 8 <= it.len()), "{canaries:?}");

    // The spans of what was just asked for are on their way.
    until(20, async || Ok((!seen.collector.trace(TRACE).is_empty()).then_some(()))).await?;
    let mut told = vec![("traces", seen.collector.text()), ("logs", seen.logs())];
    for service in SERVICES {
        told.push((service, seen.metrics(service).await?));
    }
    let logs = &told[1].1;
    // Statements are logged and calls are named, so what is not found is not there.
    assert!(logs.contains("sqlx::query") && logs.contains("the-click"), "too little was logged");
    for (place, text) in &told {
        for canary in &canaries {
            let at = text.find(canary.as_str());
            let around = at.map(|at| {
                let start = text[..at].rfind('\n').map_or(0, |it| it + 1);
                text[start..].lines().next().unwrap_or_default()
            });
            assert_eq!(around, None, "`{canary}` is in {place}");
        }
    }
    Ok(())
}
