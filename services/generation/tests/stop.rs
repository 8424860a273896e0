//! Cancelling single predictions, wherever they are.

use api::sartiq::event::v1::event::Payload;
use api::sartiq::generation::v1::prediction::State;
use api::sartiq::generation::v1::prediction_service_client::PredictionServiceClient;
use api::sartiq::generation::v1::*;
use server::Role;
use sqlx::PgPool;
use testkit::{eventually, reason, request_id};
use tonic::{Code, Status};

use crate::stage::{IMAGE_MICROS, POST_MICROS, Result, Stage, refusal};

fn request(prediction: &Prediction) -> CancelPredictionRequest {
    CancelPredictionRequest { request_id: request_id(), id: prediction.id.clone() }
}

async fn cancel(stage: &Stage, prediction: &Prediction) -> Result<Prediction, Status> {
    let mut client = PredictionServiceClient::new(stage.role(Role::Editor));
    let answer = client.cancel_prediction(request(prediction)).await?.into_inner();
    answer.prediction.ok_or_else(|| Status::internal("no prediction"))
}

/// Waits until compute was told to cancel these nodes of the workflow of `generation`.
async fn await_stopped(stage: &Stage, generation: &Generation, nodes: &[&str]) -> Result {
    let workflow = stage.compute.workflow(&generation.id);
    let is_stopped = async || {
        let stopped = stage.compute.stopped(&workflow);
        Ok::<_, String>(stopped.last().is_some_and(|it| it == nodes))
    };
    Ok(eventually(is_stopped).await?)
}

async fn states(stage: &Stage, generation: &Generation) -> Result<Vec<State>> {
    Ok(stage.read(generation).await?.1.iter().map(Prediction::state).collect())
}

#[sqlx::test(migrator = "::generation::MIGRATIONS")]
async fn one_is_cancelled_and_the_others_are_made(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let generation = stage.start(&stage.set(), 3).await?;
    let predictions = stage.read(&generation).await?.1;
    // One that runs, and one that waits.
    stage.tell(stage.task_started(&generation, "image_1")).await?;
    stage.await_prediction(&generation, 1, State::Rendering).await?;
    let now = cancel(&stage, &predictions[1]).await?;
    assert_eq!((now.state(), now.error), (State::Cancelled, None));
    await_stopped(&stage, &generation, &["image_1", "post_1"]).await?;
    cancel(&stage, &predictions[2]).await?;
    await_stopped(&stage, &generation, &["image_1", "post_1", "image_2", "post_2"]).await?;
    assert!(stage.compute.cancelled().is_empty());
    let (now, _) = stage.read(&generation).await?;
    assert_eq!((now.state(), now.progress_percent), (generation::State::Processing, 66));

    // What compute says of them afterwards is no news, whatever it made of them.
    stage.cancel_in_compute(&generation, 1).await?;
    stage.make(&generation, 2).await?;
    stage.make(&generation, 0).await?;
    stage.tell(stage.workflow_ended(&generation, "STATE_COMPLETED")).await?;
    stage.await_state(&generation, generation::State::Completed).await?;
    stage.await_quiet().await?;
    assert_eq!(
        states(&stage, &generation).await?,
        [State::Ready, State::Cancelled, State::Cancelled]
    );
    let (now, _) = stage.read(&generation).await?;
    assert_eq!((now.requested_count, now.ready_count, now.failed_count), (3, 1, 0));
    assert_eq!(now.cost.map(|it| it.micros), Some(IMAGE_MICROS + POST_MICROS));
    let told = stage.told().await?;
    let Payload::PredictionCancelled(event) = &told[1] else { return Err("no event".into()) };
    assert_eq!((&event.prediction_id, event.index), (&predictions[1].id, 1));
    assert_eq!((&event.shot_id, &event.shooting_id), (&now.shot_id, &now.shooting_id));
    assert_eq!(
        stage.names_told().await?,
        [
            "generation.started",
            "prediction.cancelled",
            "prediction.cancelled",
            "prediction.ready",
            "generation.completed"
        ]
    );
    Ok(())
}

#[sqlx::test(migrator = "::generation::MIGRATIONS")]
async fn with_the_last_one_the_generation_ends_and_its_workflow(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let generation = stage.start(&stage.set(), 3).await?;
    let predictions = stage.read(&generation).await?.1;
    for (nth, prediction) in predictions.iter().enumerate() {
        assert!(stage.compute.cancelled().is_empty());
        cancel(&stage, prediction).await?;
        let state = stage.read(&generation).await?.0.state();
        let is_last = nth == 2;
        assert_eq!(state == generation::State::Cancelled, is_last, "{nth}");
    }
    let workflow = stage.compute.workflow(&generation.id);
    eventually(async || Ok::<_, String>(stage.compute.cancelled().contains(&workflow))).await?;
    let (now, _) = stage.read(&generation).await?;
    assert_eq!((now.progress_percent, now.error), (100, None));
    assert!(now.end_time.is_some());
    let told = stage.names_told().await?;
    assert_eq!(told[1..4], ["prediction.cancelled"; 3]);
    assert_eq!(told[4..], ["generation.cancelled"]);
    Ok(())
}

