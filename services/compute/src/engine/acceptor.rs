//! Workflows on their way in: those that come at once are stored as one.

use std::sync::{Arc, Mutex, MutexGuard};
use std::{mem, slice};

use api::sartiq::compute::v1 as pb;
use futures::future::join_all;
use pg::replay::{self, Replay};
use prost::Message;
use server::Mesh;
use sqlx::PgPool;
use tokio::sync::oneshot;

use super::{Engine, SAFETY};
use crate::error::{Error, Result};
use crate::store;
use crate::store::signal::{Kind, Signal};
use crate::store::workflow::New;

/// How many workflows are stored at a time.
const WORKFLOWS: usize = 64;

/// How many tasks they may have together, unless it is one that has more.
const TASKS: usize = 512;

/// Stores what was submitted. A commit costs about as much for one workflow as for many, so whatever
/// arrives while one is written is written together when it has ended.
#[derive(Clone, Debug)]
pub(crate) struct Acceptor {
    mesh: Mesh,
    db: PgPool,
    engine: Engine,
    door: Arc<Mutex<Door>>,
}

#[derive(Debug, Default)]
struct Door {
    waiting: Vec<Submission>,
    /// Whether somebody writes, and looks here again after that.
    is_served: bool,
}

/// A workflow that somebody waits to be accepted.
#[derive(Debug)]
struct Submission {
    new: New,
    replay: Replay,
    reply: pb::SubmitWorkflowResponse,
    answer: oneshot::Sender<Result<pb::SubmitWorkflowResponse>>,
}

impl Acceptor {
    /// Returns an acceptor that tells `engine` what it stored.
    pub(crate) fn new(mesh: &Mesh, db: PgPool, engine: Engine) -> Self {
        Self { mesh: mesh.clone(), db, engine, door: Arc::default() }
    }

    /// Stores `new`, and answers `reply` once that is durable; or what was answered when it was asked
    /// for before. It is stored even if nobody waits for the answer any more.
    pub(crate) async fn accept(
        &self,
        new: New,
        replay: Replay,
        reply: pb::SubmitWorkflowResponse,
    ) -> Result<pb::SubmitWorkflowResponse> {
        let (answer, answered) = oneshot::channel();
        let is_served = {
            let mut door = self.door();
            door.waiting.push(Submission { new, replay, reply, answer });
            mem::replace(&mut door.is_served, true)
        };
        if !is_served {
            self.mesh.spawn("acceptor", self.clone().serve());
        }
        answered.await.unwrap_or(Err(Error::Store(sqlx::Error::WorkerCrashed)))
    }

    fn door(&self) -> MutexGuard<'_, Door> {
        self.door.lock().expect("no holder panics")
    }

    /// Stores what waits until nobody does.
    async fn serve(self) {
        loop {
            let some = {
                let mut door = self.door();
                let count = fitting(&door.waiting);
                door.is_served = 0 < count;
                door.waiting.drain(..count).collect::<Vec<_>>()
            };
            if some.is_empty() {
                return;
            }
            self.store(some).await;
        }
    }

    async fn store(&self, some: Vec<Submission>) {
        let error = match self.write(&some).await {
            Ok(are_new) => {
                let answers = some.into_iter().zip(are_new);
                join_all(answers.map(|(it, is_new)| self.answer(it, Ok(is_new)))).await;
                return;
            }
            Err(error) => error,
        };
        match <[_; 1]>::try_from(some) {
            Ok([alone]) => self.answer(alone, Err(error)).await,
            // One may have spoiled it for the others.
            Err(some) => {
                let each = some.into_iter().map(async |it| {
                    let written = self.write(slice::from_ref(&it)).await;
                    self.answer(it, written.map(|are_new| are_new[0])).await;
                });
                join_all(each).await;
            }
        }
    }

    /// Stores those that are new, which it says of each. The others were accepted before.
    async fn write(&self, some: &[Submission]) -> Result<Vec<bool>> {
        let replies: Vec<_> =
            some.iter().map(|it| (&it.replay, it.reply.encode_to_vec())).collect();
        let mut tx = self.db.begin().await?;
        let are_new = replay::keep(&mut tx, &replies).await?;
        let new = some.iter().zip(&are_new).filter(|(_, is_new)| **is_new);
        let new: Vec<&New> = new.map(|(it, _)| &it.new).collect();
        if new.is_empty() {
            return Ok(are_new);
        }
        let keys = store::workflow::insert(&mut tx, &new, SAFETY.as_secs_f64()).await?;
        tx.commit().await?;
        let told = keys.into_iter().map(|(flow, organization)| Signal {
            flow,
            organization,
            kind: Kind::Accepted,
        });
        self.engine.tell(told.collect());
        Ok(are_new)
    }

    async fn answer(&self, it: Submission, is_new: Result<bool>) {
        let reply = match is_new {
            Ok(true) => Ok(it.reply),
            Ok(false) => match it.replay.known(&self.db).await {
                Ok(reply) => reply.ok_or(Error::Store(sqlx::Error::RowNotFound)),
                Err(error) => Err(error.into()),
            },
            Err(error) => Err(error),
        };
        // Who does not wait any more asks again.
        let _ = it.answer.send(reply);
    }
}

/// How many of the first are stored together.
fn fitting(waiting: &[Submission]) -> usize {
    let mut tasks = 0;
    let fit = waiting.iter().take(WORKFLOWS).take_while(|it| {
        let is_first = tasks == 0;
        tasks += it.new.tasks.len();
        is_first || tasks <= TASKS
    });
    fit.count()
}
