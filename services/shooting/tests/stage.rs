//! Shootings on a database of their own, beside a catalog and a generation that tests can tell
//! what to be like.

pub(crate) mod batch;
mod catalog;
mod generation;

use ::shooting::Studio;
use api::sartiq::event::v1::event::Payload;
use api::sartiq::event::v1::{Event, GenerationChanged, PredictionChanged};
use api::sartiq::shooting::v1::look_service_client::LookServiceClient;
use api::sartiq::shooting::v1::review_service_client::ReviewServiceClient;
use api::sartiq::shooting::v1::shooting_service_client::ShootingServiceClient;
use api::sartiq::shooting::v1::shot::State;
use api::sartiq::shooting::v1::shot_service_client::ShotServiceClient;
use api::sartiq::shooting::v1::*;
use events::{Draft, Outbox, Relay};
use prost::Message;
use server::{Mesh, Role};
use sqlx::PgPool;
use testkit::{Client, request_id};
use tonic::{Response, Status};
use types::id::{GenerationId, OrganizationId, PredictionId, UserId};

pub(crate) use self::catalog::Catalog;
pub(crate) use self::generation::Generation;

pub(crate) type Result<T = (), E = Box<dyn std::error::Error + Send + Sync>> =
    std::result::Result<T, E>;

/// The tables of generation that its events come from.
const GENERATION: &str = "
    create schema generation;
    create table generation.outbox (
        outbox_id bigint generated always as identity primary key,
        position bigint,
        event bytea not null,
        created_at timestamptz not null default now(),
        constraint outbox_position_is_unique unique (position)
    );
    create table generation.position (source text primary key, position bigint not null);";

/// Shootings with what is around them.
pub(crate) struct Stage {
    pub(crate) catalog: Catalog,
    pub(crate) generation: Generation,
    pub(crate) organization: OrganizationId,
    pub(crate) user: UserId,
    db: PgPool,
    channel: Client,
    outbox: Outbox,
    mesh: Mesh,
}

impl Stage {
    pub(crate) async fn open(db: PgPool) -> Result<Self> {
        let (catalog, generation) = (Catalog::default(), Generation::default());
        let catalog_url =
            testkit::serve_at(&testkit::mesh("catalog"), catalog.clone().routes()).await;
        let generation_url =
            testkit::serve_at(&testkit::mesh("generation"), generation.clone().routes()).await;

        let mesh = testkit::mesh("shooting");
        let redis_prefix = format!("{}:", request_id());
        let stream =
            events::Config { redis_url: testkit::redis_url().into(), redis_prefix }.open()?;
        sqlx::raw_sql(GENERATION).execute(&db).await?;
        let outbox = Outbox::new("generation");
        let relay = Relay::new(outbox.clone(), db.clone(), stream.clone());
        mesh.spawn("generation's relay", relay.run(mesh.shutdown()));

        let studio =
            Studio::new(db.clone(), mesh.channel(&catalog_url)?, mesh.channel(&generation_url)?);
        studio.work(&mesh, &stream);
        let channel = testkit::serve(mesh.clone(), studio.routes()).await;
        let (organization, user) = (OrganizationId::generate(), UserId::generate());
        Ok(Self { catalog, generation, organization, user, db, channel, outbox, mesh })
    }

    /// Returns a channel of the user of this stage, with `role`.
    pub(crate) fn role(&self, role: Role) -> Client {
        testkit::as_user(&self.channel, self.user, role, self.organization)
    }

    /// Returns a channel of another user of the organization, with `role`.
    pub(crate) fn colleague(&self, role: Role) -> Client {
        testkit::as_role(&self.channel, role, self.organization)
    }

    /// Returns a channel of an owner of another organization.
    pub(crate) fn stranger(&self) -> Client {
        testkit::as_role(&self.channel, Role::Owner, OrganizationId::generate())
    }

    pub(crate) fn shootings(&self) -> ShootingServiceClient<Client> {
        ShootingServiceClient::new(self.role(Role::Editor))
    }

    pub(crate) fn looks(&self) -> LookServiceClient<Client> {
        LookServiceClient::new(self.role(Role::Editor))
    }

    pub(crate) fn shots(&self) -> ShotServiceClient<Client> {
        ShotServiceClient::new(self.role(Role::Editor))
    }

    pub(crate) fn reviews(&self) -> ReviewServiceClient<Client> {
        ReviewServiceClient::new(self.role(Role::Editor))
    }

