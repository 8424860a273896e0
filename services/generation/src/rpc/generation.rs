//! Generation RPCs.

use api::sartiq::compute::v1::EstimateRunsRequest;
use api::sartiq::generation::v1 as pb;
use pg::Page;
use pg::replay::{self, Replay};
use prost::Message;
use server::Caller;
use time::OffsetDateTime;
use types::Money;
use types::id::{GenerationId, PredictionId};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::generation::{Generation, Kind, State, Tally};
use crate::prediction::{self, Made, Prediction};
use crate::rpc::base::bases;
use crate::rpc::plan::{Plan, Wish, plan};
use crate::rpc::{event, graph, wire};
use crate::store::generation::Filter;
use crate::{Generation as Service, SCHEMA, jobs, metric, store};

pub(super) async fn quote(
    service: &Service,
    caller: Caller,
    request: pb::QuoteGenerationRequest,
) -> Result<pb::QuoteGenerationResponse> {
    let wishes: Vec<_> = request
        .shot_ids
        .iter()
        .map(|it| Wish { shot_id: it.clone(), note: String::new() })
        .collect();
    let plans = plan(service, &caller, &wishes).await?;
    let unit = vec![None; plans.len()];
    let prices = prices(service, &caller, &plans, &unit).await?;
    let mut total = Money::zero(wire::CURRENCY);
    let mut quotes = Vec::new();
    for (plan, price) in plans.iter().zip(prices) {
        let count = variants(request.variant_count, plan.default_variants);
        let cost = times(&price, count)?;
        total = sum(&total, &cost)?;
        quotes.push(pb::Quote {
            shot_id: plan.shot_id.clone(),
            variant_count: count,
            cost: Some(wire::amount(&cost)),
        });
    }
    Ok(pb::QuoteGenerationResponse { quotes, total: Some(wire::amount(&total)) })
}

pub(super) async fn start(
    service: &Service,
    caller: Caller,
    request: pb::StartGenerationRequest,
) -> Result<pb::StartGenerationResponse> {
    let replay = replay(&caller, "StartGeneration", &request.request_id, &request)?;
    if let Some(reply) = replay.known(&service.db).await? {
        return Ok(reply);
    }
    let inputs = request.generation.into_iter().collect::<Vec<_>>();
    let fresh = prepare(service, &caller, &inputs, |_| "generation".to_owned()).await?;
    let reply = accept(service, &caller, &replay, &fresh, |fresh| {
        let (generation, predictions) = fresh.first().expect("one was asked for");
        Ok(pb::StartGenerationResponse {
            generation: Some(wire::generation(generation, 0)?),
            predictions: predictions.iter().map(wire::prediction).collect(),
        })
    })
    .await?;
    submit(service, &caller, &fresh).await;
    Ok(reply)
}

pub(super) async fn batch_start(
    service: &Service,
    caller: Caller,
    request: pb::BatchStartGenerationsRequest,
) -> Result<pb::BatchStartGenerationsResponse> {
    let replay = replay(&caller, "BatchStartGenerations", &request.request_id, &request)?;
    if let Some(reply) = replay.known(&service.db).await? {
        return Ok(reply);
    }
    let path = |index| format!("generations[{index}]");
    let fresh = prepare(service, &caller, &request.generations, path).await?;
    let reply = accept(service, &caller, &replay, &fresh, |fresh| {
        let generations = fresh.iter().map(|(it, _)| wire::generation(it, 0));
        Ok(pb::BatchStartGenerationsResponse { generations: generations.collect::<Result<_>>()? })
    })
    .await?;
    submit(service, &caller, &fresh).await;
    Ok(reply)
}

pub(super) async fn get(
    service: &Service,
    caller: Caller,
    request: pb::GetGenerationRequest,
) -> Result<pb::GetGenerationResponse> {
    let (generation, predictions) = read(service, &caller, request.id.parse()?).await?;
    let percent = service.progress.percent(generation.id, &predictions);
    Ok(pb::GetGenerationResponse {
        generation: Some(wire::generation(&generation, percent)?),
        predictions: predictions.iter().map(wire::prediction).collect(),
    })
}

