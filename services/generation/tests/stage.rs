//! Generations on a database of their own, beside a catalog, a shooting, a media and a compute
//! that tests can tell what to be like.

mod compute;
mod library;
mod media;

use std::sync::{Mutex, MutexGuard};

use ::generation::Callees;
use api::sartiq::event::v1::event::Payload;
use api::sartiq::event::v1::{Event, TaskEnded, TaskStarted, WorkflowEnded};
use api::sartiq::generation::v1::generation::State;
use api::sartiq::generation::v1::generation_service_client::GenerationServiceClient;
use api::sartiq::generation::v1::prediction_service_client::PredictionServiceClient;
use api::sartiq::generation::v1::*;
use events::{Draft, Outbox, Relay, Stream};
use prost::Message;
use server::{Mesh, Role};
use sqlx::PgPool;
use testkit::{Client, request_id};
use tonic::{Response, Status};
use types::id::OrganizationId;

pub(crate) use self::compute::{Compute, IMAGE_MICROS, POST_MICROS, SEED};
pub(crate) use self::library::{Library, Set};
pub(crate) use self::media::Store;

pub(crate) type Result<T = (), E = Box<dyn std::error::Error + Send + Sync>> =
    std::result::Result<T, E>;

/// The tables of compute that its events come from.
const COMPUTE: &str = "
    create schema compute;
    create table compute.outbox (
        outbox_id bigint generated always as identity primary key,
        position bigint,
        event bytea not null,
        created_at timestamptz not null default now(),
        constraint outbox_position_is_unique unique (position)
    );
    create table compute.position (source text primary key, position bigint not null);";

/// Generations with what is around them.
pub(crate) struct Stage {
    pub(crate) library: Library,
    pub(crate) media: Store,
    pub(crate) compute: Compute,
    pub(crate) organization: OrganizationId,
    pub(crate) stream: Stream,
    pub(crate) mesh: Mesh,
    db: PgPool,
    channel: Client,
    outbox: Outbox,
}

impl Stage {
    pub(crate) async fn open(db: PgPool) -> Result<Self> {
        let (library, media, compute) = (Library::default(), Store::default(), Compute::default());
        let serve = async |name, routes| testkit::serve_at(&testkit::mesh(name), routes).await;
        let callees = Callees {
            catalog_url: serve("catalog", library.catalog()).await,
            shooting_url: serve("shooting", library.shooting()).await,
            media_url: serve("media", media.routes()).await,
            compute_url: serve("compute", compute.routes()).await,
        };
        let mesh = testkit::mesh("generation");
        let redis_prefix = format!("{}:", request_id());
        let stream =
            events::Config { redis_url: testkit::redis_url().into(), redis_prefix }.open()?;
        sqlx::raw_sql(COMPUTE).execute(&db).await?;
        let outbox = Outbox::new("compute");
        let relay = Relay::new(outbox.clone(), db.clone(), stream.clone());
        mesh.spawn("compute's relay", relay.run(mesh.shutdown()));

        let generation = ::generation::Generation::new(db.clone(), &mesh, &callees)?;
        generation.work(&stream);
        let channel = testkit::serve(mesh.clone(), generation.routes()).await;
        let organization = OrganizationId::generate();
        Ok(Self { library, media, compute, organization, stream, mesh, db, channel, outbox })
    }

    /// Returns a channel of a user of the organization, with `role`.
    pub(crate) fn role(&self, role: Role) -> Client {
        testkit::as_role(&self.channel, role, self.organization)
    }

    /// Returns a channel of an owner of another organization.
    pub(crate) fn stranger(&self) -> Client {
        testkit::as_role(&self.channel, Role::Owner, OrganizationId::generate())
    }

    /// Returns a channel of nobody.
    pub(crate) fn nobody(&self) -> Client {
        self.channel.clone()
    }

    pub(crate) fn generations(&self) -> GenerationServiceClient<Client> {
        GenerationServiceClient::new(self.role(Role::Editor))
    }

    pub(crate) fn predictions(&self) -> PredictionServiceClient<Client> {
        PredictionServiceClient::new(self.role(Role::Viewer))
    }

    /// Adds a shot with everything that it is made of.
    pub(crate) fn set(&self) -> Set {
        self.library.add(self.organization)
    }

