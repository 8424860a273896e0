//! A provider whose vendor takes no time, as a process of its own: what remains is the engine's.

use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use api::sartiq::provider::v1::provider_service_server::{ProviderService, ProviderServiceServer};
use api::sartiq::provider::v1::run_event::Event;
use api::sartiq::provider::v1::*;
use api::sartiq::r#type::v1::Money;
use tokio_stream::{Stream, StreamExt};
use tonic::service::Routes;
use tonic::{Request, Response, Status};

use crate::process::Process;
use crate::{House, Result};

/// What the engine calls it.
pub(super) const NAME: &str = "bench";

/// The model that answers at once.
pub(super) const IMMEDIATE: &str = "bench-immediate";

/// The model that never answers.
pub(super) const NEVER: &str = "bench-never";

/// How the process is set up.
#[derive(Clone, Debug, clap::Parser)]
#[group(skip)]
#[command(name = "bench-adapter", about = "A provider whose vendor takes no time")]
pub struct Config {
    #[command(flatten)]
    server: server::Config,
}

/// Serves until the process is told to stop.
pub async fn serve(config: Config) -> Result<(), server::Error> {
    let mesh = server::Mesh::join("provider-fal", &config.server).await?;
    mesh.serve(Routes::new(ProviderServiceServer::new(Adapter))).await
}

/// Starts it beside `house`, whose engine was told that it would be at `address`.
pub(super) async fn start(house: &House, address: SocketAddr) -> Result<Process> {
    let env = [
        ("LISTEN_ADDR", address.to_string()),
        ("IDENTITY_URL", house.url("identity").to_owned()),
        ("SERVICE_KEY", House::service_key("provider-fal")),
        ("RUST_LOG", "warn".to_owned()),
    ];
    let env = env.map(|(name, value)| (name.to_owned(), value)).into();
    let mut process = Process::new("bench-adapter", "bench-adapter", env, &house.folder());
    process.start()?;
    process.is_serving().await?;
    Ok(process)
}

/// Answers everything at once, and remembers nothing.
#[derive(Clone, Copy, Debug)]
struct Adapter;

type Events<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl ProviderService for Adapter {
    async fn describe(
        &self,
        _: Request<DescribeRequest>,
    ) -> Result<Response<DescribeResponse>, Status> {
        let (provider, resumable) = (NAME.to_owned(), true);
        Ok(Response::new(DescribeResponse { provider, resumable, ..Default::default() }))
    }

    async fn list_models(
        &self,
        _: Request<ListModelsRequest>,
    ) -> Result<Response<ListModelsResponse>, Status> {
        let model = |id: &str, capability: Capability| Model {
            id: id.to_owned(),
            display_name: id.to_owned(),
            capability: capability.into(),
            limits: None,
            price: Some(Price { unit: price::Unit::Output.into(), amount: Some(price()) }),
        };
        let models = vec![
            model(IMMEDIATE, Capability::TextToImage),
            model(NEVER, Capability::RemoveBackground),
        ];
        Ok(Response::new(ListModelsResponse { models }))
    }

    async fn estimate(
        &self,
        _: Request<EstimateRequest>,
    ) -> Result<Response<EstimateResponse>, Status> {
        let cost = Cost { amount: Some(price()), source: cost::Source::PriceList.into() };
        Ok(Response::new(EstimateResponse { cost: Some(cost) }))
    }

    type RunStream = Events<RunResponse>;

    async fn run(&self, request: Request<RunRequest>) -> Result<Response<Self::RunStream>, Status> {
        let arrival = time::OffsetDateTime::now_utc();
        let request = request.into_inner();
        let input = request.input.unwrap_or_default();
        let accepted = Event::Accepted(RunAccepted {
            // What it took until it was here can be read where attempts are shown.
            vendor_job_id: arrival.unix_timestamp_nanos().to_string(),
            resume_token: b"bench".as_slice().into(),
            adjustments: Vec::new(),
        });
        let mut events = vec![accepted];
        let ends = input.model == IMMEDIATE;
        if ends {
            events.push(Event::Completed(completed(&request.run_id)));
        }
        let run_id = request.run_id;
        let events = (1..).zip(events).map(move |(sequence, event)| {
            let (run_id, event) = (run_id.clone(), Some(event));
            Ok(RunResponse { event: Some(RunEvent { run_id, sequence, time: None, event }) })
        });
        let events = tokio_stream::iter(events.collect::<Vec<_>>());
        Ok(Response::new(match ends {
            true => Box::pin(events),
            false => Box::pin(events.chain(tokio_stream::pending())),
        }))
    }

    type ResumeStream = Events<ResumeResponse>;

    async fn resume(
        &self,
        _: Request<ResumeRequest>,
    ) -> Result<Response<Self::ResumeStream>, Status> {
        Ok(Response::new(Box::pin(tokio_stream::pending())))
    }

    async fn cancel(&self, _: Request<CancelRequest>) -> Result<Response<CancelResponse>, Status> {
        let result = cancel_response::Result::Done.into();
        Ok(Response::new(CancelResponse { result }))
    }

    async fn check(&self, _: Request<CheckRequest>) -> Result<Response<CheckResponse>, Status> {
        Ok(Response::new(CheckResponse { reachable: true, authenticated: true, problem: None }))
    }
}

fn price() -> Money {
    Money { micros: 40_000, currency: "USD".to_owned() }
}

fn completed(run_id: &str) -> RunCompleted {
    let asset = Asset {
        source: Some(asset::Source::Key(format!("{run_id}/result.png"))),
        media_type: "image/png".to_owned(),
        size_bytes: 1000,
        width_px: 640,
        height_px: 480,
        ..Asset::default()
    };
    RunCompleted {
        outputs: vec![RunOutput { index: 0, asset: Some(asset), seed: None }],
        cost: Some(Cost { amount: Some(price()), source: cost::Source::Vendor.into() }),
        vendor_request_id: String::new(),
    }
}

/// When a run arrived, since 1970.
pub(super) fn arrival(vendor_job_id: &str) -> Result<Duration> {
    Ok(Duration::from_nanos(vendor_job_id.parse()?))
}
