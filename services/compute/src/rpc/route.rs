//! Route RPCs.

use std::time::Duration;

use api::sartiq::compute::v1 as pb;
use api::sartiq::provider::v1 as provider;
use api::sartiq::r#type::v1::Money;
use pg::replay::Replay;
use server::Caller;

use crate::engine::{capability_of, price_of, size_of};
use crate::error::{Error, Result};
use crate::route::{Capability, DEFAULT_CONCURRENCY, LaneName, Leg};
use crate::{Compute, store};

/// How long an adapter may take to price a run.
const PATIENCE: Duration = Duration::from_secs(2);

/// How many runs are priced at once.
const MOST_RUNS: usize = 100;

pub(super) fn list_providers(compute: &Compute) -> pb::ListProvidersResponse {
    let providers = compute.engine.providers.list().iter().map(|it| {
        let standing = it.standing();
        pb::ProviderStatus {
            name: it.name.to_string(),
            reachable: standing.is_reachable,
            description: standing.description,
            models: standing.models,
        }
    });
    let mut providers: Vec<_> = providers.collect();
    providers.sort_by(|a, b| a.name.cmp(&b.name));
    pb::ListProvidersResponse { providers }
}

pub(super) fn list(compute: &Compute) -> pb::ListRoutesResponse {
    let capabilities = [
        provider::Capability::TextToImage,
        provider::Capability::EditImage,
        provider::Capability::TryOn,
        provider::Capability::ImageToVideo,
        provider::Capability::Upscale,
        provider::Capability::RemoveBackground,
    ];
    let routes = capabilities.into_iter().map(|it| route(compute, Capability(it as i16)));
    pb::ListRoutesResponse { routes: routes.collect() }
}

fn route(compute: &Compute, capability: Capability) -> pb::Route {
    let routes = compute.engine.providers.routes().borrow().clone();
    let lanes = routes.of(capability).iter().map(|leg| {
        let (running, resting) = compute.engine.lane(&leg.name);
        pb::Lane {
            provider: leg.name.provider.to_string(),
            model: leg.name.model.to_string(),
            max_concurrency: i32::try_from(leg.max_concurrency).unwrap_or(i32::MAX),
            running_count: i32::try_from(running).unwrap_or(i32::MAX),
            resting,
        }
    });
    pb::Route { capability: i32::from(capability.0), lanes: lanes.collect() }
}

pub(super) async fn set(
    compute: &Compute,
    caller: Caller,
    request: pb::SetRouteRequest,
) -> Result<pb::SetRouteResponse> {
    // Routes are of the whole mesh, so their requests are nobody's in particular.
    let scope = caller.organization_id.map_or(uuid::Uuid::nil(), Into::into);
    let replay = Replay::of("compute", scope, "SetRoute", &request.request_id, &request)?;
    let capability = Capability(i16::try_from(request.capability).unwrap_or_default());
    let mut legs = Vec::new();
    for (index, lane) in request.lanes.iter().enumerate() {
        if compute.engine.providers.named(&lane.provider).is_none() {
            let field = format!("lanes[{index}].provider");
            return Err(Error::Invalid(vec![(field, "is not a provider".to_owned())]));
        }
        let max_concurrency = match usize::try_from(lane.max_concurrency) {
            Ok(0) | Err(_) => DEFAULT_CONCURRENCY,
            Ok(max_concurrency) => max_concurrency,
        };
        let name = LaneName::new(&lane.provider, &lane.model);
        legs.push(Leg { name, max_concurrency });
    }
    let mut tx = compute.db.begin().await?;
    if let Some(reply) = replay.find(&mut tx).await? {
        return Ok(reply);
    }
    store::route::replace(&mut tx, capability, &legs).await?;
    let lanes = legs.iter().map(|leg| pb::Lane {
        provider: leg.name.provider.to_string(),
        model: leg.name.model.to_string(),
        max_concurrency: i32::try_from(leg.max_concurrency).unwrap_or(i32::MAX),
        ..pb::Lane::default()
    });
    let route = pb::Route { capability: request.capability, lanes: lanes.collect() };
    let reply = pb::SetRouteResponse { route: Some(route) };
    replay.store(&mut tx, &reply).await?;
    tx.commit().await?;
    compute.engine.providers.reload_chosen(&compute.db).await?;
    if legs.is_empty() {
        // Back to what is recommended, which only now is known again.
        return Ok(pb::SetRouteResponse { route: Some(self::route(compute, capability)) });
    }
    Ok(reply)
}

pub(super) async fn estimate(
    compute: &Compute,
    caller: Caller,
    request: pb::EstimateRunsRequest,
) -> Result<pb::EstimateRunsResponse> {
    caller.organization()?;
    if request.runs.is_empty() || MOST_RUNS < request.runs.len() {
        let sentence = format!("must have 1 to {MOST_RUNS} items");
        return Err(Error::Invalid(vec![("runs".to_owned(), sentence)]));
    }
    let runs = request.runs.into_iter().enumerate();
    let costs = runs.map(|(index, run)| cost(compute, &caller, index, run));
    let costs = futures::future::try_join_all(costs).await?;
    Ok(pb::EstimateRunsResponse { costs })
}

/// Asks the preferred lane; where it does not answer soon, what it charged last is good enough.
async fn cost(
    compute: &Compute,
    caller: &Caller,
    index: usize,
    mut input: provider::RunInput,
) -> Result<provider::Cost> {
    let capability = capability_of(&input);
    if capability == Capability::BUILTIN {
        let sentence = "must say what to make".to_owned();
        return Err(Error::Invalid(vec![(format!("runs[{index}]"), sentence)]));
    }
    let providers = &compute.engine.providers;
    let routes = providers.routes().borrow().clone();
    let leg = routes.of(capability).first().ok_or(Error::NoLane)?;
    let provider = providers.named(&leg.name.provider).ok_or(Error::NoLane)?;
    input.model = leg.name.model.to_string();
    let size = size_of(&input);
    let message = provider::EstimateRequest { input: Some(input) };
    let mut client = provider.client();
    let asked = tokio::time::timeout(PATIENCE, client.estimate(caller.call(message)));
    if provider.standing().is_reachable
        && let Ok(Ok(answer)) = asked.await
        && let Some(cost) = answer.into_inner().cost
    {
        return Ok(cost);
    }
    let models = provider.standing().models;
    let model = models.iter().find(|it| *it.id == *leg.name.model).ok_or(Error::NoLane)?;
    let amount = price_of(model).ok_or(Error::NoLane)?.of(size);
    Ok(provider::Cost {
        amount: Some(Money { micros: amount.micros, currency: amount.currency }),
        source: provider::cost::Source::PriceList.into(),
    })
}
