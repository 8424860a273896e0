//! A provider that does what it is told, over real gRPC, and counts what it is asked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use api::sartiq::provider::v1::failure::{Code, Retry, Scope};
use api::sartiq::provider::v1::provider_service_server::{ProviderService, ProviderServiceServer};
use api::sartiq::provider::v1::run_event::Event;
use api::sartiq::provider::v1::*;
use api::sartiq::r#type::v1::Money;
use futures::stream::BoxStream;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

/// What a run costs.
pub(crate) const COST: i64 = 40_000;

/// One thing that a run does.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    Accept,
    Progress(u32),
    Sleep(u64),
    /// Waits until the gate opens.
    Gate,
    /// Stays for so many milliseconds, and notes if it is left before.
    Linger(u64),
    /// Never ends.
    Hang,
    /// Ends the stream as if the adapter had died.
    Break,
    /// Ends the stream with a status.
    Refuse(tonic::Code),
    Fail(Failure),
    Complete,
}

/// A run that was submitted.
#[derive(Clone, Debug)]
pub(crate) struct Submission {
    pub(crate) run_id: String,
    pub(crate) prompt: String,
    pub(crate) organization: String,
    pub(crate) input: RunInput,
}

type Plan = Arc<dyn Fn(&Submission, usize) -> Vec<Act> + Send + Sync>;

/// The provider.
#[derive(Clone)]
pub(crate) struct Fake(Arc<Inner>);

struct Inner {
    name: String,
    models: Vec<Model>,
    plan: Mutex<Plan>,
    resume_plan: Mutex<Plan>,
    submissions: Mutex<Vec<Submission>>,
    resumes: Mutex<Vec<String>>,
    cancels: Mutex<Vec<String>>,
    left: Mutex<usize>,
    gate: watch::Sender<bool>,
    running: Mutex<(usize, usize)>,
}

pub(crate) fn failure(code: Code, retry: Retry, scope: Scope) -> Failure {
    Failure {
        code: code.into(),
        retry: retry.into(),
        scope: scope.into(),
        message: "it did not work".to_owned(),
        ..Failure::default()
    }
}

/// Returns what usually happens to a run.
pub(crate) fn usual() -> Vec<Act> {
    vec![Act::Accept, Act::Progress(50), Act::Complete]
}

impl Fake {
    /// Starts a provider with one model for each of `capabilities`, and returns it and its address.
    pub(crate) async fn start(name: &str, capabilities: &[Capability]) -> (Self, String) {
        let models = capabilities.iter().map(|it| Model {
            id: format!(
                "{name}-{}",
                it.as_str_name().trim_start_matches("CAPABILITY_").to_lowercase()
            ),
            display_name: name.to_owned(),
            capability: (*it).into(),
            limits: None,
            price: Some(Price {
                unit: price::Unit::Output.into(),
                amount: Some(Money { micros: COST, currency: "USD".to_owned() }),
            }),
        });
        let fake = Self(Arc::new(Inner {
            name: name.to_owned(),
            models: models.collect(),
            plan: Mutex::new(Arc::new(|_, _| usual())),
            resume_plan: Mutex::new(Arc::new(|_, _| usual())),
            submissions: Mutex::default(),
            resumes: Mutex::default(),
            cancels: Mutex::default(),
            left: Mutex::default(),
            gate: watch::Sender::new(false),
            running: Mutex::default(),
        }));
        let url = fake.serve().await;
        (fake, url)
    }

    /// Serves on a port of its own.
    pub(crate) async fn serve(&self) -> String {
        let routes = tonic::service::Routes::new(ProviderServiceServer::new(self.clone()));
        testkit::serve_at(&testkit::mesh("provider-fake"), routes).await
    }

    /// Says what runs do; `nth` counts the submissions of the same prompt from 0.
    pub(crate) fn plan(
        &self,
        plan: impl Fn(&Submission, usize) -> Vec<Act> + Send + Sync + 'static,
    ) {
        *self.0.plan.lock().expect("plan") = Arc::new(plan);
    }

    /// Says what resumed runs do; `nth` counts the resumptions of the same run from 0.
    pub(crate) fn resume_plan(
        &self,
        plan: impl Fn(&Submission, usize) -> Vec<Act> + Send + Sync + 'static,
    ) {
        *self.0.resume_plan.lock().expect("plan") = Arc::new(plan);
    }

