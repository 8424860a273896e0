//! Everything an adapter does not have to write.
//!
//! An adapter implements [`Provider`] and hands its constructor to [`run`]. What two vendors could
//! share is here: the gRPC surface, limits, inputs, uploads, retries, polling, results, costs.

mod config;
#[cfg(feature = "conformance")]
pub mod conformance;
mod cost;
mod error;
mod failure;
mod feed;
mod follow;
mod hosts;
mod input;
mod model;
mod order;
mod output;
mod pace;
mod register;
mod rpc;
mod snap;
mod task;
mod token;
mod transfer;
mod uploads;
mod vendor;

use std::fmt::Debug;
use std::process::ExitCode;
use std::time::Duration;

use api::sartiq::media::v1::workspace_service_client::WorkspaceServiceClient;
use api::sartiq::provider::v1::provider_service_server::ProviderServiceServer;
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tonic::service::Routes;

pub use config::Settings;
pub use failure::{Code, Failure, Result, Retry, Scope};
pub use hosts::Hosts;
pub use model::{Capability, Counted, Limits, Model, Price, Profile, Sizes, Support};
pub use secrecy::{ExposeSecret, SecretString};
pub use task::{Input, Part, Prepared, Size, Task};
pub use url::Url;
pub use vendor::{Answer, Call, Vendor, data_uri};

/// Why an adapter could not start.
pub type Error = server::Error;

/// One vendor, behind the words that all vendors share.
///
/// An adapter translates and nothing more: retries, deadlines, limits, transfers, telemetry and
/// the gRPC surface are this crate's.
pub trait Provider: Send + Sync + 'static {
    /// The name of the vendor, such as `acme`.
    const NAME: &'static str;

    /// What is needed to ask after a run and to cancel it. Travels as JSON in resume tokens, so it
    /// holds no secrets.
    type Job: Clone + Debug + Send + Sync + Serialize + DeserializeOwned;

    /// Says what the vendor does for every model alike.
    fn profile(&self) -> Profile;

    /// Lists the models, for each capability the recommended one first.
    fn models(&self) -> Vec<Model>;

    /// Names the hosts that results are downloaded from.
    fn result_hosts(&self) -> Hosts;

    /// Whether `job`, which came back in a resume token, may be followed.
    fn admits(&self, job: &Self::Job) -> bool;

    /// Puts an input where the vendor can read it.
    fn upload(&self, file: File) -> impl Future<Output = Result<Uploaded>> + Send;

    /// Asks the vendor to start. Called once for each run.
    fn submit(&self, run: Prepared) -> impl Future<Output = Result<Accepted<Self::Job>>> + Send;

    /// Asks the vendor how far `job` is. Costs nothing; a failure is the job's unless it is
    /// [passing](Failure::passing).
    fn poll(&self, job: &Self::Job) -> impl Future<Output = Result<State>> + Send;

    /// Asks the vendor to give `job` up.
    fn cancel(&self, job: &Self::Job) -> impl Future<Output = Result<Cancelled>> + Send;

    /// Asks the vendor whether our key is good, at no cost.
    fn check(&self) -> impl Future<Output = Result<()>> + Send;
}

/// The bytes of an input.
#[derive(Clone, Debug)]
pub struct File {
    /// The bytes.
    pub bytes: Bytes,
    /// The media type, judged by the bytes.
    pub media_type: &'static str,
    /// A name of no meaning, with an extension that fits.
    pub name: String,
}

/// An input that the vendor can read.
#[derive(Clone, Debug)]
pub struct Uploaded {
    /// What the vendor knows it by: a URL, a data URI, an id.
    pub reference: String,
    /// How long the same reference may be used. Nothing if it should not be kept.
    pub lasts: Duration,
}

/// The vendor took a run.
#[derive(Clone, Debug)]
pub struct Accepted<J> {
    /// What the vendor calls the run.
    pub job_id: String,
    /// What is needed to ask after it.
    pub job: J,
}

/// How far a run is.
#[derive(Clone, Debug)]
pub enum State {
    /// It waits.
    Queued {
        /// How many runs are before it, if the vendor says so.
        position: Option<u32>,
    },
    /// The vendor works on it.
    Running {
        /// How far it is, from 0 to 100, if the vendor says so.
        percent: Option<u32>,
        /// The last line of the log, if there is one.
        message: Option<String>,
    },
    /// The outputs are there to be downloaded.
    Succeeded(Success),
    /// The vendor said something that is not known; it is asked again until the deadline.
    Unknown(String),
}

/// What a run made.
#[derive(Clone, Debug)]
pub struct Success {
    /// The outputs. Never empty.
    pub outputs: Vec<Output>,
    /// How many units of the model's price were billed, as a decimal, if the vendor says so.
    pub billed_units: Option<String>,
    /// What the vendor calls the request, for its support.
    pub request_id: String,
}

/// One output, still at the vendor.
#[derive(Clone, Debug)]
pub struct Output {
    /// Where it is.
    pub url: String,
    /// Its size, if the vendor says so.
    pub size_bytes: Option<u64>,
    /// The seed that was used, if the vendor says so.
    pub seed: Option<u32>,
}

/// How a cancellation went.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Cancelled {
    /// The run is cancelled.
    Done,
    /// The vendor was asked to, and has not said.
    Requested,
    /// The run had ended.
    TooLate,
    /// The vendor cannot.
    NotSupported,
    /// The vendor does not know the run.
    UnknownRun,
}

/// What the runtime needs beside an adapter.
#[derive(Clone, Debug)]
pub struct Deps {
    /// The process's membership of the mesh.
    pub mesh: server::Mesh,
    /// The workspace, where inputs are read and outputs are written.
    pub workspace: WorkspaceServiceClient<server::Channel>,
    /// How much is done at once, and how patiently.
    pub settings: Settings,
}

/// Runs the adapter that `build` makes until the process is told to stop.
pub async fn run<T, P>(build: impl FnOnce(T) -> Result<P, Error>) -> ExitCode
where
    T: clap::Args,
    P: Provider,
{
    server::run(async |config: config::Config<T>| {
        // Once for each process, so nothing is lost by keeping it for good.
        let name = Box::leak(format!("provider-{}", P::NAME).into_boxed_str());
        let mesh = server::Mesh::join(name, &config.server).await?;
        let workspace = WorkspaceServiceClient::new(mesh.channel(&config.settings.media_url)?);
        let deps = Deps { mesh: mesh.clone(), workspace, settings: config.settings };
        mesh.serve(routes(build(config.vendor)?, deps)?).await
    })
    .await
}

/// The command line of the process that [`run`] runs.
pub fn command<T: clap::Args>() -> clap::Command {
    <config::Config<T> as clap::CommandFactory>::command()
}

/// The gRPC surface of `provider`.
pub fn routes<P: Provider>(provider: P, deps: Deps) -> Result<Routes, Error> {
    let adapter = rpc::Adapter::new(provider, deps)?;
    Ok(Routes::new(ProviderServiceServer::new(adapter)))
}
