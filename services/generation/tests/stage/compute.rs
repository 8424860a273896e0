//! A compute that takes graphs, and makes pictures when it is told to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use api::sartiq::compute::v1::*;
use api::sartiq::generation::v1::Generation;
use api::sartiq::provider::v1::{Asset, Cost, RunOutput, asset};
use api::sartiq::r#type::v1::Money;
use prost_types::Timestamp;
use testkit::StandIn;
use tonic::service::Routes;
use tonic::{Code, Status};
use types::id::{OrganizationId, WorkflowId};

use super::lock;

/// What a picture costs to make.
pub(crate) const IMAGE_MICROS: i64 = 40_000;
/// What a picture costs to finish.
pub(crate) const POST_MICROS: i64 = 10_000;
/// The seed that the provider says it used.
pub(crate) const SEED: u32 = 4242;

/// A compute that takes graphs, and makes pictures when it is told to.
#[derive(Clone, Default)]
pub(crate) struct Compute(Arc<Mutex<Floor>>);

/// A graph that was taken.
#[derive(Clone, Debug)]
pub(crate) struct Submitted {
    pub(crate) workflow_id: String,
    pub(crate) organization: OrganizationId,
    pub(crate) request: SubmitWorkflowRequest,
}

#[derive(Default)]
struct Floor {
    refuses: Option<Code>,
    loses_answers: bool,
    refuses_cancels: bool,
    submitted: Vec<Submitted>,
    cancelled: Vec<String>,
    stopped: Vec<(String, Vec<String>)>,
    tasks: BTreeMap<(String, String), Task>,
    n_estimates: usize,
}

impl Compute {
    /// Refuses every call with `code`, or answers again.
    pub(crate) fn refuse(&self, code: Option<Code>) {
        lock(&self.0).refuses = code;
    }

    /// Takes graphs and says that it did not, or is honest again.
    pub(crate) fn lose_answers(&self, loses_answers: bool) {
        lock(&self.0).loses_answers = loses_answers;
    }

    /// Refuses to cancel, or cancels again.
    pub(crate) fn refuse_cancels(&self, refuses_cancels: bool) {
        lock(&self.0).refuses_cancels = refuses_cancels;
    }

    /// Returns the graphs that were taken.
    pub(crate) fn submitted(&self) -> Vec<Submitted> {
        lock(&self.0).submitted.clone()
    }

    /// Returns the workflow that was submitted for `generation`.
    pub(crate) fn workflow(&self, generation: &str) -> String {
        let submitted = self.submitted();
        let found = submitted.iter().find(|it| it.request.reference == generation);
        found.map(|it| it.workflow_id.clone()).unwrap_or_default()
    }

    /// Returns the workflows that were cancelled.
    pub(crate) fn cancelled(&self) -> Vec<String> {
        lock(&self.0).cancelled.clone()
    }

    /// Returns the nodes of `workflow` that were to be cancelled, by request.
    pub(crate) fn stopped(&self, workflow: &str) -> Vec<Vec<String>> {
        let floor = lock(&self.0);
        let of = floor.stopped.iter().filter(|it| it.0 == workflow);
        of.map(|it| it.1.clone()).collect()
    }

    /// Returns how often it was asked for prices.
    pub(crate) fn n_estimates(&self) -> usize {
        lock(&self.0).n_estimates
    }

    /// Makes and finishes a picture, at the second try: the first begins one second after the
    /// generation, the second two; the picture is there at five seconds, finished at seven.
    pub(crate) fn make(&self, generation: &Generation, index: i32) -> String {
        let workflow = self.workflow(&generation.id);
        let start = generation.create_time.unwrap_or_default();
        let at = |seconds| Some(Timestamp { seconds: start.seconds + seconds, ..start });
        let attempt = |number, submitted, micros| Attempt {
            number,
            provider: "fal".into(),
            model: "flux-2-pro".into(),
            submit_time: at(submitted),
            cost: Some(money(micros)),
            ..Default::default()
        };
        let key = format!("compute/posts/{workflow}-{index}/result_0.png");
        let prompt = Task {
            node: "prompt".into(),
            outputs: vec![TaskOutput {
                output: Some(task_output::Output::Text("the whole prompt".into())),
            }],
            ..Default::default()
        };
        let image = Task {
            node: format!("image_{index}"),
            attempts: vec![attempt(1, 1, 0), attempt(2, 2, IMAGE_MICROS)],
            outputs: vec![file("compute/images/raw/result_0.png", Some(SEED))],
            end_time: at(5),
            ..Default::default()
        };
        let post = Task {
            node: format!("post_{index}"),
            attempts: vec![attempt(1, 5, POST_MICROS)],
            outputs: vec![file(&key, None)],
            end_time: at(7),
            ..Default::default()
        };
        let mut floor = lock(&self.0);
        for task in [prompt, image, post] {
            floor.tasks.insert((workflow.clone(), task.node.clone()), task);
        }
        key
    }

