//! Taking a finished picture over: from compute's workspace to a prediction that is ready.

use std::time::Duration;

use api::sartiq::compute::v1::{GetWorkflowResultRequest, Task, task_output};
use api::sartiq::media::v1::{AdoptRequest, Media, SetAttachmentsRequest, SlottedMedia};
use api::sartiq::provider::v1::{RunOutput, asset};
use jobs::{Attempt, Failure, Job};
use serde::{Deserialize, Serialize};
use server::{Caller, Span, Trace};
use tonic::Code;
use types::id::{GenerationId, OrganizationId, PredictionId};
use uuid::Uuid;

use crate::Generation as Service;
use crate::error::{Error, Result};
use crate::generation::{Generation, Node};
use crate::jobs::settle;
use crate::prediction::{Made, State};
use crate::problem::Problem;
use crate::rpc::event;
use crate::store;

/// Takes over the picture of one prediction.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Collect {
    organization_id: Uuid,
    generation_id: Uuid,
    index: i32,
    workflow_id: String,
    #[serde(default)]
    traceparent: Option<String>,
}

impl Collect {
    pub(crate) fn new(generation: &Generation, index: i32, workflow_id: &str) -> Self {
        Self {
            organization_id: generation.organization_id.uuid(),
            generation_id: generation.id.uuid(),
            index,
            workflow_id: workflow_id.to_owned(),
            traceparent: generation.traceparent.clone(),
        }
    }

    fn organization(&self) -> OrganizationId {
        self.organization_id.into()
    }

    fn generation(&self) -> GenerationId {
        self.generation_id.into()
    }

    async fn collect(&self, service: &Service, trace: Trace) -> Result<()> {
        let caller = Caller::background(self.organization()).within(trace);
        let predictions =
            store::prediction::of_generations(&service.db, &[self.generation()]).await?;
        let prediction = predictions.into_iter().find(|it| it.index == self.index);
        let Some(prediction) = prediction.filter(|it| !it.state.is_final()) else { return Ok(()) };
        let picture = self.fetch(service, &caller).await?;
        let media = self.adopt(service, &caller, prediction.id, &picture).await?;
        self.finish(service, &picture, &media).await
    }

    /// Asks compute what was made.
    async fn fetch(&self, service: &Service, caller: &Caller) -> Result<Picture> {
        let (image, post) = (Node::Image(self.index).name(), Node::Post(self.index).name());
        let nodes = vec![Node::Prompt.name(), image.clone(), post.clone()];
        let request = GetWorkflowResultRequest { id: self.workflow_id.clone(), nodes };
        let mut workflows = service.clients.workflows.clone();
        let tasks = workflows.get_workflow_result(caller.call(request)).await?.into_inner().tasks;
        let task = |name: &str| {
            let task = tasks.iter().find(|it| it.node == name);
            task.ok_or_else(|| Error::Corrupt(format!("workflow has no task `{name}`")))
        };
        Picture::of(task(&Node::Prompt.name())?, task(&image)?, task(&post)?)
    }

    /// Makes the file a Media of the organization, and says what it is used for.
    async fn adopt(
        &self,
        service: &Service,
        caller: &Caller,
        id: PredictionId,
        picture: &Picture,
    ) -> Result<Media> {
        let extension = picture.key.rsplit('.').next().unwrap_or("png");
        let request = AdoptRequest {
            key: picture.key.clone(),
            filename: format!("{id}.{extension}"),
            sha256: picture.sha256.clone().into(),
        };
        let mut workspace = service.clients.workspace.clone();
        let adopted = workspace.adopt(caller.call(request)).await?.into_inner();
        let media = adopted.media.ok_or_else(|| Error::Corrupt("media adopted nothing".into()))?;
        let request = SetAttachmentsRequest {
            entity_type: "prediction".to_owned(),
            entity_id: id.to_string(),
            media: vec![SlottedMedia { media_id: media.id.clone(), slot: "result".to_owned() }],
        };
        service.clients.media.clone().set_attachments(caller.call(request)).await?;
        Ok(media)
    }

    /// Makes the prediction ready, and ends the generation with the last one.
    async fn finish(&self, service: &Service, picture: &Picture, media: &Media) -> Result<()> {
        let mut tx = service.db.begin().await?;
        if store::generation::lock(&mut tx, self.generation()).await?.is_none() {
            return Ok(());
        }
        let found =
            store::generation::find(&mut *tx, self.organization(), &[self.generation()]).await?;
        let Some(generation) = found.first().filter(|it| !it.state.is_final()) else {
            return Ok(());
        };
        let media_id = media.id.parse()?;
        let made = picture.made(generation.created_at);
        let ready =
            store::prediction::set_ready(&mut *tx, generation.id, self.index, media_id, &made)
                .await?;
        let Some(id) = ready else { return Ok(()) };
        let placeholder = media.placeholder.to_vec();
        let mut told = vec![event::ready(generation, id, self.index, media_id, placeholder)];
        told.extend(settle::settle(service, &mut tx, generation).await?);
        service.outbox.publish(&mut tx, &told).await?;
        service.outbox.commit(tx).await?;
        service.changed(generation.id);
        Ok(())
    }

