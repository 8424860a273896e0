//! Workflows of three tasks, one after the other, on a lane that answers at once.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use api::sartiq::compute::v1::route_service_client::RouteServiceClient;
use api::sartiq::compute::v1::workflow_service_client::WorkflowServiceClient;
use api::sartiq::compute::v1::{
    GetWorkflowResultRequest, Graph, Lane, Node, SetRouteRequest, SubmitWorkflowRequest,
};
use api::sartiq::event::v1::event::Payload;
use api::sartiq::provider::v1::{
    Asset, Capability, RemoveBackground, RunInput, TextToImage, asset,
};
use server::{Caller, Channel, Mesh};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use types::id::OrganizationId;

use super::load::Times;
use super::machine::{Machine, Probe};
use super::report::Row;
use super::stage::Stage;
use super::{adapter, clock};
use crate::{House, Result, request_id, until};

const AREA: &str = "workflows of three tasks, each over gRPC to an adapter of its own process";

/// How many are submitted as fast as they are taken.
const BURST: usize = 5_000;

/// How many calls submit at once.
const SUBMITTERS: usize = 64;

/// How many a second are submitted where it is about how long they take.
const RATE: u32 = 20;

/// How many of these there are.
const PACED: u32 = 600;

/// How many wait at the same time, on a lane that is full, while others are measured.
const QUEUED: [usize; 3] = [1_000, 10_000, 100_000];

/// How long a prompt is, in bytes.
const PROMPT: usize = 1_000;

/// What somebody sees who runs workflows.
struct Runner {
    workflows: WorkflowServiceClient<Channel>,
    routes: RouteServiceClient<Channel>,
    caller: Caller,
    ended: mpsc::UnboundedReceiver<(String, Instant, Duration)>,
    nth: usize,
    /// Where PostgreSQL writes.
    disk: PathBuf,
}

pub(super) async fn rows(stage: &Stage) -> Result<Vec<Row>> {
    let mut runner = Runner::new(stage).await?;
    runner.burst(500).await?;

    let mut rows = Vec::new();
    let before = stage.usage()?;
    let took = runner.burst(BURST).await?;
    let after = stage.usage()?;
    let setting = format!("{BURST} at once");
    let row = |name: &str, figure, unit| Row::new(AREA, &setting, name, figure, unit);
    let rate = BURST as f64 / took.as_secs_f64();
    rows.push(row("workflows", rate, "1/s"));
    rows.push(row("durable tasks", 3.0 * rate, "1/s").at_least(2_500.0));
    for name in ["compute", "the adapter", "PostgreSQL", "Redis"] {
        let used = after.since(&before, &[name], BURST);
        rows.push(row(&format!("processor, {name}"), used, "µs/run"));
    }

    let empty = runner.paced().await?;
    rows.extend(empty.rows("nothing else is queued", None));
    runner.stop_lane().await?;
    let mut queued = 0;
    for n in QUEUED {
        let start = Instant::now();
        runner.submit(n - queued, waiting).await?;
        let setting = format!("{n} others are queued");
        let row = |name, figure, unit| Row::new(AREA, &setting, name, figure, unit);
        rows.push(row("queued", (n - queued) as f64 / start.elapsed().as_secs_f64(), "1/s"));
        queued = n;
        // What queueing them left behind is not what queues cost.
        tokio::time::sleep(Duration::from_secs(3)).await;
        let took = runner.burst(BURST / 5).await?;
        let crowded = (BURST / 5) as f64 / took.as_secs_f64();
        rows.push(row("workflows", crowded, "1/s"));
        rows.push(row("workflows, to those of an empty queue", crowded / rate, "×"));
        rows.extend(runner.paced().await?.rows(&setting, Some(&empty)));
    }
    Ok(rows)
}