    /// Creates a shooting.
    pub(crate) async fn shooting(&self) -> Result<Shooting> {
        let shooting = ShootingInput { name: "Spring".into(), brief: String::new() };
        let request = CreateShootingRequest { request_id: request_id(), shooting: Some(shooting) };
        let reply = self.shootings().create_shooting(request).await?.into_inner();
        Ok(reply.shooting.ok_or("no shooting")?)
    }

    /// Returns a look that the catalog has everything for, with so many shot types.
    pub(crate) fn look(&self, n_shot_types: usize) -> LookInput {
        let add = || self.catalog.add(self.organization);
        LookInput {
            name: String::new(),
            product_id: add(),
            subject_id: add(),
            style_id: add(),
            guideline_ids: vec![add()],
            shot_type_ids: (0..n_shot_types).map(|_| add()).collect(),
        }
    }

    /// Creates a shooting with one look of so many shots.
    pub(crate) async fn shots_of_a_look(&self, n_shots: usize) -> Result<Vec<Shot>> {
        let shooting = self.shooting().await?;
        let request = CreateLookRequest {
            request_id: request_id(),
            shooting_id: shooting.id,
            look: Some(self.look(n_shots)),
        };
        Ok(self.looks().create_look(request).await?.into_inner().shots)
    }

    /// Creates a shot with so many pictures that wait for a decision.
    pub(crate) async fn shot_to_review(&self, n_pictures: usize) -> Result<(Shot, Vec<String>)> {
        let shot = self.shots_of_a_look(1).await?.into_iter().next().ok_or("no shot")?;
        let (generation, pictures) = self.generate(&shot, n_pictures).await?;
        self.tell(Payload::GenerationCompleted(changed(&shot, &generation))).await?;
        self.await_state(&shot, State::ToReview).await?;
        // A generation that was told of as ended is ended everywhere.
        self.await_ended(&generation).await?;
        Ok((self.read(&shot).await?, pictures))
    }

    /// Creates a shooting with so many shots, each with a picture that waits for a decision.
    pub(crate) async fn shots_to_review(&self, n_shots: usize) -> Result<Vec<(Shot, String)>> {
        let looks = (0..n_shots).step_by(20).map(|n| self.look(20.min(n_shots - n))).collect();
        let shooting_id = self.shooting().await?.id;
        let request = BatchCreateLooksRequest { request_id: request_id(), shooting_id, looks };
        let shots = self.looks().batch_create_looks(request).await?.into_inner().shots;
        let add = |shot| (shot, PredictionId::generate().to_string());
        let shots: Vec<_> = shots.into_iter().map(add).collect();
        let generation = GenerationId::generate().to_string();
        let told = shots.iter().map(|(shot, id)| {
            let payload = Payload::PredictionReady(ready(shot, &generation, id));
            Draft::new(self.organization, payload)
        });
        let mut tx = self.db.begin().await?;
        self.outbox.publish(&mut tx, &told.collect::<Vec<_>>()).await?;
        self.outbox.commit(tx).await?;
        self.await_quiet().await?;
        Ok(shots)
    }

    /// Tells that a generation of `shot` started and made so many pictures.
    pub(crate) async fn generate(
        &self,
        shot: &Shot,
        n_pictures: usize,
    ) -> Result<(String, Vec<String>)> {
        let generation = GenerationId::generate().to_string();
        self.tell(Payload::GenerationStarted(changed(shot, &generation))).await?;
        let mut pictures = Vec::new();
        for _ in 0..n_pictures {
            let id = PredictionId::generate().to_string();
            self.tell(Payload::PredictionReady(ready(shot, &generation, &id))).await?;
            pictures.push(id);
        }
        Ok((generation, pictures))
    }

    /// Tells `payload` as generation.
    pub(crate) async fn tell(&self, payload: Payload) -> Result {
        let mut tx = self.db.begin().await?;
        self.outbox.publish(&mut tx, &[Draft::new(self.organization, payload)]).await?;
        Ok(self.outbox.commit(tx).await?)
    }

    /// Waits until shootings have heard all that generation told.
    pub(crate) async fn await_quiet(&self) -> Result {
        let sql = "select (select count(*) from generation.outbox) = \
                   (select coalesce(max(position), 0) from shooting.position \
                    where source = 'generation')";
        let is_quiet = async || sqlx::query_scalar::<_, bool>(sql).fetch_one(&self.db).await;
        Ok(testkit::eventually(is_quiet).await?)
    }