    /// Fails the prediction.
    async fn fail(&self, service: &Service) -> Result<()> {
        let problem = Problem::of_result("the finished picture could not be taken over");
        let mut tx = service.db.begin().await?;
        if store::generation::lock(&mut tx, self.generation()).await?.is_none() {
            return Ok(());
        }
        let (id, failed) = (self.generation(), State::Failed);
        let prediction =
            store::prediction::set_state(&mut *tx, id, self.index, failed, Some(&problem)).await?;
        let found = store::generation::find(&mut *tx, self.organization(), &[id]).await?;
        if let (Some(prediction), Some(generation)) = (prediction, found.first()) {
            let mut told = vec![event::failed(generation, prediction, self.index, &problem)];
            told.extend(settle::settle(service, &mut tx, generation).await?);
            service.outbox.publish(&mut tx, &told).await?;
        }
        service.outbox.commit(tx).await?;
        service.changed(id);
        Ok(())
    }
}

impl Job for Collect {
    const NAME: &'static str = "collect";
    const TIMEOUT: Duration = Duration::from_secs(120);

    type State = Service;

    async fn run(&self, service: &Service, _: &Attempt) -> Result<(), Failure> {
        let mut span = Span::begin("collect", Trace::stored(self.traceparent.as_deref()));
        span.note("generation.id", self.generation().to_string());
        let trace = span.trace();
        let collected = span.cover(self.collect(service, trace)).await;
        let Err(error) = collected else { return Ok(()) };
        span.fail("not_collected");
        // What media judged bad or no longer has will not get better.
        let is_lost = matches!(&error, Error::Refused(status) if matches!(
            status.code(), Code::NotFound | Code::InvalidArgument | Code::FailedPrecondition
        ));
        if is_lost {
            return Err(Failure::GiveUp(error.into()));
        }
        Err(error.into())
    }

    async fn give_up(&self, service: &Service) -> Result<(), Failure> {
        Ok(self.fail(service).await?)
    }
}

/// What compute says about a finished picture.
#[derive(Debug)]
struct Picture {
    key: String,
    sha256: Vec<u8>,
    made: Made,
    submitted_at: Option<prost_types::Timestamp>,
}

impl Picture {
    fn of(prompt: &Task, image: &Task, post: &Task) -> Result<Self> {
        let text = prompt.outputs.iter().find_map(|it| match &it.output {
            Some(task_output::Output::Text(text)) => Some(text.clone()),
            _ => None,
        });
        let file = file(post).and_then(|it| it.asset.as_ref());
        let file = file.ok_or_else(|| Error::Corrupt("finished task has no file".into()))?;
        let Some(asset::Source::Key(key)) = &file.source else {
            return Err(Error::Corrupt("finished file is not in the workspace".into()));
        };
        let last = image.attempts.last().cloned().unwrap_or_default();
        let cost = |task: &Task| -> i64 {
            task.attempts.iter().filter_map(|it| it.cost.as_ref()).map(|it| it.micros).sum()
        };
        Ok(Self {
            key: key.clone(),
            sha256: file.sha256.to_vec(),
            made: Made {
                seed: self::file(image).and_then(|it| it.seed).unwrap_or_default(),
                provider: last.provider.clone(),
                model: last.model.clone(),
                prompt: text.unwrap_or_default(),
                queue: None,
                run: between(last.submit_time, image.end_time),
                post: between(image.end_time, post.end_time),
                cost_micros: cost(image) + cost(post),
            },
            submitted_at: image.attempts.first().and_then(|it| it.submit_time),
        })
    }

    /// How the picture was made, for a generation that was started at `start`.
    fn made(&self, start: time::OffsetDateTime) -> Made {
        let start = server::timestamp(start);
        Made { queue: between(Some(start), self.submitted_at), ..self.made.clone() }
    }
}

fn file(task: &Task) -> Option<&RunOutput> {
    task.outputs.iter().find_map(|it| match &it.output {
        Some(task_output::Output::File(file)) => Some(file),
        _ => None,
    })
}

fn between(
    from: Option<prost_types::Timestamp>,
    to: Option<prost_types::Timestamp>,
) -> Option<Duration> {
    let nanos =
        |it: prost_types::Timestamp| i128::from(it.seconds) * 1_000_000_000 + i128::from(it.nanos);
    // Clocks of two services may differ by more than what lies between.
    let nanos = (nanos(to?) - nanos(from?)).max(0);
    Some(Duration::from_nanos(u64::try_from(nanos).ok()?))
}