pub(super) async fn list(
    service: &Service,
    caller: Caller,
    request: pb::ListGenerationsRequest,
) -> Result<pb::ListGenerationsResponse> {
    let organization = caller.organization()?;
    let mut wrong = Vec::new();
    let filter = Filter {
        shot_id: wire::optional_id("shot_id", &request.shot_id, &mut wrong),
        shooting_id: wire::optional_id("shooting_id", &request.shooting_id, &mut wrong),
        states: wire::states(request.states()),
    };
    if !wrong.is_empty() {
        return Err(Error::Fields(wrong));
    }
    let arguments = ("generation", organization, &filter);
    let page = Page::parse(request.page_size, &request.page_token, arguments)?;
    let before = page.after()?.unwrap_or(Uuid::max());
    let ids =
        store::generation::list(&service.db, organization, &filter, before, page.limit()).await?;
    let (ids, next_page_token) = page.cut(ids, |it| vec![*it]);
    let mut found = store::generation::find(&service.db, organization, &ids).await?;
    found.sort_unstable_by_key(|it| std::cmp::Reverse(it.id));
    let predictions = store::prediction::of_generations(&service.db, &ids).await?;
    let mut generations = Vec::new();
    for generation in &found {
        let own: Vec<Prediction> =
            predictions.iter().filter(|it| it.generation_id == generation.id).cloned().collect();
        let percent = service.progress.percent(generation.id, &own);
        generations.push(wire::generation(generation, percent)?);
    }
    Ok(pb::ListGenerationsResponse { generations, next_page_token })
}

pub(super) async fn cancel(
    service: &Service,
    caller: Caller,
    request: pb::CancelGenerationRequest,
) -> Result<pb::CancelGenerationResponse> {
    let organization = caller.organization()?;
    let id: GenerationId = request.id.parse()?;
    let replay = replay(&caller, "CancelGeneration", &request.request_id, &request)?;
    let mut tx = service.db.begin().await?;
    let reply = replay::once(&mut tx, &replay, async |tx| {
        let locked = store::generation::lock(&mut *tx, id).await?;
        let state = match locked {
            Some((owner, state)) if owner == organization => state,
            _ => return Err(Error::GenerationNotFound(id)),
        };
        if state != State::Cancelled {
            if !state.may_become(State::Cancelled) {
                return Err(Error::StateConflict(state));
            }
            store::prediction::cancel(&mut *tx, id).await?;
            store::generation::set_state(&mut *tx, id, State::Cancelled, None).await?;
            service.queue.enqueue(&mut *tx, &jobs::Cancel::new(id)).await?;
        }
        let found = store::generation::find(&mut *tx, organization, &[id]).await?;
        let generation = found.first().ok_or(Error::GenerationNotFound(id))?;
        if state != State::Cancelled {
            metric::ended(State::Cancelled.as_str(), generation.created_at);
            let told = event::generation(generation).caused_by(&caller);
            service.outbox.publish(&mut *tx, &[told]).await?;
        }
        Ok(pb::CancelGenerationResponse { generation: Some(wire::generation(generation, 0)?) })
    })
    .await?;
    service.outbox.commit(tx).await?;
    service.queue.poke();
    service.progress.forget(id);
    service.changed(id);
    Ok(reply)
}

/// Reads a generation and its predictions.
pub(super) async fn read(
    service: &Service,
    caller: &Caller,
    id: GenerationId,
) -> Result<(Generation, Vec<Prediction>)> {
    let found = store::generation::find(&service.db, caller.organization()?, &[id]).await?;
    let generation = found.into_iter().next().ok_or(Error::GenerationNotFound(id))?;
    let predictions = store::prediction::of_generations(&service.db, &[id]).await?;
    Ok((generation, predictions))
}

type Fresh = (Generation, Vec<Prediction>);

