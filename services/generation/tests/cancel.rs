//! Cancelling generations, wherever they are.

use api::sartiq::generation::v1::generation::State;
use api::sartiq::generation::v1::generation_service_client::GenerationServiceClient;
use api::sartiq::generation::v1::{
    CancelGenerationRequest, CancelGenerationResponse, Generation, prediction,
};
use server::Role;
use sqlx::PgPool;
use testkit::{eventually, reason, request_id};
use tonic::{Code, Response, Status};

use crate::stage::{Result, Stage, refusal};

async fn cancel(
    stage: &Stage,
    generation: &Generation,
) -> Result<Response<CancelGenerationResponse>, Status> {
    let request = CancelGenerationRequest { request_id: request_id(), id: generation.id.clone() };
    stage.generations().cancel_generation(request).await
}

/// Waits until compute was told to cancel the workflow of `generation`.
async fn await_stopped(stage: &Stage, generation: &Generation) -> Result {
    let workflow = stage.compute.workflow(&generation.id);
    let is_stopped = async || Ok::<_, String>(stage.compute.cancelled().contains(&workflow));
    Ok(eventually(is_stopped).await?)
}

#[sqlx::test(migrator = "::generation::MIGRATIONS")]
async fn what_is_running_is_cancelled_and_what_is_made_stays(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let generation = stage.start(&stage.set(), 3).await?;
    stage.make(&generation, 0).await?;
    stage.await_prediction(&generation, 0, prediction::State::Ready).await?;
    stage.tell(stage.task_started(&generation, "image_1")).await?;
    stage.await_prediction(&generation, 1, prediction::State::Rendering).await?;

    let now = cancel(&stage, &generation).await?.into_inner().generation.ok_or("nothing")?;
    assert_eq!((now.state(), now.ready_count, now.progress_percent), (State::Cancelled, 1, 100));
    assert!(now.end_time.is_some());
    await_stopped(&stage, &generation).await?;
    let states = async || -> Result<_> {
        Ok(stage.read(&generation).await?.1.iter().map(|it| it.state()).collect::<Vec<_>>())
    };
    let (ready, cancelled) = (prediction::State::Ready, prediction::State::Cancelled);
    assert_eq!(states().await?, [ready, cancelled, cancelled]);

    // What compute made before it heard of it comes too late.
    stage.make(&generation, 1).await?;
    stage.fail(&generation, 2, "CODE_CANCELLED").await?;
    stage.tell(stage.workflow_ended(&generation, "STATE_CANCELLED")).await?;
    stage.await_quiet().await?;
    assert_eq!(states().await?, [ready, cancelled, cancelled]);
    let told = stage.names_told().await?;
    assert_eq!(told, ["generation.started", "prediction.ready", "generation.cancelled"]);

    // Again is as good as once.
    let again = cancel(&stage, &generation).await?.into_inner().generation.ok_or("nothing")?;
    assert_eq!(again.state(), State::Cancelled);
    assert_eq!(stage.names_told().await?.len(), 3);
    Ok(())
}

#[sqlx::test(migrator = "::generation::MIGRATIONS")]
async fn what_may_have_been_submitted_is_stopped_as_soon_as_compute_says_so(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    stage.compute.lose_answers(true);
    let generation = stage.start(&stage.set(), 1).await?;
    cancel(&stage, &generation).await?;
    stage.await_state(&generation, State::Cancelled).await?;
    // Nobody knows the workflow yet, so nobody can cancel it.
    eventually(async || stage.n_jobs("cancel").await.map(|it| it == 0)).await?;
    assert!(stage.compute.cancelled().is_empty());

    stage.compute.lose_answers(false);
    stage.hurry().await?;
    await_stopped(&stage, &generation).await?;
    assert_eq!(stage.compute.submitted().len(), 1);
    assert_eq!(stage.read(&generation).await?.0.state(), State::Cancelled);
    Ok(())
}