    /// Starts a generation of so many pictures of `set`.
    pub(crate) async fn start(&self, set: &Set, n_pictures: i32) -> Result<Generation> {
        let reply = self.generations().start_generation(starting(set, n_pictures)).await?;
        Ok(reply.into_inner().generation.ok_or("no generation")?)
    }

    /// Starts a generation of one picture of `set`, and makes it.
    pub(crate) async fn made(&self, set: &Set) -> Result<(Generation, Prediction)> {
        let generation = self.start(set, 1).await?;
        self.make(&generation, 0).await?;
        self.await_state(&generation, State::Completed).await?;
        let (generation, predictions) = self.read(&generation).await?;
        Ok((generation, predictions.into_iter().next().ok_or("no prediction")?))
    }

    /// Reads a generation and its predictions again.
    pub(crate) async fn read(&self, of: &Generation) -> Result<(Generation, Vec<Prediction>)> {
        let request = GetGenerationRequest { id: of.id.clone() };
        let reply = self.generations().get_generation(request).await?.into_inner();
        Ok((reply.generation.ok_or("no generation")?, reply.predictions))
    }

    /// Waits until a generation is in `state`.
    pub(crate) async fn await_state(&self, of: &Generation, state: State) -> Result {
        let probe = async || self.read(of).await.map(|(it, _)| it.state() == state);
        testkit::eventually(probe).await.map_err(|error| format!("{state:?}: {error}"))?;
        Ok(())
    }

    /// Waits until the prediction with `index` is in `state`.
    pub(crate) async fn await_prediction(
        &self,
        of: &Generation,
        index: usize,
        state: prediction::State,
    ) -> Result {
        let probe = async || self.read(of).await.map(|(_, it)| it[index].state() == state);
        testkit::eventually(probe).await.map_err(|error| format!("{state:?}: {error}"))?;
        Ok(())
    }

    /// Makes a picture in compute, and tells of it.
    pub(crate) async fn make(&self, of: &Generation, index: i32) -> Result {
        self.compute.make(of, index);
        for node in [format!("image_{index}"), format!("post_{index}")] {
            self.tell(self.task_started(of, &node)).await?;
            self.tell(Payload::TaskCompleted(self.task(of, &node))).await?;
        }
        Ok(())
    }

    /// Tells that the provider refused to make a picture.
    pub(crate) async fn fail(&self, of: &Generation, index: i32, code: &str) -> Result {
        let (image, post) = (format!("image_{index}"), format!("post_{index}"));
        self.tell(self.task_started(of, &image)).await?;
        let failed = TaskEnded {
            state: "STATE_FAILED".into(),
            error_code: code.to_owned(),
            error_message: "the vendor says no".into(),
            ..self.task(of, &image)
        };
        self.tell(Payload::TaskFailed(failed)).await?;
        let skipped = TaskEnded { state: "STATE_SKIPPED".into(), ..self.task(of, &post) };
        self.tell(Payload::TaskFailed(skipped)).await
    }

    /// Tells that a picture was cancelled in compute.
    pub(crate) async fn cancel_in_compute(&self, of: &Generation, index: i32) -> Result {
        let (image, post) = (format!("image_{index}"), format!("post_{index}"));
        let cancelled = TaskEnded {
            state: "STATE_CANCELLED".into(),
            error_code: "CODE_CANCELLED".into(),
            ..self.task(of, &image)
        };
        self.tell(Payload::TaskFailed(cancelled)).await?;
        let skipped = TaskEnded { state: "STATE_SKIPPED".into(), ..self.task(of, &post) };
        self.tell(Payload::TaskFailed(skipped)).await
    }

    /// Returns what compute says when a task of a generation starts.
    pub(crate) fn task_started(&self, of: &Generation, node: &str) -> Payload {
        Payload::TaskStarted(TaskStarted {
            workflow_id: self.compute.workflow(&of.id),
            reference: of.id.clone(),
            node: node.to_owned(),
            ..Default::default()
        })
    }

    /// Returns what compute says of a task of a generation that is completed.
    pub(crate) fn task(&self, of: &Generation, node: &str) -> TaskEnded {
        TaskEnded {
            workflow_id: self.compute.workflow(&of.id),
            reference: of.id.clone(),
            node: node.to_owned(),
            state: "STATE_COMPLETED".into(),
            ..Default::default()
        }
    }