    /// Makes the revision that waits for generation due now, for the last time.
    pub(crate) async fn hurry_for_the_last_time(&self) -> Result {
        let sql = "update shooting.job set run_at = now(), attempts = 999 \
                   where name = 'start_revision' and state = 'ready'";
        let hurried =
            async || sqlx::query(sql).execute(&self.db).await.map(|it| it.rows_affected() == 1);
        Ok(testkit::eventually(hurried).await?)
    }

    async fn await_ended(&self, generation: &str) -> Result {
        let sql = "select exists (select from shooting.generation \
                   where generation_id = $1::uuid and ended_at is not null)";
        let is_ended =
            async || sqlx::query_scalar::<_, bool>(sql).bind(generation).fetch_one(&self.db).await;
        Ok(testkit::eventually(is_ended).await?)
    }

    /// Waits until `shot` is in `state`.
    pub(crate) async fn await_state(&self, shot: &Shot, state: State) -> Result {
        let probe = async || self.read(shot).await.map(|it| it.state() == state);
        testkit::eventually(probe).await.map_err(|error| format!("{state:?}: {error}"))?;
        Ok(())
    }

    /// Reads a shot again.
    pub(crate) async fn read(&self, shot: &Shot) -> Result<Shot> {
        let reply = self.shots().get_shot(GetShotRequest { id: shot.id.clone() }).await?;
        Ok(reply.into_inner().shot.ok_or("no shot")?)
    }

    /// Returns the pictures that decisions about `shot` are about, the latest first.
    pub(crate) async fn decided(&self, shot: &Shot) -> Result<Vec<String>> {
        let request = ListDecisionsRequest { shot_id: shot.id.clone(), ..Default::default() };
        let decisions = self.reviews().list_decisions(request).await?.into_inner().decisions;
        Ok(decisions.into_iter().map(|it| it.prediction_id).collect())
    }

    /// Reads a shooting.
    pub(crate) async fn read_shooting(&self, id: &str) -> Result<Shooting> {
        let reply = self.shootings().get_shooting(GetShootingRequest { id: id.to_owned() }).await?;
        Ok(reply.into_inner().shooting.ok_or("no shooting")?)
    }

    /// Returns what shootings have told so far, oldest first.
    pub(crate) async fn told(&self) -> Result<Vec<Payload>> {
        let rows: Vec<Vec<u8>> =
            sqlx::query_scalar("select event from shooting.outbox order by outbox_id")
                .fetch_all(&self.db)
                .await?;
        let events = rows.iter().map(|it| Event::decode(it.as_slice()));
        Ok(events.collect::<Result<Vec<_>, _>>()?.into_iter().filter_map(|it| it.payload).collect())
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // The tasks hold connections to a database that goes away.
        self.mesh.stop();
    }
}

/// Returns what generation says of one of its generations.
pub(crate) fn changed(shot: &Shot, generation: &str) -> GenerationChanged {
    GenerationChanged {
        generation_id: generation.to_owned(),
        shot_id: shot.id.clone(),
        shooting_id: shot.shooting_id.clone(),
        ..Default::default()
    }
}

/// Returns what generation says of a picture that is ready.
pub(crate) fn ready(shot: &Shot, generation: &str, id: &str) -> PredictionChanged {
    PredictionChanged {
        prediction_id: id.to_owned(),
        generation_id: generation.to_owned(),
        shot_id: shot.id.clone(),
        ..Default::default()
    }
}

/// Returns the error of a call that ought to fail.
pub(crate) fn refusal<T>(answer: Result<Response<T>, Status>) -> Result<Status> {
    Ok(answer.err().ok_or("it was accepted")?)
}

/// Returns a request that approves a picture.
pub(crate) fn approve(id: &str) -> ApprovePredictionRequest {
    ApprovePredictionRequest { request_id: request_id(), prediction_id: id.to_owned() }
}

/// Returns a request that rejects a picture for its colour.
pub(crate) fn reject(id: &str) -> RejectPredictionRequest {
    RejectPredictionRequest {
        request_id: request_id(),
        prediction_id: id.to_owned(),
        reason: RejectReason::Colour.into(),
        note: String::new(),
    }
}

/// Returns a request that asks for a revision of a picture.
pub(crate) fn revise(id: &str) -> RevisePredictionRequest {
    RevisePredictionRequest {
        request_id: request_id(),
        prediction_id: id.to_owned(),
        note: "longer sleeves".into(),
    }
}

/// Returns a request that undoes the latest decision about `shot`.
pub(crate) fn undo(shot: &Shot) -> UndoDecisionRequest {
    UndoDecisionRequest { request_id: request_id(), shot_id: shot.id.clone() }
}