#[sqlx::test(migrator = "::generation::MIGRATIONS")]
async fn a_workflow_that_was_learnt_of_too_late_is_cancelled_until_compute_heard_it(
    db: PgPool,
) -> Result {
    let stage = Stage::open(db).await?;
    stage.compute.lose_answers(true);
    let generation = stage.start(&stage.set(), 1).await?;
    cancel(&stage, &generation).await?;
    eventually(async || stage.n_jobs("cancel").await.map(|it| it == 0)).await?;

    // The submission is answered now, but the cancellation that follows is not.
    stage.compute.lose_answers(false);
    stage.compute.refuse_cancels(true);
    stage.hurry().await?;
    let is_known = async || stage.read(&generation).await.map(|(it, _)| !it.workflow_id.is_empty());
    eventually(is_known).await?;
    stage.compute.refuse_cancels(false);
    stage.hurry().await?;
    await_stopped(&stage, &generation).await?;
    Ok(())
}

#[sqlx::test(migrator = "::generation::MIGRATIONS")]
async fn a_cancellation_waits_for_a_compute_that_is_away(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let generation = stage.start(&stage.set(), 1).await?;
    stage.compute.refuse(Some(Code::Unavailable));
    let now = cancel(&stage, &generation).await?.into_inner().generation.ok_or("nothing")?;
    assert_eq!(now.state(), State::Cancelled);
    stage.compute.refuse(None);
    stage.hurry().await?;
    await_stopped(&stage, &generation).await?;
    Ok(())
}

#[sqlx::test(migrator = "::generation::MIGRATIONS")]
async fn a_workflow_that_has_ended_by_itself_needs_no_cancelling(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let generation = stage.start(&stage.set(), 1).await?;
    stage.compute.refuse(Some(Code::FailedPrecondition));
    cancel(&stage, &generation).await?;
    eventually(async || stage.n_jobs("cancel").await.map(|it| it == 0)).await?;
    Ok(())
}

#[sqlx::test(migrator = "::generation::MIGRATIONS")]
async fn what_has_ended_is_not_cancelled(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let (generation, _) = stage.made(&stage.set()).await?;
    let status = refusal(cancel(&stage, &generation).await)?;
    assert_eq!((status.code(), &*reason(&status)), (Code::FailedPrecondition, "STATE_CONFLICT"));
    assert_eq!(testkit::metadata(&status)["state"], "completed");
    assert!(stage.compute.cancelled().is_empty());
    Ok(())
}

#[sqlx::test(migrator = "::generation::MIGRATIONS")]
async fn only_those_who_edit_cancel_and_only_what_is_theirs(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let generation = stage.start(&stage.set(), 1).await?;
    let request =
        || CancelGenerationRequest { request_id: request_id(), id: generation.id.clone() };
    let mut stranger = GenerationServiceClient::new(stage.stranger());
    let status = refusal(stranger.cancel_generation(request()).await)?;
    assert_eq!((status.code(), &*reason(&status)), (Code::NotFound, "GENERATION_NOT_FOUND"));
    let mut viewer = GenerationServiceClient::new(stage.role(Role::Viewer));
    let status = refusal(viewer.cancel_generation(request()).await)?;
    assert_eq!(status.code(), Code::PermissionDenied);
    assert_eq!(stage.read(&generation).await?.0.state(), State::Pending);

    let request = request();
    let first = stage.generations().cancel_generation(request.clone()).await?.into_inner();
    let again = stage.generations().cancel_generation(request.clone()).await?.into_inner();
    assert_eq!(first, again);
    let other = stage.start(&stage.set(), 1).await?;
    let reused = CancelGenerationRequest { id: other.id, ..request };
    let status = refusal(stage.generations().cancel_generation(reused).await)?;
    assert_eq!((status.code(), &*reason(&status)), (Code::AlreadyExists, "REQUEST_ID_REUSED"));
    Ok(())
}