    /// Returns what compute says of the workflow of a generation that ended in `state`.
    pub(crate) fn workflow_ended(&self, of: &Generation, state: &str) -> Payload {
        Payload::WorkflowEnded(WorkflowEnded {
            workflow_id: self.compute.workflow(&of.id),
            reference: of.id.clone(),
            state: state.to_owned(),
            ..Default::default()
        })
    }

    /// Tells `payload` as compute.
    pub(crate) async fn tell(&self, payload: Payload) -> Result {
        self.tell_of(self.organization, payload).await
    }

    /// Tells `payload` as compute, of something of `organization`.
    pub(crate) async fn tell_of(&self, organization: OrganizationId, payload: Payload) -> Result {
        let mut tx = self.db.begin().await?;
        self.outbox.publish(&mut tx, &[Draft::new(organization, payload)]).await?;
        Ok(self.outbox.commit(tx).await?)
    }

    /// Waits until generations have heard all that compute told, and did what follows from it.
    pub(crate) async fn await_quiet(&self) -> Result {
        let sql = "select (select count(*) from compute.outbox) = \
                   (select coalesce(max(position), 0) from generation.position \
                    where source = 'compute') \
                   and not exists (select from generation.job \
                                   where name = 'collect' and state <> 'dead')";
        let is_quiet = async || sqlx::query_scalar::<_, bool>(sql).fetch_one(&self.db).await;
        Ok(testkit::eventually(is_quiet).await?)
    }

    /// Makes every job that waits due now.
    pub(crate) async fn hurry(&self) -> Result {
        let sql = "update generation.job set run_at = now() where state = 'ready'";
        sqlx::query(sql).execute(&self.db).await?;
        Ok(())
    }

    /// Makes every job that waits due now, for the last time.
    pub(crate) async fn hurry_for_the_last_time(&self) -> Result {
        let sql = "update generation.job set run_at = now(), attempts = 19 where state = 'ready'";
        sqlx::query(sql).execute(&self.db).await?;
        Ok(())
    }

    /// Returns how many jobs of `name` there are, in whatever state.
    pub(crate) async fn n_jobs(&self, name: &str) -> Result<i64> {
        let sql = "select count(*) from generation.job where name = $1";
        Ok(sqlx::query_scalar(sql).bind(name).fetch_one(&self.db).await?)
    }

    /// Returns what generations have told so far, oldest first.
    pub(crate) async fn told(&self) -> Result<Vec<Payload>> {
        let rows: Vec<Vec<u8>> =
            sqlx::query_scalar("select event from generation.outbox order by outbox_id")
                .fetch_all(&self.db)
                .await?;
        let events = rows.iter().map(|it| Event::decode(it.as_slice()));
        Ok(events.collect::<Result<Vec<_>, _>>()?.into_iter().filter_map(|it| it.payload).collect())
    }

    /// Returns the names of what generations have told so far, oldest first.
    pub(crate) async fn names_told(&self) -> Result<Vec<&'static str>> {
        let name = |it: Payload| match it {
            Payload::GenerationStarted(_) => "generation.started",
            Payload::GenerationCompleted(_) => "generation.completed",
            Payload::GenerationFailed(_) => "generation.failed",
            Payload::GenerationCancelled(_) => "generation.cancelled",
            Payload::PredictionReady(_) => "prediction.ready",
            Payload::PredictionFailed(_) => "prediction.failed",
            Payload::PredictionCancelled(_) => "prediction.cancelled",
            _ => "something else",
        };
        Ok(self.told().await?.into_iter().map(name).collect())
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // The tasks hold connections to a database that goes away.
        self.mesh.stop();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no test panics while it holds a lock")
}

/// Returns what asks for so many pictures of `set`.
pub(crate) fn input(set: &Set, n_pictures: i32) -> GenerationInput {
    GenerationInput {
        shot_id: set.shot.id.clone(),
        variant_count: n_pictures,
        ..Default::default()
    }
}

/// Returns a request to make so many pictures of `set`.
pub(crate) fn starting(set: &Set, n_pictures: i32) -> StartGenerationRequest {
    let generation = Some(input(set, n_pictures));
    StartGenerationRequest { request_id: request_id(), generation }
}

/// Returns the error of a call that ought to fail.
pub(crate) fn refusal<T>(answer: Result<Response<T>, Status>) -> Result<Status> {
    Ok(answer.err().ok_or("it was accepted")?)
}
