//! Where an adapter is tried: a mesh, a workspace, and a client that calls as `compute`.

use std::time::Duration;

use api::sartiq::media::v1::workspace_service_client::WorkspaceServiceClient;
use api::sartiq::provider::v1::asset::Source;
use api::sartiq::provider::v1::provider_service_client::ProviderServiceClient;
use api::sartiq::provider::v1::run_event::Event;
use api::sartiq::provider::v1::*;
use futures::{Stream, StreamExt};
use tonic::Status;
use types::id::OrganizationId;
use uuid::Uuid;

use super::Workspace;
use crate::{Deps, Limits, Model, Provider, Settings, Sizes};

/// An adapter that serves, and all that it needs.
#[derive(Clone, Debug)]
pub struct Stage {
    /// Calls the adapter as `compute` does.
    pub client: ProviderServiceClient<testkit::Client>,
    /// The same, but signed by nobody.
    pub channel: testkit::Client,
    /// Where inputs and outputs are.
    pub workspace: Workspace,
    /// The adapter's process.
    pub mesh: server::Mesh,
    /// Whom runs are for.
    pub organization: OrganizationId,
    media_url: String,
}

/// What a run told.
#[derive(Debug)]
pub struct Followed {
    /// The events, in order.
    pub events: Vec<RunEvent>,
    /// The status that ended them, if it was not OK.
    pub status: Option<Status>,
}

impl Stage {
    /// Serves `provider`.
    pub async fn new(provider: impl Provider) -> Self {
        Self::with(provider, |_| ()).await
    }

    /// Serves `provider` with other settings.
    pub async fn with(provider: impl Provider, change: impl FnOnce(&mut Settings)) -> Self {
        let media = testkit::mesh("media");
        let workspace = Workspace::start(&media).await;
        let media_url = testkit::serve_at(&media, workspace.routes()).await;
        Self::beside(workspace, media_url, provider, change).await
    }

    /// Serves `provider` from another process, beside the same workspace.
    pub async fn again(&self, provider: impl Provider) -> Self {
        Self::beside(self.workspace.clone(), self.media_url.clone(), provider, |_| ()).await
    }

    async fn beside(
        workspace: Workspace,
        media_url: String,
        provider: impl Provider,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let mesh = testkit::mesh("provider-test");
        let mut settings = Settings {
            media_url: media_url.clone(),
            max_runs: 64,
            max_buffered_bytes: 64 << 20,
            max_result_bytes: 32 << 20,
            poll_soonest: Duration::from_millis(10),
            poll_latest: Duration::from_millis(50),
            run_timeout: Duration::from_secs(30),
        };
        change(&mut settings);
        let channel = mesh.channel(&settings.media_url).expect("a URL");
        let workspace_client = WorkspaceServiceClient::new(channel);
        let deps = Deps { mesh: mesh.clone(), workspace: workspace_client, settings };
        let routes = crate::routes(provider, deps).expect("an adapter");
        let channel = testkit::serve(mesh.clone(), routes).await;
        let organization = OrganizationId::generate();
        let signed = testkit::as_service(&channel, "compute", organization);
        let client = ProviderServiceClient::new(signed);
        Self { client, channel, workspace, mesh, organization, media_url }
    }

    /// Puts a picture of no meaning into the workspace; pictures of different `seed` differ.
    pub fn picture(&self, seed: u8, width: u32, height: u32) -> Asset {
        let noise = |at: u32| (at.wrapping_mul(2_654_435_761) >> 24) as u8;
        let rgba = (0..width * height)
            .flat_map(|at| [noise(at ^ u32::from(seed)), noise(at / 7), seed, 255])
            .collect();
        let picture = pixels::Picture::from_rgba(width, height, rgba).expect("a picture");
        let key = format!("compute/test/{seed}_{width}x{height}.png");
        self.workspace.put(&key, picture.to_png().expect("a file"));
        Asset { source: Some(Source::Key(key)), ..Asset::default() }
    }