#[sqlx::test(migrator = "::generation::MIGRATIONS")]
async fn the_last_one_ends_a_generation_as_the_others_did(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    for (is_made, state) in
        [(true, generation::State::Completed), (false, generation::State::Failed)]
    {
        let generation = stage.start(&stage.set(), 2).await?;
        let predictions = stage.read(&generation).await?.1;
        match is_made {
            true => {
                stage.make(&generation, 0).await?;
                stage.await_prediction(&generation, 0, State::Ready).await?;
            }
            false => {
                stage.fail(&generation, 0, "CODE_INVALID_INPUT").await?;
                stage.await_prediction(&generation, 0, State::Failed).await?;
            }
        }
        cancel(&stage, &predictions[1]).await?;
        let now = stage.read(&generation).await?.0;
        assert_eq!((now.state(), now.error.is_some()), (state, !is_made));
        // It runs in compute still.
        await_stopped(&stage, &generation, &["image_1", "post_1"]).await?;
    }
    assert!(stage.compute.cancelled().is_empty());
    Ok(())
}

#[sqlx::test(migrator = "::generation::MIGRATIONS")]
async fn one_that_was_cancelled_before_compute_answered_is_stopped_afterwards(
    db: PgPool,
) -> Result {
    let stage = Stage::open(db).await?;
    stage.compute.lose_answers(true);
    let generation = stage.start(&stage.set(), 2).await?;
    let predictions = stage.read(&generation).await?.1;
    cancel(&stage, &predictions[0]).await?;
    // Nobody knows the workflow yet, so nobody can cancel a task of it.
    eventually(async || stage.n_jobs("cancel").await.map(|it| it == 0)).await?;
    let workflow = stage.compute.workflow(&generation.id);
    assert!(stage.compute.stopped(&workflow).is_empty());

    stage.compute.lose_answers(false);
    stage.compute.refuse_cancels(true);
    stage.hurry().await?;
    let is_known = async || stage.read(&generation).await.map(|(it, _)| !it.workflow_id.is_empty());
    eventually(is_known).await?;
    stage.compute.refuse_cancels(false);
    stage.hurry().await?;
    await_stopped(&stage, &generation, &["image_0", "post_0"]).await?;
    assert_eq!(states(&stage, &generation).await?, [State::Cancelled, State::Expected]);
    Ok(())
}

#[sqlx::test(migrator = "::generation::MIGRATIONS")]
async fn one_that_compute_cancelled_by_itself_is_told_of(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let generation = stage.start(&stage.set(), 2).await?;
    stage.cancel_in_compute(&generation, 0).await?;
    stage.await_prediction(&generation, 0, State::Cancelled).await?;
    assert_eq!(stage.names_told().await?, ["generation.started", "prediction.cancelled"]);
    assert_eq!(stage.read(&generation).await?.0.state(), generation::State::Pending);
    Ok(())
}

#[sqlx::test(migrator = "::generation::MIGRATIONS")]
async fn what_is_final_is_not_cancelled_and_again_is_as_good_as_once(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let generation = stage.start(&stage.set(), 3).await?;
    stage.make(&generation, 0).await?;
    stage.await_prediction(&generation, 0, State::Ready).await?;
    stage.fail(&generation, 1, "CODE_INVALID_INPUT").await?;
    stage.await_prediction(&generation, 1, State::Failed).await?;
    let predictions = stage.read(&generation).await?.1;
    for (prediction, state) in predictions.iter().zip(["ready", "failed"]) {
        let status = cancel(&stage, prediction).await.err().ok_or("it was cancelled")?;
        let refused = (status.code(), reason(&status));
        assert_eq!(refused, (Code::FailedPrecondition, "STATE_CONFLICT".to_owned()));
        assert_eq!(testkit::metadata(&status)["state"], state);
    }
    let first = cancel(&stage, &predictions[2]).await?;
    let n_told = stage.told().await?.len();
    assert_eq!(cancel(&stage, &predictions[2]).await?, first);
    assert_eq!(stage.told().await?.len(), n_told);
    assert_eq!(stage.read(&generation).await?.0.state(), generation::State::Completed);
    Ok(())
}

#[sqlx::test(migrator = "::generation::MIGRATIONS")]
async fn only_those_who_edit_cancel_and_only_what_is_theirs(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let generation = stage.start(&stage.set(), 2).await?;
    let predictions = stage.read(&generation).await?.1;
    let mut stranger = PredictionServiceClient::new(stage.stranger());
    let status = refusal(stranger.cancel_prediction(request(&predictions[0])).await)?;
    assert_eq!((status.code(), &*reason(&status)), (Code::NotFound, "PREDICTION_NOT_FOUND"));
    for role in [Role::Viewer, Role::Reviewer] {
        let mut other = PredictionServiceClient::new(stage.role(role));
        let status = refusal(other.cancel_prediction(request(&predictions[0])).await)?;
        assert_eq!(status.code(), Code::PermissionDenied);
    }
    assert_eq!(states(&stage, &generation).await?, [State::Expected; 2]);

    let mut client = PredictionServiceClient::new(stage.role(Role::Editor));
    let asked = request(&predictions[0]);
    let first = client.cancel_prediction(asked.clone()).await?.into_inner();
    assert_eq!(client.cancel_prediction(asked.clone()).await?.into_inner(), first);
    let reused = CancelPredictionRequest { id: predictions[1].id.clone(), ..asked };
    let status = refusal(client.cancel_prediction(reused).await)?;
    assert_eq!((status.code(), &*reason(&status)), (Code::AlreadyExists, "REQUEST_ID_REUSED"));
    assert_eq!(states(&stage, &generation).await?, [State::Cancelled, State::Expected]);
    Ok(())
}
