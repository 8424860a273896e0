//! A database, providers, and processes that can be killed.

use std::net::SocketAddr;
use std::time::Duration;

use api::sartiq::compute::v1::route_service_client::RouteServiceClient;
use api::sartiq::compute::v1::task_service_client::TaskServiceClient;
use api::sartiq::compute::v1::workflow_service_client::WorkflowServiceClient;
use api::sartiq::compute::v1::*;
use api::sartiq::provider::v1::{Capability, RunInput, TextToImage};
use compute::{Compute, ProviderList, ScalerConfig, Settings};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::runtime::Runtime;
use types::id::OrganizationId;

use crate::Result;
use crate::provider::Fake;

/// How long a silent owner is believed to live.
pub(crate) const LEASE: Duration = Duration::from_millis(800);

/// Everything a test needs.
pub(crate) struct Stage {
    pub(crate) db: PgPool,
    pub(crate) organization: OrganizationId,
    pub(crate) fake: Fake,
    pub(crate) providers: Vec<(String, String)>,
    pub(crate) scaler: ScalerConfig,
    prefix: String,
}

/// A process of the engine.
pub(crate) struct Process {
    runtime: Option<Runtime>,
    pub(crate) channel: testkit::Client,
    /// Where it answers KEDA.
    pub(crate) scaler: SocketAddr,
    mesh: server::Mesh,
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Process {
    /// Ends the process as a kill does: nothing it is at comes to an end.
    pub(crate) fn kill(self) {
        drop(self);
    }

    /// Ends the process as an orchestrator does.
    pub(crate) fn stop(&self) {
        self.mesh.stop();
    }

    pub(crate) fn workflows(
        &self,
        organization: OrganizationId,
    ) -> WorkflowServiceClient<testkit::Client> {
        let channel = testkit::as_service(&self.channel, "generation", organization);
        WorkflowServiceClient::new(channel)
    }

    pub(crate) fn tasks(&self, organization: OrganizationId) -> TaskServiceClient<testkit::Client> {
        TaskServiceClient::new(testkit::as_service(&self.channel, "generation", organization))
    }

    pub(crate) fn routes(
        &self,
        organization: OrganizationId,
    ) -> RouteServiceClient<testkit::Client> {
        RouteServiceClient::new(testkit::as_service(&self.channel, "generation", organization))
    }
}

impl Stage {
    /// Returns a stage with one provider that makes and edits pictures.
    pub(crate) async fn new(db: PgPool) -> Self {
        let capabilities = [Capability::TextToImage, Capability::EditImage, Capability::Upscale];
        let (fake, url) = Fake::start("acme", &capabilities).await;
        Self {
            db,
            organization: OrganizationId::generate(),
            fake,
            providers: vec![("acme".to_owned(), url)],
            scaler: ScalerConfig {
                scaler_listen_addr: Some(SocketAddr::from(([127, 0, 0, 1], 0))),
                ..ScalerConfig::default()
            },
            prefix: format!("test:{}:", uuid::Uuid::new_v4()),
        }
    }

    /// Adds a provider after the others.
    pub(crate) async fn add(&mut self, name: &str) -> Fake {
        let capabilities = [Capability::TextToImage, Capability::EditImage];
        let (fake, url) = Fake::start(name, &capabilities).await;
        self.providers.push((name.to_owned(), url));
        fake
    }

    /// Starts a process.
    pub(crate) async fn process(&self) -> Result<Process> {
        self.process_with(Duration::from_millis(400)).await
    }

    /// Starts two processes, of which the first leads.
    pub(crate) async fn leader_and_standby(&self) -> Result<(Process, Process)> {
        let leader = self.process().await?;
        testkit::eventually(async || {
            let sql = "select exists (select from compute.owner where now() < lease_until)";
            sqlx::query_scalar::<_, bool>(sql).fetch_one(&self.db).await
        })
        .await?;
        Ok((leader, self.process().await?))
    }

