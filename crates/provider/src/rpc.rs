//! The gRPC surface, written once for every adapter.

use std::sync::Arc;
use std::time::Duration;

use api::sartiq::provider::v1::provider_service_server::ProviderService;
use api::sartiq::provider::v1::*;
use futures::StreamExt;
use futures::stream::BoxStream;
use prost::Message;
use server::{Caller, Span};
use tokio::sync::{Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};
use types::id::OrganizationId;

use crate::error::{Error, Result};
use crate::failure::Code;
use crate::feed::Feed;
use crate::follow::{self, Origin, Run};
use crate::hosts::Hosts;
use crate::model::{Model, money};
use crate::order::Order;
use crate::register::Register;
use crate::snap::snap;
use crate::transfer::{Memory, Transfers};
use crate::uploads::Uploads;

use crate::{Cancelled, Deps, Provider, token};

/// How many events wait for a slow caller before the run itself waits.
const EVENTS: usize = 16;

/// The longest that a caller may let the vendor take.
const LONGEST: Duration = Duration::from_secs(6 * 60 * 60);

/// An adapter with everything around it.
pub(crate) struct Adapter<P: Provider>(Arc<Inner<P>>);

pub(crate) struct Inner<P: Provider> {
    pub(crate) provider: P,
    pub(crate) deps: Deps,
    pub(crate) models: Vec<Model>,
    pub(crate) results: Transfers,
    pub(crate) files: Transfers,
    pub(crate) uploads: Uploads,
    pub(crate) register: Register<P::Job>,
    pub(crate) memory: Memory,
    runs: Arc<Semaphore>,
}

impl<P: Provider> Adapter<P> {
    /// Puts everything around `provider`.
    pub(crate) fn new(provider: P, deps: Deps) -> Result<Self, crate::Error> {
        let settings = &deps.settings;
        Ok(Self(Arc::new(Inner {
            models: provider.models(),
            results: Transfers::new(&provider.result_hosts())?,
            // Signed by our own media service, whose store may well be inside the cluster.
            files: Transfers::new(&Hosts::ours())?,
            uploads: Uploads::default(),
            register: Register::new(),
            memory: Memory::new(settings.max_buffered_bytes),
            runs: Arc::new(Semaphore::new(settings.max_runs)),
            provider,
            deps,
        })))
    }

    /// Follows a run in a task of its own, and returns what it tells.
    fn follow(
        &self,
        caller: &Caller,
        request: Asked,
        origin: impl FnOnce(&Inner<P>) -> Result<Origin<P::Job>, Status>,
    ) -> Result<BoxStream<'static, Result<RunEvent, Status>>, Status> {
        let inner = &self.0;
        if inner.deps.mesh.shutdown().is_cancelled() {
            return Err(Error::Draining.into());
        }
        let slot = Arc::clone(&inner.runs).try_acquire_owned();
        let slot = slot.map_err(|_| Error::Full(inner.deps.settings.max_runs))?;
        let organization = request.organization_id.parse::<OrganizationId>();
        let organization =
            organization.map_err(|_| Error::Malformed("organization_id", "must be an id"))?;
        if caller.organization_id.is_some_and(|it| it != organization) {
            let sentence = "must be the organization that the call is for";
            return Err(Error::Malformed("organization_id", sentence).into());
        }
        let fingerprint = request.input.encode_to_vec();
        let mut span = Span::begin("run", caller.trace);
        span.note("run.id", request.run_id.clone());
        let run = Run {
            caller: Caller {
                request_id: caller.request_id.clone(),
                ..Caller::background(organization).within(span.trace())
            },
            id: request.run_id.clone(),
            order: Order::parse(Some(request.input))?,
            fingerprint,
            origin: origin(inner)?,
            timeout: match request.timeout {
                None => inner.deps.settings.run_timeout,
                Some(it) => Duration::try_from(it)
                    .map_err(|_| Error::Malformed("timeout", "must not be negative"))?
                    .min(LONGEST),
            },
        };
        let (events, told) = mpsc::channel(EVENTS);
        let feed = Feed::new(request.run_id, events);
        let inner = Arc::clone(inner);
        self.0.deps.mesh.spawn("run", async move {
            // Boxed, since the future of a whole run is large and lives on no stack.
            span.cover(Box::pin(follow::follow(&inner, run, feed))).await;
            drop(slot);
        });
        Ok(ReceiverStream::new(told).boxed())
    }
}

/// What `Run` and `Resume` have in common.
struct Asked {
    run_id: String,
    organization_id: String,
    input: RunInput,
    timeout: Option<prost_types::Duration>,
}