    pub(crate) fn open_gate(&self) {
        self.0.gate.send_replace(true);
    }

    pub(crate) fn submissions(&self) -> Vec<Submission> {
        self.0.submissions.lock().expect("submissions").clone()
    }

    pub(crate) fn resumes(&self) -> Vec<String> {
        self.0.resumes.lock().expect("resumes").clone()
    }

    pub(crate) fn cancels(&self) -> Vec<String> {
        self.0.cancels.lock().expect("cancels").clone()
    }

    /// How many streams were left before their end.
    pub(crate) fn left(&self) -> usize {
        *self.0.left.lock().expect("left")
    }

    /// How many runs there are.
    pub(crate) fn running(&self) -> usize {
        self.0.running.lock().expect("running").0
    }

    /// The most runs that there were at once.
    pub(crate) fn most_running(&self) -> usize {
        self.0.running.lock().expect("running").1
    }

    fn play(
        &self,
        submission: Submission,
        acts: Vec<Act>,
    ) -> BoxStream<'static, Result<RunEvent, Status>> {
        let (events, told) = mpsc::channel(16);
        let fake = self.clone();
        tokio::spawn(async move { fake.act(submission, acts, events).await });
        Box::pin(ReceiverStream::new(told))
    }

    async fn act(
        self,
        submission: Submission,
        acts: Vec<Act>,
        events: mpsc::Sender<Result<RunEvent, Status>>,
    ) {
        {
            let mut running = self.0.running.lock().expect("running");
            running.0 += 1;
            running.1 = running.1.max(running.0);
        }
        let mut sequence = 0;
        for act in acts {
            let event = match act {
                Act::Accept => Event::Accepted(RunAccepted {
                    vendor_job_id: format!("job-{}", submission.run_id),
                    resume_token: format!("token-{}", submission.run_id).into_bytes().into(),
                    adjustments: Vec::new(),
                }),
                Act::Progress(percent) => {
                    Event::Progress(RunProgress { percent: Some(percent), message: String::new() })
                }
                Act::Sleep(millis) => {
                    tokio::time::sleep(Duration::from_millis(millis)).await;
                    continue;
                }
                Act::Gate => {
                    let mut gate = self.0.gate.subscribe();
                    let _ = gate.wait_for(|it| *it).await;
                    continue;
                }
                Act::Linger(millis) => {
                    let while_heard =
                        tokio::time::timeout(Duration::from_millis(millis), events.closed());
                    *self.0.left.lock().expect("left") += usize::from(while_heard.await.is_ok());
                    continue;
                }
                Act::Hang => {
                    events.closed().await;
                    break;
                }
                Act::Break => break,
                Act::Refuse(code) => {
                    let _ = events.send(Err(Status::new(code, "refused"))).await;
                    break;
                }
                Act::Fail(failure) => Event::Failed(failure),
                Act::Complete => Event::Completed(completed(&submission)),
            };
            sequence += 1;
            let run_id = submission.run_id.clone();
            let event = RunEvent { run_id, sequence, time: None, event: Some(event) };
            if events.send(Ok(event)).await.is_err() {
                break;
            }
        }
        self.0.running.lock().expect("running").0 -= 1;
    }
}

fn completed(submission: &Submission) -> RunCompleted {
    let count = submission.input.output.as_ref().map_or(1, |it| it.count.max(1));
    let outputs = (0..count).map(|index| RunOutput {
        index,
        asset: Some(Asset {
            source: Some(asset::Source::Key(format!("{}/result_{index}.png", submission.run_id))),
            media_type: "image/png".to_owned(),
            size_bytes: 1000,
            width_px: 640,
            height_px: 480,
            ..Asset::default()
        }),
        seed: submission.input.seed,
    });
    RunCompleted {
        outputs: outputs.collect(),
        cost: Some(Cost {
            amount: Some(Money { micros: COST, currency: "USD".to_owned() }),
            source: cost::Source::Vendor.into(),
        }),
        vendor_request_id: String::new(),
    }
}

fn prompt(input: &RunInput) -> String {
    let text = input.text_to_image.as_ref().map(|it| it.prompt.clone());
    let edit = input.edit_image.as_ref().map(|it| it.prompt.clone());
    text.or(edit).unwrap_or_default()
}