    /// Starts a process that gives runs so much more time than their own.
    pub(crate) async fn process_with(&self, grace: Duration) -> Result<Process> {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let options = (*self.db.connect_options()).clone();
        let settings =
            Settings { providers: ProviderList(self.providers.clone()), lease: LEASE, grace };
        let events = events::Config {
            redis_url: testkit::redis_url().into(),
            redis_prefix: self.prefix.clone(),
        };
        let scaler = self.scaler.clone();
        let started = runtime.spawn(async move {
            let db = PgPoolOptions::new().max_connections(8).connect_with(options).await?;
            let mesh = testkit::mesh("compute");
            let compute = Compute::start(&mesh, db, &events, settings)?;
            let scaler = compute.scale(&mesh, &scaler).await?.ok_or("no scaler")?;
            let url = testkit::serve_at(&mesh, compute.routes()).await;
            Ok::<_, server::Error>((url, mesh, scaler))
        });
        let (url, mesh, scaler) = match started.await? {
            Ok(started) => started,
            Err(error) => {
                runtime.shutdown_background();
                return Err(error);
            }
        };
        let channel = testkit::mesh("test").channel(&url)?.without_token();
        Ok(Process { runtime: Some(runtime), channel, scaler, mesh })
    }

    /// Submits a graph and returns the id of the workflow.
    pub(crate) async fn submit(&self, process: &Process, nodes: Vec<Node>) -> Result<String> {
        self.submit_as(process, self.organization, Priority::Normal, nodes).await
    }

    pub(crate) async fn submit_as(
        &self,
        process: &Process,
        organization: OrganizationId,
        priority: Priority,
        nodes: Vec<Node>,
    ) -> Result<String> {
        let request = SubmitWorkflowRequest {
            request_id: testkit::request_id(),
            reference: "a reference".to_owned(),
            priority: priority.into(),
            graph: Some(Graph { nodes }),
        };
        let answer = process.workflows(organization).submit_workflow(request).await?;
        Ok(answer.into_inner().workflow.ok_or("no workflow")?.id)
    }

    pub(crate) async fn result(
        &self,
        process: &Process,
        id: &str,
    ) -> Result<GetWorkflowResultResponse> {
        let request = GetWorkflowResultRequest { id: id.to_owned(), nodes: Vec::new() };
        let mut client = process.workflows(self.organization);
        Ok(client.get_workflow_result(request).await?.into_inner())
    }

    /// Waits until a workflow has ended, and returns it.
    pub(crate) async fn end(
        &self,
        process: &Process,
        id: &str,
    ) -> Result<GetWorkflowResultResponse> {
        let mut last = GetWorkflowResultResponse::default();
        let ended = testkit::eventually(async || {
            last = self.result(process, id).await?;
            let state = last.workflow.as_ref().map(|it| it.state()).unwrap_or_default();
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(matches!(
                state,
                workflow::State::Completed | workflow::State::Failed | workflow::State::Cancelled
            ))
        });
        ended.await.map_err(|it| format!("{it}: {last:#?}"))?;
        Ok(last)
    }

    /// Waits until `state` is what became of a workflow.
    pub(crate) async fn ends(
        &self,
        process: &Process,
        id: &str,
        state: workflow::State,
    ) -> Result<Vec<Task>> {
        let result = self.end(process, id).await?;
        let ended = result.workflow.ok_or("no workflow")?;
        assert_eq!(ended.state(), state, "{:#?}", result.tasks);
        Ok(result.tasks)
    }
}

/// A node that makes a picture.
pub(crate) fn picture(name: &str, after: &[&str]) -> Node {
    let text_to_image = TextToImage { prompt: name.to_owned(), ..TextToImage::default() };
    Node {
        name: name.to_owned(),
        after: after.iter().map(|it| (*it).to_owned()).collect(),
        run: Some(RunInput { text_to_image: Some(text_to_image), ..RunInput::default() }),
        ..Node::default()
    }
}

/// A node that makes a picture and may fail.
pub(crate) fn optional(name: &str, after: &[&str]) -> Node {
    Node { optional: true, ..picture(name, after) }
}

/// Returns a task by its node.
pub(crate) fn task<'a>(tasks: &'a [Task], node: &str) -> Result<&'a Task> {
    Ok(tasks.iter().find(|it| it.node == node).ok_or_else(|| format!("no task `{node}`"))?)
}

/// Returns the phases of a task's attempts.
pub(crate) fn phases(task: &Task) -> Vec<attempt::Phase> {
    task.attempts.iter().map(Attempt::phase).collect()
}