/// Validates, plans and prices `inputs`. Writes nothing.
async fn prepare(
    service: &Service,
    caller: &Caller,
    inputs: &[pb::GenerationInput],
    path: impl Fn(usize) -> String,
) -> Result<Vec<Fresh>> {
    let organization = caller.organization()?;
    let bases = bases(service, caller, inputs, &path).await?;
    let wishes: Vec<_> = inputs
        .iter()
        .map(|it| Wish { shot_id: it.shot_id.clone(), note: it.note.clone() })
        .collect();
    let mut plans = plan(service, caller, &wishes).await?;
    for (plan, input) in plans.iter_mut().zip(inputs) {
        plan.configuration.seed = input.seed.unwrap_or_else(rand::random);
    }
    let media: Vec<_> =
        bases.iter().map(|it| it.as_ref().map(|(_, media)| media.clone())).collect();
    let prices = prices(service, caller, &plans, &media).await?;
    let now = OffsetDateTime::now_utc();
    let fresh = inputs.iter().zip(plans).zip(bases).zip(prices);
    fresh
        .map(|(((input, plan), base), price)| {
            let kind = if base.is_some() { Kind::Revision } else { Kind::Initial };
            let default = if base.is_some() { 1 } else { plan.default_variants };
            let count = variants(input.variant_count, default);
            let media = base.as_ref().map(|(_, media)| media.as_str());
            let graph = graph::build(&plan.configuration, plan.prompt_parts, media, count);
            let id = GenerationId::generate();
            let shot_id = plan.shot_id.parse()?;
            let predictions: Vec<_> = (0..count)
                .map(|index| Prediction {
                    id: PredictionId::generate(),
                    generation_id: id,
                    shot_id,
                    index,
                    state: prediction::State::Expected,
                    media_id: None,
                    made: Made {
                        seed: plan.configuration.seed.wrapping_add(index.unsigned_abs()),
                        ..Made::default()
                    },
                    problem: None,
                    created_at: now,
                    ready_at: None,
                })
                .collect();
            let generation = Generation {
                id,
                organization_id: organization,
                shot_id,
                shooting_id: plan.shooting_id.parse()?,
                state: State::Pending,
                kind,
                parent_prediction_id: base.map(|(id, _)| id),
                note: input.note.clone(),
                workflow_id: None,
                requested_count: count,
                configuration: plan.configuration.encode_to_vec(),
                graph: graph.encode_to_vec(),
                quote: times(&price, count)?,
                problem: None,
                created_at: now,
                ended_at: None,
                traceparent: caller.trace.to_store(),
                tally: Tally::of(&predictions),
            };
            Ok((generation, predictions))
        })
        .collect()
}

/// What one picture of each plan costs.
async fn prices(
    service: &Service,
    caller: &Caller,
    plans: &[Plan],
    bases: &[Option<String>],
) -> Result<Vec<Money>> {
    let pairs = plans.iter().zip(bases);
    let runs: Vec<_> =
        pairs.flat_map(|(it, base)| graph::runs(&it.configuration, base.as_deref())).collect();
    let mut routes = service.clients.routes.clone();
    let mut costs = Vec::new();
    for chunk in runs.chunks(100) {
        let request = caller.call(EstimateRunsRequest { runs: chunk.to_vec() });
        costs.extend(routes.estimate_runs(request).await?.into_inner().costs);
    }
    if costs.len() != runs.len() {
        return Err(Error::Corrupt("estimate leaves runs out".into()));
    }
    costs
        .chunks(2)
        .map(|pair| {
            pair.iter().try_fold(Money::zero(wire::CURRENCY), |total, cost| {
                let amount = cost.amount.clone().unwrap_or_default();
                sum(&total, &Money::new(amount.micros, amount.currency))
            })
        })
        .collect()
}

/// Stores `fresh`, its events and its jobs, unless the request was accepted before.
async fn accept<R: Message + Default>(
    service: &Service,
    caller: &Caller,
    replay: &Replay,
    fresh: &[Fresh],
    reply: impl Fn(&[Fresh]) -> Result<R>,
) -> Result<R> {
    let mut tx = service.db.begin().await?;
    let reply = replay::once(&mut tx, replay, async |tx| {
        let mut told = Vec::new();
        for (generation, predictions) in fresh {
            store::generation::insert(&mut *tx, generation).await?;
            store::prediction::insert(&mut *tx, generation, predictions).await?;
            jobs::Submit::new(generation.id).enqueue(&service.queue, &mut *tx).await?;
            told.push(event::generation(generation).caused_by(caller));
        }
        service.outbox.publish(&mut *tx, &told).await?;
        reply(fresh)
    })
    .await?;
    service.outbox.commit(tx).await?;
    Ok(reply)
}

/// Hands what was accepted to compute right away. What that fails for, the job does later.
async fn submit(service: &Service, caller: &Caller, fresh: &[Fresh]) {
    let all = fresh.iter().map(async |(generation, _)| {
        if let Err(error) = jobs::submit(service, caller, generation.id).await {
            tracing::warn!(generation.id = %generation.id, %error, "compute will be asked again");
        }
    });
    futures::future::join_all(all).await;
}

fn replay(
    caller: &Caller,
    method: &'static str,
    request_id: &str,
    request: &impl Message,
) -> Result<Replay> {
    Ok(Replay::of(SCHEMA, caller.organization()?, method, request_id, request)?)
}

fn variants(asked: i32, default: i32) -> i32 {
    if asked == 0 { default } else { asked }
}

fn times(price: &Money, count: i32) -> Result<Money> {
    price.times(count.into()).ok_or_else(|| Error::Corrupt("price is beyond counting".into()))
}

fn sum(a: &Money, b: &Money) -> Result<Money> {
    a.plus(b).ok_or_else(|| Error::Corrupt("prices are of two currencies".into()))
}