    /// Makes an input that `model` can take.
    pub fn input(&self, model: &Model) -> RunInput {
        let mut input = RunInput {
            model: model.id.clone(),
            output: Some(output(&model.limits)),
            ..RunInput::default()
        };
        let image = || Some(self.picture(1, 320, 480));
        match model.capability {
            crate::Capability::TextToImage => {
                input.text_to_image =
                    Some(TextToImage { prompt: "a linen blazer".into(), ..Default::default() });
            }
            crate::Capability::EditImage => {
                let role = reference::Role::Garment.into();
                let more = (1..model.limits.max_references.min(2)).map(|_| Reference {
                    image: Some(self.picture(2, 256, 256)),
                    role: reference::Role::Style.into(),
                });
                let references = std::iter::once(Reference { image: image(), role }).chain(more);
                input.edit_image = Some(EditImage {
                    prompt: "on a person".into(),
                    references: references.collect(),
                    ..Default::default()
                });
            }
            crate::Capability::TryOn => {
                let garment = Some(self.picture(2, 256, 256));
                let part = try_on::Part::Upper.into();
                input.try_on = Some(TryOn { person: image(), garment, part });
            }
            crate::Capability::ImageToVideo => {
                input.image_to_video = Some(ImageToVideo {
                    image: image(),
                    prompt: "she turns".into(),
                    duration: model
                        .limits
                        .durations
                        .iter()
                        .min()
                        .map(|it| prost_types::Duration { seconds: i64::from(*it), nanos: 0 }),
                });
            }
            crate::Capability::Upscale => {
                input.upscale = Some(Upscale { image: image(), factor: 2 });
            }
            crate::Capability::RemoveBackground => {
                input.remove_background = Some(RemoveBackground { image: image() });
            }
        }
        input
    }

    /// Asks for `input` under a new run id.
    pub fn request(&self, input: RunInput) -> RunRequest {
        RunRequest {
            run_id: Uuid::now_v7().to_string(),
            organization_id: self.organization.to_string(),
            input: Some(input),
            timeout: None,
        }
    }

    /// Runs to the end.
    pub async fn run(&self, request: RunRequest) -> Followed {
        match self.client.clone().run(request).await {
            Ok(stream) => follow(stream.into_inner().map(|it| it.map(|it| it.event))).await,
            Err(status) => Followed { events: Vec::new(), status: Some(status) },
        }
    }

    /// Runs until the provider has taken the run, and no longer.
    pub async fn begin(&self, request: RunRequest) -> RunAccepted {
        let stream = self.client.clone().run(request).await.expect("a stream");
        let event = stream.into_inner().next().await.expect("an event").expect("no status").event;
        match event.and_then(|it| it.event) {
            Some(Event::Accepted(accepted)) => accepted,
            other => panic!("accepted comes first, not {other:?}"),
        }
    }

    /// Resumes to the end what `request` began.
    pub async fn resume(&self, request: &RunRequest, accepted: &RunAccepted) -> Followed {
        let request = ResumeRequest {
            run_id: request.run_id.clone(),
            organization_id: request.organization_id.clone(),
            resume_token: accepted.resume_token.clone(),
            input: request.input.clone(),
            timeout: request.timeout,
        };
        match self.client.clone().resume(request).await {
            Ok(stream) => follow(stream.into_inner().map(|it| it.map(|it| it.event))).await,
            Err(status) => Followed { events: Vec::new(), status: Some(status) },
        }
    }
}

impl Followed {
    /// What the run has made.
    pub fn completed(&self) -> Result<&RunCompleted, String> {
        match self.events.last().and_then(|it| it.event.as_ref()) {
            Some(Event::Completed(completed)) => Ok(completed),
            _ => Err(format!("the run did not complete: {self:?}")),
        }
    }

    /// Why the run has failed.
    pub fn failure(&self) -> Result<&Failure, String> {
        match self.events.last().and_then(|it| it.event.as_ref()) {
            Some(Event::Failed(failure)) => Ok(failure),
            _ => Err(format!("the run did not fail: {self:?}")),
        }
    }

    /// What the provider said when it took the run.
    pub fn accepted(&self) -> Result<&RunAccepted, String> {
        match self.events.first().and_then(|it| it.event.as_ref()) {
            Some(Event::Accepted(accepted)) => Ok(accepted),
            _ => Err(format!("accepted comes first: {self:?}")),
        }
    }
}

async fn follow(
    mut stream: impl Stream<Item = Result<Option<RunEvent>, Status>> + Unpin,
) -> Followed {
    let mut followed = Followed { events: Vec::new(), status: None };
    while let Some(event) = stream.next().await {
        match event {
            Ok(event) => followed.events.push(event.expect("a message has an event")),
            Err(status) => followed.status = Some(status),
        }
    }
    followed
}

/// A shape that needs rounding where the model can be told one.
fn output(limits: &Limits) -> OutputShape {
    match limits.sizes {
        Sizes::Free { .. } => OutputShape { width_px: 517, height_px: 777, ..Default::default() },
        Sizes::Ratios { .. } => OutputShape { width_px: 900, height_px: 900, ..Default::default() },
        _ => OutputShape::default(),
    }
}