#[tonic::async_trait]
impl<P: Provider> ProviderService for Adapter<P> {
    async fn describe(
        &self,
        request: Request<DescribeRequest>,
    ) -> Result<Response<DescribeResponse>, Status> {
        server::open(request)?;
        let profile = self.0.provider.profile();
        let mut capabilities: Vec<i32> =
            self.0.models.iter().map(|it| Capability::from(it.capability).into()).collect();
        capabilities.sort_unstable();
        capabilities.dedup();
        Ok(Response::new(DescribeResponse {
            provider: P::NAME.to_owned(),
            sandboxed: profile.sandboxed,
            capabilities,
            cancel: profile.cancel.into(),
            progress: profile.progress.into(),
            resumable: true,
            result_ttl: profile.result_ttl.and_then(|it| it.try_into().ok()),
            max_concurrency: profile.max_concurrency,
        }))
    }

    async fn list_models(
        &self,
        request: Request<ListModelsRequest>,
    ) -> Result<Response<ListModelsResponse>, Status> {
        let (_, request) = server::open(request)?;
        let wanted = request.capability();
        let models = self.0.models.iter().filter(|it| {
            wanted == Capability::Unspecified || wanted == Capability::from(it.capability)
        });
        Ok(Response::new(ListModelsResponse { models: models.map(Into::into).collect() }))
    }

    async fn estimate(
        &self,
        request: Request<EstimateRequest>,
    ) -> Result<Response<EstimateResponse>, Status> {
        let (_, request) = server::open(request)?;
        let order = Order::parse(request.input)?;
        let model = self.0.model(&order).ok_or_else(|| Error::NoModel(order.model.clone()))?;
        let (run, _) =
            snap(model, String::new(), order).map_err(|it| Error::Refused(it.message))?;
        Ok(Response::new(EstimateResponse {
            cost: Some(Cost {
                amount: Some(money(crate::cost::estimate(model, &run))),
                source: cost::Source::PriceList.into(),
            }),
        }))
    }

    type RunStream = BoxStream<'static, Result<RunResponse, Status>>;

    async fn run(&self, request: Request<RunRequest>) -> Result<Response<Self::RunStream>, Status> {
        let (caller, request) = server::open(request)?;
        let asked = Asked {
            run_id: request.run_id,
            organization_id: request.organization_id,
            input: request.input.unwrap_or_default(),
            timeout: request.timeout,
        };
        let events = self.follow(&caller, asked, |_| Ok(Origin::New))?;
        let events = events.map(|it| it.map(|event| RunResponse { event: Some(event) }));
        Ok(Response::new(events.boxed()))
    }

    type ResumeStream = BoxStream<'static, Result<ResumeResponse, Status>>;

    async fn resume(
        &self,
        request: Request<ResumeRequest>,
    ) -> Result<Response<Self::ResumeStream>, Status> {
        let (caller, request) = server::open(request)?;
        let asked = Asked {
            run_id: request.run_id,
            organization_id: request.organization_id,
            input: request.input.unwrap_or_default(),
            timeout: request.timeout,
        };
        let events = self.follow(&caller, asked, |inner| {
            Ok(Origin::Accepted(token::read(&inner.provider, &request.resume_token)?))
        })?;
        let events = events.map(|it| it.map(|event| ResumeResponse { event: Some(event) }));
        Ok(Response::new(events.boxed()))
    }

    async fn cancel(
        &self,
        request: Request<CancelRequest>,
    ) -> Result<Response<CancelResponse>, Status> {
        use cancel_response::Result as Wire;
        let (_, request) = server::open(request)?;
        let accepted = token::read(&self.0.provider, &request.resume_token)?;
        let result = match self.0.provider.cancel(&accepted.job).await {
            Ok(Cancelled::Done) => Wire::Done,
            Ok(Cancelled::Requested) => Wire::Requested,
            Ok(Cancelled::TooLate) => Wire::TooLate,
            Ok(Cancelled::NotSupported) => Wire::NotSupported,
            Ok(Cancelled::UnknownRun) => Wire::UnknownRun,
            Err(failure) => return Err(Error::Unheard(failure).into()),
        };
        tracing::info!(run.id = %request.run_id, result = ?result, "run cancelled");
        Ok(Response::new(CancelResponse { result: result.into() }))
    }

    async fn check(
        &self,
        request: Request<CheckRequest>,
    ) -> Result<Response<CheckResponse>, Status> {
        server::open(request)?;
        Ok(Response::new(match self.0.provider.check().await {
            Ok(()) => CheckResponse { reachable: true, authenticated: true, problem: None },
            Err(failure) => CheckResponse {
                reachable: failure.http_status != 0,
                authenticated: failure.http_status != 0 && failure.code != Code::Authentication,
                problem: Some(failure.into()),
            },
        }))
    }
}

impl<P: Provider> Inner<P> {
    /// Finds the model that `order` asks for; one id may stand for several capabilities.
    pub(crate) fn model(&self, order: &Order) -> Option<&Model> {
        let named = || self.models.iter().filter(|it| it.id == order.model);
        named().find(|it| it.capability == order.task.capability()).or_else(|| named().next())
    }
}