impl Runner {
    async fn new(stage: &Stage) -> Result<Self> {
        let channel = channel(stage).await?;
        let organization: OrganizationId = stage.owner.organization_id.parse()?;
        let caller = Caller::background(organization);
        let stream = stage.house.events().open()?;
        let end = stream.ends("compute").await?.1;
        let mut tail = stream.tail(BTreeMap::from([("compute".to_owned(), end)])).await?;
        let (told, ended) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok(events) = tail.next().await {
                let now = (Instant::now(), clock());
                for event in events {
                    if let Some(Payload::WorkflowEnded(it)) = event.payload
                        && told.send((it.reference, now.0, now.1)).is_err()
                    {
                        return;
                    }
                }
            }
        });
        let workflows = WorkflowServiceClient::new(channel.clone());
        let routes = RouteServiceClient::new(channel);
        let disk = stage.servers.folder().to_owned();
        let this = Self { workflows, routes, caller, ended, nth: 0, disk };
        this.route(Capability::TextToImage, adapter::IMMEDIATE, 256).await?;
        Ok(this)
    }

    /// Sends what needs `capability` to a model, as soon as the engine knows the adapter.
    async fn route(&self, capability: Capability, model: &str, max_concurrency: i32) -> Result {
        until(30, async || {
            let (provider, model) = (adapter::NAME.to_owned(), model.to_owned());
            let lane = Lane { provider, model, max_concurrency, ..Lane::default() };
            let request = SetRouteRequest {
                request_id: request_id(),
                capability: capability.into(),
                lanes: vec![lane],
            };
            self.routes.clone().set_route(self.caller.call(request)).await?;
            Ok(Some(()))
        })
        .await
    }

    fn reference(&mut self) -> String {
        self.nth += 1;
        format!("bench-{}", self.nth)
    }

    /// Submits so many at once, and answers how long it took until all had ended.
    async fn burst(&mut self, count: usize) -> Result<Duration> {
        let start = Instant::now();
        self.submit(count, chain).await?;
        let mut last = start;
        for _ in 0..count {
            let ended = timeout(Duration::from_secs(60), self.ended.recv()).await;
            last = ended?.ok_or("nobody listens to the engine")?.1;
        }
        Ok(last - start)
    }

    /// Submits some at a steady pace, and sees how long each takes.
    async fn paced(&mut self) -> Result<Paced> {
        let mut submitting = JoinSet::new();
        let mut begun = HashMap::new();
        let probe = Probe::start(&self.disk)?;
        let start = Instant::now();
        for nth in 0..PACED {
            sleep_until(start + Duration::from_secs(1) / RATE * nth).await;
            let reference = self.reference();
            let request = self.caller.call(chain(reference.clone()));
            begun.insert(reference.clone(), (Instant::now(), clock()));
            let mut workflows = self.workflows.clone();
            submitting.spawn(async move {
                let answer = workflows.submit_workflow(request).await?.into_inner();
                let id = answer.workflow.ok_or("no workflow")?.id;
                Ok::<_, crate::Error>((reference, id))
            });
        }
        let mut whole = Times::default();
        for _ in 0..PACED {
            let ended = timeout(Duration::from_secs(60), self.ended.recv()).await;
            let (reference, at, _) = ended?.ok_or("nobody listens to the engine")?;
            whole.add(at - begun.get(&reference).ok_or("an unknown workflow ended")?.0);
        }
        let machine = probe.end().await?;
        let (mut claim, mut steps) = (Times::default(), Times::default());
        while let Some(answer) = submitting.join_next().await {
            let (reference, id) = answer??;
            let request = self.caller.call(GetWorkflowResultRequest { id, nodes: Vec::new() });
            let answer = self.workflows.get_workflow_result(request).await?.into_inner();
            let mut arrivals = BTreeMap::new();
            for task in answer.tasks {
                let attempt = task.attempts.first().ok_or("a task without an attempt")?;
                arrivals.insert(task.node, adapter::arrival(&attempt.vendor_job_id)?);
            }
            claim.add(arrivals["a"].saturating_sub(begun[&reference].1));
            steps.add(arrivals["b"].saturating_sub(arrivals["a"]));
            steps.add(arrivals["c"].saturating_sub(arrivals["b"]));
        }
        Ok(Paced { whole, claim, steps, machine })
    }

    /// Fills the lane that never answers.
    async fn stop_lane(&self) -> Result {
        self.route(Capability::RemoveBackground, adapter::NEVER, 1).await
    }

    /// Submits so many, as fast as they are taken.
    async fn submit(&mut self, count: usize, make: fn(String) -> SubmitWorkflowRequest) -> Result {
        let slots = Arc::new(Semaphore::new(SUBMITTERS));
        let mut submitting = JoinSet::new();
        for _ in 0..count {
            let slot = slots.clone().acquire_owned().await?;
            let request = make(self.reference());
            let request = self.caller.call(request);
            let mut workflows = self.workflows.clone();
            submitting.spawn(async move {
                let answer = workflows.submit_workflow(request).await;
                drop(slot);
                answer
            });
            while let Some(answer) = submitting.try_join_next() {
                answer??;
            }
        }
        while let Some(answer) = submitting.join_next().await {
            answer??;
        }
        Ok(())
    }
}

