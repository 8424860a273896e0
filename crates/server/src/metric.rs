//! What is counted and timed, and where that can be read.
//!
//! RPCs are counted here, by OpenTelemetry's names as Prometheus spells them; what else a service
//! counts it says itself, with the `metrics` crate. Nothing is kept where nobody can read it.

use std::fs;
use std::net::SocketAddr;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use metrics::{Label, SharedString, Unit, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::net::TcpListener;
use tonic::Code;

use crate::Error;

const SERVER: &str = "rpc_server_call_duration_seconds";
const CLIENT: &str = "rpc_client_call_duration_seconds";
const VISIT: &str = "http_server_request_duration_seconds";

/// The name of the label that says how a call ended; newer conventions call it differently.
const STATUS: &str = "rpc_response_status_code";

/// The bounds that OpenTelemetry advises for calls, in seconds.
const CALLS: &[f64] =
    &[0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// The bounds for work that takes from a moment to an hour, in seconds.
const WORK: &[f64] = &[
    0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0,
    3600.0,
];

/// What the names of our own metrics begin with.
const OURS: &str = "sartiq_";

/// How often what was timed is moved into its buckets when nobody reads.
const UPKEEP: Duration = Duration::from_secs(5);

/// Ticks of the clock that `/proc` counts in, on every Linux that there is.
const TICKS: f64 = 100.0;

static READER: OnceLock<PrometheusHandle> = OnceLock::new();
static PROBES: Mutex<Vec<Probe>> = Mutex::new(Vec::new());

type Probe = Box<dyn Fn() + Send>;

/// Calls `probe` whenever the metrics are read, to set gauges that cost nothing until then.
pub fn at_scrape(probe: impl Fn() + Send + 'static) {
    if is_read() {
        PROBES.lock().expect("no holder panics").push(Box::new(probe));
    }
}

/// Tells whether anybody can read what is counted.
pub(crate) fn is_read() -> bool {
    READER.get().is_some()
}

/// Counts from here on, and shows it at `address` under `/metrics`.
pub(crate) async fn serve(address: SocketAddr) -> Result<(), Error> {
    let recorder = PrometheusBuilder::new()
        .set_buckets(CALLS)?
        .set_buckets_for_metric(Matcher::Prefix(OURS.to_owned()), WORK)?
        .build_recorder();
    let reader = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(|it| it.to_string())?;
    let _ = READER.set(reader.clone());
    metrics::describe_histogram!(SERVER, Unit::Seconds, "How long calls took to answer.");
    metrics::describe_histogram!(CLIENT, Unit::Seconds, "How long calls to others took.");
    metrics::describe_histogram!(VISIT, Unit::Seconds, "How long plain HTTP requests took.");

    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| format!("cannot show metrics at {address}: {error}; see METRICS_ADDR"))?;
    let address = listener.local_addr()?;
    tracing::info!(%address, "showing metrics");
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(UPKEEP).await;
            reader.run_upkeep();
        }
    });
    let router = Router::new().route("/metrics", get(read));
    // Ends with the process: whoever watches wants to see it drain.
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(())
}

async fn read() -> ([(http::HeaderName, &'static str); 1], String) {
    process();
    for probe in PROBES.lock().expect("no holder panics").iter() {
        probe();
    }
    let text = READER.get().map(PrometheusHandle::render).unwrap_or_default();
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
}

/// Counts a call that was answered.
pub(crate) fn answered(method: &'static str, code: Code, took: Duration) {
    if is_read() {
        histogram!(SERVER, labels(method, code)).record(took);
    }
}

/// Counts a call to somebody else.
pub(crate) fn called(method: &'static str, peer: &Peer, code: Code, took: Duration) {
    if is_read() {
        let mut labels = labels(method, code);
        labels.push(Label::new("server_address", peer.address.clone()));
        labels.push(Label::new("server_port", peer.port.clone()));
        histogram!(CLIENT, labels).record(took);
    }
}

/// Counts a plain HTTP request that was answered, or that was broken off.
pub(crate) fn visited(
    method: &'static str,
    route: &'static str,
    status: Option<StatusCode>,
    took: Duration,
) {
    if !is_read() {
        return;
    }
    let mut labels = vec![
        Label::from_static_parts("http_request_method", method),
        Label::from_static_parts("http_route", route),
        // What is spoken here, whatever is spoken before it.
        Label::from_static_parts("url_scheme", "http"),
    ];
    if let Some(status) = status {
        labels.push(Label::new("http_response_status_code", status.as_str().to_owned()));
    }
    match status {
        Some(status) if status.is_server_error() => {
            labels.push(Label::new("error_type", status.as_str().to_owned()));
        }
        Some(_) => {}
        None => labels.push(Label::from_static_parts("error_type", name(Code::Cancelled))),
    }
    histogram!(VISIT, labels).record(took);
}

/// Whom calls go to, as their URL names them.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    address: SharedString,
    port: SharedString,
}

impl Peer {
    pub(crate) fn of(uri: &http::Uri) -> Self {
        let port =
            uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
        let shared = |text: &str| SharedString::from_shared(text.into());
        Self { address: shared(uri.host().unwrap_or_default()), port: shared(&port.to_string()) }
    }

    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }
}

fn labels(method: &'static str, code: Code) -> Vec<Label> {
    let code_name = name(code);
    let mut labels = vec![
        Label::from_static_parts("rpc_system_name", "grpc"),
        Label::from_static_parts("rpc_method", method),
        Label::from_static_parts(STATUS, code_name),
    ];
    if code != Code::Ok {
        labels.push(Label::from_static_parts("error_type", code_name));
    }
    labels
}

/// Returns the name of a code as the protocol writes it.
pub(crate) fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// Says what the process uses. Where the system does not tell, nothing is said.
fn process() {
    if let Some(bytes) = resident() {
        gauge!("process_resident_memory_bytes").set(bytes);
    }
    if let Some(seconds) = busy() {
        gauge!("process_cpu_seconds_total").set(seconds);
    }
    if let Ok(files) = fs::read_dir("/proc/self/fd") {
        gauge!("process_open_fds").set(files.count() as f64);
    }
    let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    gauge!("tokio_alive_tasks").set(tasks as f64);
}

fn resident() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kib * 1024.0)
}

fn busy() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name may contain anything, spaces and parentheses too; what follows it does not.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let (user, system): (f64, f64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some((user + system) / TICKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_knows_what_it_uses() {
        assert!(resident().is_some_and(|it| 1e6 < it));
        assert!(busy().is_some_and(|it| 0.0 <= it));
    }

    #[test]
    fn refusals_are_errors_and_answers_are_not() {
        let keys = |code| -> Vec<String> {
            labels("a.B/C", code).iter().map(|it| format!("{}={}", it.key(), it.value())).collect()
        };
        let fine = ["rpc_system_name=grpc", "rpc_method=a.B/C", "rpc_response_status_code=OK"];
        assert_eq!(keys(Code::Ok), fine);
        assert_eq!(keys(Code::NotFound).last().map(String::as_str), Some("error_type=NOT_FOUND"));
    }
}
