//! What KEDA asks: whether adapters of a provider should run, and how many.
//!
//! All of it is read from two small tables that any process can read, so every process answers, and
//! the same.

mod door;

use std::time::Duration;

use api::externalscaler::{
    GetMetricSpecResponse, GetMetricsRequest, GetMetricsResponse, IsActiveResponse, MetricSpec,
    MetricValue, ScaledObjectRef,
};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use server::Shutdown;
use tonic::Status;

use crate::error::{Error, Result};
use crate::store::demand;
use crate::{Compute, store};

pub(crate) use door::open;

/// The one metric: how many runs a provider has and could have at once.
const METRIC: &str = "runs";

/// How many runs an adapter follows well, where the trigger does not say.
const RUNS_PER_REPLICA: u32 = 64;

/// How often a stream looks by itself; what changes is told sooner by whoever changed it.
const LOOK: Duration = Duration::from_secs(1);

/// Answers KEDA.
#[derive(Clone, Debug)]
pub(crate) struct Scaler {
    compute: Compute,
    shutdown: Shutdown,
}

/// What a trigger says in its metadata.
struct Trigger {
    provider: String,
    runs_per_replica: u32,
}

impl Trigger {
    fn read(compute: &Compute, object: &ScaledObjectRef) -> Result<Self> {
        let invalid = |key: &str, sentence: String| {
            Error::Invalid(vec![(format!("scalerMetadata.{key}"), sentence)])
        };
        let name = object.scaler_metadata.get("provider").map_or("", String::as_str);
        let provider = compute.engine.providers.named(name).ok_or_else(|| {
            let names = compute.engine.providers.list().iter().map(|it| it.name.to_string());
            let names = names.collect::<Vec<_>>().join(", ");
            invalid("provider", format!("must be one of PROVIDERS: {names}"))
        })?;
        let runs_per_replica =
            match object.scaler_metadata.get("runsPerReplica") {
                None => RUNS_PER_REPLICA,
                Some(text) => text.parse().ok().filter(|it| *it != 0).ok_or_else(|| {
                    invalid("runsPerReplica", "must be a number from 1".to_owned())
                })?,
            };
        Ok(Self { provider: provider.name.to_string(), runs_per_replica })
    }

    fn specs(&self) -> GetMetricSpecResponse {
        let spec = MetricSpec {
            metric_name: METRIC.to_owned(),
            target_size: self.runs_per_replica.into(),
            target_size_float: self.runs_per_replica.into(),
        };
        GetMetricSpecResponse { metric_specs: vec![spec] }
    }
}

/// An adapter should run if there is work for it, if runs are to be cancelled at its vendor, and if
/// it has never said what it can do: without that, nothing could ever be queued for it.
fn is_wanted(reasons: &demand::Reasons) -> bool {
    reasons.demand.is_any() || reasons.has_cancellations || !reasons.is_known
}

pub(super) async fn is_active(
    scaler: &Scaler,
    object: ScaledObjectRef,
) -> Result<IsActiveResponse> {
    let trigger = Trigger::read(&scaler.compute, &object)?;
    let reasons = demand::reasons(&scaler.compute.db, &trigger.provider).await?;
    Ok(IsActiveResponse { result: is_wanted(&reasons) })
}

pub(super) fn stream_is_active(
    scaler: &Scaler,
    object: ScaledObjectRef,
) -> Result<BoxStream<'static, Result<IsActiveResponse, Status>>> {
    let Trigger { provider, .. } = Trigger::read(&scaler.compute, &object)?;
    // Subscribed before the first look, so that nothing is missed between.
    let changes = scaler.compute.engine.demands.changes();
    let state = (scaler.clone(), changes, None);
    let answers = stream::unfold(state, move |(scaler, mut changes, mut last)| {
        let provider = provider.clone();
        async move {
            loop {
                match store::demand::reasons(&scaler.compute.db, &provider).await {
                    Ok(reasons) if last != Some(is_wanted(&reasons)) => {
                        let result = is_wanted(&reasons);
                        last = Some(result);
                        return Some((Ok(IsActiveResponse { result }), (scaler, changes, last)));
                    }
                    Ok(_) => (),
                    // What was said last holds until more is known; an end would cost a reconnection.
                    Err(error) => tracing::warn!(%error, "demand cannot be read"),
                }
                tokio::select! {
                    // A clean end makes KEDA come again soon, and to another process.
                    () = scaler.shutdown.cancelled() => return None,
                    _ = changes.changed() => (),
                    () = tokio::time::sleep(LOOK) => (),
                }
            }
        }
    });
    Ok(answers.boxed())
}

pub(super) fn metric_spec(
    scaler: &Scaler,
    object: &ScaledObjectRef,
) -> Result<GetMetricSpecResponse> {
    Ok(Trigger::read(&scaler.compute, object)?.specs())
}

pub(super) fn stream_metric_spec(
    scaler: &Scaler,
    object: &ScaledObjectRef,
) -> Result<BoxStream<'static, Result<GetMetricSpecResponse, Status>>> {
    let specs = Trigger::read(&scaler.compute, object)?.specs();
    // They follow from the trigger alone, so there is nothing to tell after the first.
    let shutdown = scaler.shutdown.clone();
    let rest = stream::once(async move { shutdown.cancelled().await }).filter_map(async |()| None);
    Ok(stream::iter([Ok(specs)]).chain(rest).boxed())
}

pub(super) async fn metrics(
    scaler: &Scaler,
    request: GetMetricsRequest,
) -> Result<GetMetricsResponse> {
    if request.metric_name != METRIC {
        let sentence = format!("must be `{METRIC}`");
        return Err(Error::Invalid(vec![("metricName".to_owned(), sentence)]));
    }
    let object = request.scaled_object_ref.unwrap_or_default();
    let trigger = Trigger::read(&scaler.compute, &object)?;
    let reasons = demand::reasons(&scaler.compute.db, &trigger.provider).await?;
    let runs = reasons.demand.runs();
    let value = MetricValue {
        metric_name: METRIC.to_owned(),
        metric_value: runs,
        metric_value_float: f64::from(i32::try_from(runs).unwrap_or(i32::MAX)),
    };
    Ok(GetMetricsResponse { metric_values: vec![value] })
}