/// A way to the engine, as a service that may run workflows has it.
async fn channel(stage: &Stage) -> Result<Channel> {
    let config = server::Config {
        identity_url: stage.house.url("identity").to_owned(),
        service_key: Some(House::service_key("generation").into()),
        ..server::Config::default()
    };
    let mesh = Mesh::join("generation", &config).await?;
    mesh.channel(stage.house.url("compute"))
}

/// How long workflows took that came at a steady pace.
struct Paced {
    /// From the submission being sent until the event of the end.
    whole: Times,
    /// From the submission being sent until the first task is at the adapter.
    claim: Times,
    /// From one task at the adapter to the next.
    steps: Times,
    /// What the machine gave meanwhile.
    machine: Machine,
}

impl Paced {
    fn rows(&self, setting: &str, empty: Option<&Self>) -> Vec<Row> {
        let setting = format!("{RATE} a second; {setting}");
        let row = |name: &str, figure, unit| Row::new(AREA, &setting, name, figure, unit);
        let mut rows = vec![
            row("submitted to ended: p50", self.whole.percentile(50), "ms"),
            row("submitted to ended: p99", self.whole.percentile(99), "ms"),
            row("submitted to first at the adapter: p50", self.claim.percentile(50), "ms"),
            row("submitted to first at the adapter: p99", self.claim.percentile(99), "ms"),
            row("one task to the next: p50", self.steps.percentile(50), "ms"),
            row("one task to the next: p99", self.steps.percentile(99), "ms"),
        ];
        if let Some(empty) = empty {
            let ratio = self.claim.percentile(99) / empty.claim.percentile(99);
            let ratio = row("claim p99, to that of an empty queue", ratio, "×");
            rows.push(ratio.at_most(1.5));
        } else {
            rows[0] = rows[0].clone().at_most(15.0);
            rows[1] = rows[1].clone().at_most(30.0);
        }
        rows.extend(self.machine.rows(AREA, &setting));
        rows
    }
}

/// Three tasks, one after the other.
fn chain(reference: String) -> SubmitWorkflowRequest {
    let node = |name: &str, after: &[&str]| {
        let prompt = "p".repeat(PROMPT);
        let text_to_image = Some(TextToImage { prompt, ..TextToImage::default() });
        Node {
            name: name.to_owned(),
            after: after.iter().map(|it| (*it).to_owned()).collect(),
            run: Some(RunInput { text_to_image, ..RunInput::default() }),
            ..Node::default()
        }
    };
    let nodes = vec![node("a", &[]), node("b", &["a"]), node("c", &["b"])];
    let (request_id, graph) = (request_id(), Some(Graph { nodes }));
    SubmitWorkflowRequest { request_id, reference, graph, ..Default::default() }
}

/// One task, on the lane that never answers.
fn waiting(reference: String) -> SubmitWorkflowRequest {
    let source = Some(asset::Source::MediaId(uuid::Uuid::now_v7().to_string()));
    let image = Some(Asset { source, ..Asset::default() });
    let remove_background = Some(RemoveBackground { image });
    let run = Some(RunInput { remove_background, ..RunInput::default() });
    let nodes = vec![Node { name: "a".to_owned(), run, ..Node::default() }];
    let (request_id, graph) = (request_id(), Some(Graph { nodes }));
    SubmitWorkflowRequest { request_id, reference, graph, ..Default::default() }
}
