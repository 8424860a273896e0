//! Clients that start one generation after another, and write down what they were told.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use api::sartiq::catalog::v1::shot_type_service_client::ShotTypeServiceClient;
use api::sartiq::catalog::v1::{CreateShotTypeRequest, ShotTypeInput};
use api::sartiq::generation::v1::{
    GetGenerationRequest, GetGenerationResponse, ListGenerationsRequest, StartGenerationRequest,
    prediction,
};
use api::sartiq::shooting::v1::Shot;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, sleep, timeout};
use tonic::{Code, Request, Status};

use super::record::{Ending, Picture, Record};
use crate::{Actor, House, Result, photo, request_id, until};

/// How many shots there are.
const N_SHOTS: usize = 8;

/// How large pictures are.
const SIDE: i32 = 256;

/// How long one call may take.
const CALL: Duration = Duration::from_secs(5);

/// How many generations may be under way; with more, nobody starts another.
const MOST: usize = 40;

/// How long a client repeats a request that is not answered.
const PATIENCE: Duration = Duration::from_secs(90);

/// How long a client waits for an end.
const WAIT: Duration = Duration::from_secs(180);

/// Somebody who stays signed in.
#[derive(Clone, Debug)]
pub(super) struct Client(Arc<RwLock<Actor>>);

impl Client {
    pub(super) async fn sign_up(house: &House) -> Result<Self> {
        Ok(Self(Arc::new(RwLock::new(house.owner("faults").await?))))
    }

    /// Who it is now.
    pub(super) fn actor(&self) -> Actor {
        self.0.read().expect("nobody panics with the lock").clone()
    }

    /// Makes shots for small pictures.
    pub(super) async fn shots(&self) -> Result<Vec<Shot>> {
        let actor = self.actor();
        let product = actor.product(&photo("coffee.png")).await?;
        let mut types = ShotTypeServiceClient::new(actor.signed.clone());
        let mut ids = Vec::new();
        for nth in 0..N_SHOTS {
            let shot_type = ShotTypeInput {
                code: format!("small-{nth}"),
                name: format!("Small {nth}"),
                width_px: SIDE,
                height_px: SIDE,
                ..ShotTypeInput::default()
            };
            let request =
                CreateShotTypeRequest { request_id: request_id(), shot_type: Some(shot_type) };
            let made = types.create_shot_type(request).await?.into_inner().shot_type;
            ids.push(made.ok_or("no shot type")?.id);
        }
        Ok(actor.shots_of_types(&product, ids).await?.1)
    }

    /// Takes a new token from time to time, well before the old one ends.
    pub(super) async fn stay_signed_in(self) {
        loop {
            sleep(Duration::from_secs(300)).await;
            let actor = self.actor();
            let again = loop {
                match timeout(CALL, actor.sign_in_again()).await {
                    Ok(Ok(again)) => break again,
                    _ => sleep(Duration::from_secs(1)).await,
                }
            };
            *self.0.write().expect("nobody panics with the lock") = again;
        }
    }
}

/// Generations that begin one after another.
pub(super) struct Flow {
    pub(super) client: Client,
    /// What they are for, in turn.
    pub(super) shots: Vec<Shot>,
    /// How many begin in a second.
    pub(super) rate: f64,
    pub(super) start: Instant,
    /// Set when no more are to begin.
    pub(super) stop: Arc<AtomicBool>,
    /// How many were accepted so far.
    pub(super) accepted: Arc<AtomicUsize>,
}

impl Flow {
    /// Starts generations until told to stop, and follows each to its end.
    pub(super) async fn run(self) -> Vec<Record> {
        let mut ticks = tokio::time::interval(Duration::from_secs_f64(1.0 / self.rate));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let records: Arc<Mutex<Vec<Record>>> = Arc::default();
        let mut following = JoinSet::new();
        let mut n_started = 0;
        while !self.stop.load(Ordering::Relaxed) {
            ticks.tick().await;
            while following.try_join_next().is_some() {}
            if MOST <= following.len() {
                continue;
            }
            // Every fourth makes two pictures, every tenth is asked for twice.
            let count = if n_started % 4 == 3 { 2 } else { 1 };
            let request = Actor::start_request(&self.shots[n_started % self.shots.len()], count);
            let asks_again = n_started % 10 == 9;
            n_started += 1;
            let (client, records, start) = (self.client.clone(), records.clone(), self.start);
            let accepted = self.accepted.clone();
            following.spawn(async move {
                let record = follow(&client, request, asks_again, start, &accepted).await;
                records.lock().expect("nobody panics with the lock").push(record);
            });
        }
        following.join_all().await;
        std::mem::take(&mut *records.lock().expect("nobody panics with the lock"))
    }
}