#[tonic::async_trait]
impl ProviderService for Fake {
    async fn describe(
        &self,
        _: Request<DescribeRequest>,
    ) -> Result<Response<DescribeResponse>, Status> {
        let provider = self.0.name.clone();
        Ok(Response::new(DescribeResponse { provider, resumable: true, ..Default::default() }))
    }

    async fn list_models(
        &self,
        _: Request<ListModelsRequest>,
    ) -> Result<Response<ListModelsResponse>, Status> {
        Ok(Response::new(ListModelsResponse { models: self.0.models.clone() }))
    }

    async fn estimate(
        &self,
        request: Request<EstimateRequest>,
    ) -> Result<Response<EstimateResponse>, Status> {
        if prompt(&request.into_inner().input.unwrap_or_default()) == "unpriced" {
            return Err(Status::internal("no"));
        }
        let amount = Some(Money { micros: 77, currency: "USD".to_owned() });
        let cost = Some(Cost { amount, source: cost::Source::PriceList.into() });
        Ok(Response::new(EstimateResponse { cost }))
    }

    type RunStream = BoxStream<'static, Result<RunResponse, Status>>;

    async fn run(&self, request: Request<RunRequest>) -> Result<Response<Self::RunStream>, Status> {
        use futures::StreamExt as _;
        let request = request.into_inner();
        let input = request.input.unwrap_or_default();
        let submission = Submission {
            run_id: request.run_id,
            prompt: prompt(&input),
            organization: request.organization_id,
            input,
        };
        let nth = {
            let mut submissions = self.0.submissions.lock().expect("submissions");
            let nth = submissions.iter().filter(|it| it.prompt == submission.prompt).count();
            submissions.push(submission.clone());
            nth
        };
        let plan = self.0.plan.lock().expect("plan").clone();
        let acts = plan(&submission, nth);
        if let [Act::Refuse(code)] = acts[..] {
            return Err(Status::new(code, "refused"));
        }
        let events = self.play(submission, acts);
        Ok(Response::new(events.map(|it| it.map(|it| RunResponse { event: Some(it) })).boxed()))
    }

    type ResumeStream = BoxStream<'static, Result<ResumeResponse, Status>>;

    async fn resume(
        &self,
        request: Request<ResumeRequest>,
    ) -> Result<Response<Self::ResumeStream>, Status> {
        use futures::StreamExt as _;
        let request = request.into_inner();
        assert_eq!(request.resume_token, format!("token-{}", request.run_id).into_bytes());
        let nth = {
            let mut resumes = self.0.resumes.lock().expect("resumes");
            let nth = resumes.iter().filter(|it| **it == request.run_id).count();
            resumes.push(request.run_id.clone());
            nth
        };
        let input = request.input.unwrap_or_default();
        let submission = Submission {
            run_id: request.run_id,
            prompt: prompt(&input),
            organization: request.organization_id,
            input,
        };
        let plan = self.0.resume_plan.lock().expect("plan").clone();
        let events = self.play(submission.clone(), plan(&submission, nth));
        Ok(Response::new(events.map(|it| it.map(|it| ResumeResponse { event: Some(it) })).boxed()))
    }

    async fn cancel(
        &self,
        request: Request<CancelRequest>,
    ) -> Result<Response<CancelResponse>, Status> {
        let request = request.into_inner();
        assert_eq!(request.resume_token, format!("token-{}", request.run_id).into_bytes());
        self.0.cancels.lock().expect("cancels").push(request.run_id);
        Ok(Response::new(CancelResponse { result: cancel_response::Result::Done.into() }))
    }

    async fn check(&self, _: Request<CheckRequest>) -> Result<Response<CheckResponse>, Status> {
        Ok(Response::new(CheckResponse { reachable: true, authenticated: true, problem: None }))
    }
}

/// Counts by what `key` says.
pub(crate) fn count_by<K: std::hash::Hash + Eq>(
    submissions: &[Submission],
    key: impl Fn(&Submission) -> K,
) -> HashMap<K, usize> {
    let mut counts = HashMap::new();
    for submission in submissions {
        *counts.entry(key(submission)).or_default() += 1;
    }
    counts
}