    pub(crate) fn routes(&self) -> Routes {
        let [a, b, c, d, e] = std::array::from_fn(|_| self.clone());
        StandIn::default()
            .rpc(&path("WorkflowService/SubmitWorkflow"), move |caller, request| {
                a.submit(caller.organization()?, request)
            })
            .rpc(&path("WorkflowService/CancelWorkflow"), move |_, request| b.cancel(request))
            .rpc(&path("WorkflowService/GetWorkflowResult"), move |_, request| c.result(request))
            .rpc(&path("RouteService/EstimateRuns"), move |_, request| d.estimate(request))
            .rpc(&path("TaskService/CancelTasks"), move |_, request| e.stop(request))
            .routes()
    }

    fn submit(
        &self,
        organization: OrganizationId,
        request: SubmitWorkflowRequest,
    ) -> Result<SubmitWorkflowResponse, Status> {
        let mut floor = lock(&self.0);
        floor.open()?;
        let known = floor.submitted.iter().find(|it| it.request.request_id == request.request_id);
        let id = match known {
            Some(known) => known.workflow_id.clone(),
            None => {
                let workflow_id = WorkflowId::generate().to_string();
                let id = workflow_id.clone();
                floor.submitted.push(Submitted { workflow_id, organization, request });
                id
            }
        };
        if floor.loses_answers {
            return Err(Status::unavailable("the answer is lost"));
        }
        Ok(SubmitWorkflowResponse { workflow: Some(Workflow { id, ..Default::default() }) })
    }

    fn cancel(&self, request: CancelWorkflowRequest) -> Result<CancelWorkflowResponse, Status> {
        let mut floor = lock(&self.0);
        floor.open()?;
        if floor.refuses_cancels {
            return Err(Status::unavailable("nobody hears"));
        }
        floor.cancelled.push(request.id);
        Ok(CancelWorkflowResponse::default())
    }

    fn stop(&self, request: CancelTasksRequest) -> Result<CancelTasksResponse, Status> {
        let mut floor = lock(&self.0);
        floor.open()?;
        if floor.refuses_cancels {
            return Err(Status::unavailable("nobody hears"));
        }
        floor.stopped.push((request.workflow_id, request.nodes));
        Ok(CancelTasksResponse::default())
    }

    fn result(
        &self,
        request: GetWorkflowResultRequest,
    ) -> Result<GetWorkflowResultResponse, Status> {
        let floor = lock(&self.0);
        floor.open()?;
        let task = |node: &String| floor.tasks.get(&(request.id.clone(), node.clone())).cloned();
        let tasks = request.nodes.iter().filter_map(task).collect();
        Ok(GetWorkflowResultResponse { workflow: None, tasks })
    }

    fn estimate(&self, request: EstimateRunsRequest) -> Result<EstimateRunsResponse, Status> {
        let mut floor = lock(&self.0);
        floor.open()?;
        floor.n_estimates += 1;
        let micros = |is_upscale| if is_upscale { POST_MICROS } else { IMAGE_MICROS };
        let cost = |is_upscale| Cost { amount: Some(money(micros(is_upscale))), source: 2 };
        let costs = request.runs.iter().map(|it| cost(it.upscale.is_some())).collect();
        Ok(EstimateRunsResponse { costs })
    }
}

impl Floor {
    fn open(&self) -> Result<(), Status> {
        match self.refuses {
            Some(code) => Err(Status::new(code, "compute says no")),
            None => Ok(()),
        }
    }
}

fn path(method: &str) -> String {
    format!("/sartiq.compute.v1.{method}")
}

fn money(micros: i64) -> Money {
    Money { micros, currency: "USD".into() }
}

fn file(key: &str, seed: Option<u32>) -> TaskOutput {
    let asset = Asset {
        source: Some(asset::Source::Key(key.to_owned())),
        sha256: vec![7; 32].into(),
        ..Default::default()
    };
    let file = RunOutput { index: 0, asset: Some(asset), seed };
    TaskOutput { output: Some(task_output::Output::File(file)) }
}