async fn follow(
    client: &Client,
    request: StartGenerationRequest,
    asks_again: bool,
    start: Instant,
    accepted: &AtomicUsize,
) -> Record {
    let count = request.generation.as_ref().map_or(1, |it| it.variant_count);
    let mut record = Record {
        request_id: request.request_id.clone(),
        count: usize::try_from(count).unwrap_or_default(),
        sent: start.elapsed().as_secs_f64(),
        ..Record::default()
    };
    let answers = if asks_again { 2 } else { 1 };
    let end = Instant::now() + PATIENCE;
    while record.ids.len() < answers && Instant::now() < end {
        match call(client.actor().generations().start_generation(named(&request))).await {
            Ok(answer) => {
                record.accepted.get_or_insert(start.elapsed().as_secs_f64());
                let id = answer.into_inner().generation.map(|it| it.id);
                record.ids.push(id.unwrap_or_default());
            }
            Err(status) if may_pass(status.code()) => {
                record.troubles += 1;
                sleep(Duration::from_millis(250)).await;
            }
            Err(status) => {
                record.refusal = Some(status.to_string());
                break;
            }
        }
    }
    let Some(id) = record.id().map(str::to_owned) else {
        record.quit = Some(start.elapsed().as_secs_f64());
        return record;
    };
    accepted.fetch_add(1, Ordering::Relaxed);
    let end = Instant::now() + WAIT;
    while record.ended.is_none() && Instant::now() < end {
        sleep(Duration::from_secs(1)).await;
        match ending(client, &id).await {
            Ok((_, ending)) if ending.is_final() => {
                record.ended = Some(start.elapsed().as_secs_f64());
                record.first = Some(ending);
            }
            Ok(_) => (),
            Err(_) => record.troubles += 1,
        }
    }
    record
}

/// The request, by whose name events call what it causes: each repetition is the same one.
fn named(request: &StartGenerationRequest) -> Request<StartGenerationRequest> {
    let mut named = Request::new(request.clone());
    if let Ok(id) = request.request_id.parse() {
        named.metadata_mut().insert("x-request-id", id);
    }
    named
}

/// The ids of all generations, whoever was told of them.
pub(super) async fn generations(client: &Client) -> Result<BTreeSet<String>> {
    let mut ids = BTreeSet::new();
    let mut page_token = String::new();
    loop {
        let page = until(20, async || {
            let page_token = page_token.clone();
            let request =
                ListGenerationsRequest { page_size: 200, page_token, ..Default::default() };
            Ok(Some(
                call(client.actor().generations().list_generations(request)).await?.into_inner(),
            ))
        });
        let page = page.await?;
        ids.extend(page.generations.into_iter().map(|it| it.id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(ids);
        }
    }
}

/// How a generation stands, and its workflow.
pub(super) async fn ending(client: &Client, id: &str) -> Result<(String, Ending), Status> {
    let request = GetGenerationRequest { id: id.to_owned() };
    let answer = call(client.actor().generations().get_generation(request)).await?.into_inner();
    let workflow = answer.generation.as_ref().map(|it| it.workflow_id.clone()).unwrap_or_default();
    Ok((workflow, read(answer)))
}

fn read(answer: GetGenerationResponse) -> Ending {
    let generation = answer.generation.unwrap_or_default();
    let micros = |it: Option<api::sartiq::r#type::v1::Money>| it.map_or(0, |it| it.micros);
    let pictures = answer.predictions.into_iter().map(|it| Picture {
        is_ready: it.state() == prediction::State::Ready,
        index: it.index,
        cost: micros(it.cost),
        id: it.id,
        media_id: it.media_id,
    });
    Ending {
        state: generation.state().as_str_name().to_owned(),
        pictures: pictures.collect(),
        cost: micros(generation.cost),
        quote: micros(generation.quoted_cost),
        error: generation.error.map(|it| it.reason).unwrap_or_default(),
    }
}

/// Makes a call that ends in time.
pub(super) async fn call<T>(call: impl Future<Output = Result<T, Status>>) -> Result<T, Status> {
    match timeout(CALL, call).await {
        Ok(answer) => answer,
        Err(_) => Err(Status::deadline_exceeded("no answer")),
    }
}

/// Whether a call that failed with `code` may be made again: all but what says that the request itself
/// is wrong.
fn may_pass(code: Code) -> bool {
    !matches!(
        code,
        Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::PermissionDenied
            | Code::FailedPrecondition
            | Code::OutOfRange
            | Code::Unimplemented
    )
}
