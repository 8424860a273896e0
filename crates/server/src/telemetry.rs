//! What a process says about itself: log lines, metrics and traces.

use std::net::SocketAddr;
use std::time::Duration;

use clap::{ArgMatches, CommandFactory, FromArgMatches};
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchSpanProcessor, Sampler, SdkTracerProvider};
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::{Error, metric, span};

/// How long the collector of traces may take to take some.
const COLLECTOR: Duration = Duration::from_secs(3);

/// Libraries that write down what they carry when they are asked for details: headers, signatures,
/// query strings. What they say at `info` and above is fit to be read, whatever `RUST_LOG` asks for.
const TALKERS: &[&str] = &[
    "aws_",
    "axum",
    "h2",
    "hyper",
    "opentelemetry",
    "redis",
    "reqwest",
    "rustls",
    "tonic",
    "tower",
];

/// Where a process shows what it does.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(skip)]
pub struct Telemetry {
    /// The address to show Prometheus metrics on, under `/metrics`, such as `0.0.0.0:9464`. Without
    /// one nothing is counted. For inside of the network only: it asks nobody who they are.
    #[arg(long, env)]
    pub metrics_addr: Option<SocketAddr>,

    /// Where traces are sent by OTLP over gRPC, such as `http://collector:4317`. Without one none
    /// are recorded. Queue and batches are set by OTEL_BSP_…, headers by OTEL_EXPORTER_OTLP_HEADERS.
    #[arg(long = "otlp-endpoint", env = "OTEL_EXPORTER_OTLP_ENDPOINT")]
    pub otlp_endpoint: Option<String>,

    /// How much of the traces that begin here is recorded, from 0 to 1. Those that other services
    /// began are recorded if they recorded them.
    #[arg(
        long = "trace-ratio",
        env = "OTEL_TRACES_SAMPLER_ARG",
        default_value_t = 1.0,
        value_parser = ratio
    )]
    pub trace_ratio: f64,
}

impl Telemetry {
    /// Returns the settings among those of `C`, if it has them.
    pub(crate) fn among<C: CommandFactory>(matches: &ArgMatches) -> Option<Self> {
        let command = C::command();
        let has_them = command.get_arguments().any(|it| it.get_id() == "metrics_addr");
        has_them.then(|| Self::from_arg_matches(matches).ok()).flatten()
    }

    /// Begins to count and to trace, where that is wanted. Answers what is to be told of the end.
    pub(crate) async fn start(&self) -> Result<Ending, Error> {
        if let Some(address) = self.metrics_addr {
            metric::serve(address).await?;
        }
        let endpoint = self.otlp_endpoint.as_deref().filter(|it| !it.is_empty());
        let Some(endpoint) = endpoint else { return Ok(Ending(None)) };
        let exporter = SpanExporter::builder()
            .with_tonic()
            .with_endpoint(endpoint)
            .with_timeout(COLLECTOR)
            .build()?;
        // Bounded: what a collector that is away cannot take is forgotten, and holds up nobody.
        let processor = BatchSpanProcessor::builder(exporter).build();
        let ratio = Sampler::TraceIdRatioBased(self.trace_ratio);
        let provider = SdkTracerProvider::builder()
            .with_span_processor(processor)
            .with_sampler(Sampler::ParentBased(Box::new(ratio)))
            .with_resource(Resource::builder().with_service_name(name()).build())
            .build();
        span::record(provider.tracer("sartiq"), self.trace_ratio);
        Ok(Ending(Some(provider)))
    }
}

/// What is to be told that a process ends.
#[derive(Debug)]
pub(crate) struct Ending(Option<SdkTracerProvider>);

impl Ending {
    /// Sends what was recorded and not sent yet.
    pub(crate) async fn flush(self) {
        let Some(provider) = self.0 else { return };
        let flush = move || provider.shutdown_with_timeout(COLLECTOR);
        if let Ok(Err(error)) = tokio::task::spawn_blocking(flush).await {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}

/// Writes log lines as JSON to the standard output, as `RUST_LOG` asks for them.
pub(crate) fn log() {
    let wanted =
        EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).from_env_lossy();
    lines(wanted, std::io::stdout).init();
}

fn lines<W>(wanted: EnvFilter, to: W) -> impl tracing::Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let discreet = filter_fn(|it| {
        let is_talker = TALKERS.iter().any(|name| it.target().starts_with(name));
        *it.level() <= tracing::Level::INFO || !is_talker
    });
    let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(to);
    tracing_subscriber::registry().with(wanted).with(lines.with_filter(discreet))
}

/// The name of this process, which is that of its program: all adapters share one type of settings.
fn name() -> String {
    let program = std::env::current_exe().ok();
    let stem = program.as_ref().and_then(|it| it.file_stem());
    stem.map(|it| it.to_string_lossy().into_owned()).unwrap_or_default()
}

fn ratio(text: &str) -> Result<f64, String> {
    let ratio = text.parse().ok().filter(|it| (0.0..=1.0).contains(it));
    ratio.ok_or_else(|| "must be a number from 0 to 1".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(clap::Parser)]
    struct Process {
        #[command(flatten)]
        server: crate::Config,
    }

    #[derive(clap::Parser)]
    struct Other {
        #[arg(long)]
        word: Option<String>,
    }

    #[test]
    fn settings_are_found_wherever_they_are() {
        let arguments = ["x", "--metrics-addr", "127.0.0.1:1", "--trace-ratio", "0.5"];
        let found = Telemetry::among::<Process>(&Process::command().get_matches_from(arguments));
        let found = found.map(|it| (it.metrics_addr.map(|it| it.port()), it.trace_ratio));
        assert_eq!(found, Some((Some(1), 0.5)));
        let matches = Other::command().get_matches_from(["x", "--word", "y"]);
        assert!(Telemetry::among::<Other>(&matches).is_none());
        assert!(Other::parse_from(["x"]).word.is_none());
    }

    #[test]
    fn libraries_do_not_say_what_they_carry() {
        let path = std::env::temp_dir().join(format!("lines-{}", uuid::Uuid::new_v4()));
        let said = std::fs::File::create(&path).map(|file| {
            let subscriber = lines(EnvFilter::new("trace"), std::sync::Mutex::new(file));
            tracing::subscriber::with_default(subscriber, || {
                tracing::trace!(target: "aws_sigv4::sign", "a signature");
                tracing::debug!(target: "h2::codec", "a header");
                tracing::info!(target: "hyper::client", "something to know");
                tracing::trace!(target: "catalog", "something of ours");
            });
            std::fs::read_to_string(&path).unwrap_or_default()
        });
        let _ = std::fs::remove_file(&path);
        let said = said.unwrap_or_default();
        assert!(said.contains("something to know") && said.contains("something of ours"));
        assert!(!said.contains("a signature") && !said.contains("a header"), "{said}");
    }

    #[test]
    fn a_ratio_is_a_part() {
        for text in ["1.1", "-0.1", "NaN", "much"] {
            assert!(ratio(text).is_err(), "{text}");
            assert!(Process::try_parse_from(["x", "--trace-ratio", text]).is_err(), "{text}");
        }
        let plain = Process::parse_from(["x"]).server.telemetry;
        assert_eq!((plain.trace_ratio, plain.otlp_endpoint), (1.0, None));
    }
}
