//! Handing graphs to a compute that is not always there.

use api::sartiq::generation::v1::{generation, prediction};
use sqlx::PgPool;
use testkit::eventually;
use tonic::Code;

use crate::stage::{Result, Stage, refusal, starting};

#[sqlx::test(migrator = "::generation::MIGRATIONS")]
async fn a_submission_without_an_answer_is_asked_for_again(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    // It takes the graph and dies before it says so.
    stage.compute.lose_answers(true);
    let generation = stage.start(&stage.set(), 1).await?;
    assert_eq!(stage.read(&generation).await?.0.workflow_id, "");

    stage.compute.lose_answers(false);
    stage.hurry().await?;
    let is_submitted =
        async || stage.read(&generation).await.map(|(it, _)| !it.workflow_id.is_empty());
    eventually(is_submitted).await?;
    assert_eq!(stage.compute.submitted().len(), 1, "the same graph, not another");

    stage.make(&generation, 0).await?;
    stage.await_state(&generation, generation::State::Completed).await?;
    Ok(())
}

#[sqlx::test(migrator = "::generation::MIGRATIONS")]
async fn without_a_price_nothing_is_accepted(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    stage.compute.refuse(Some(Code::Unavailable));
    let request = starting(&stage.set(), 1);
    let status = refusal(stage.generations().start_generation(request.clone()).await)?;
    assert_eq!(status.code(), Code::Unavailable);
    assert!(stage.told().await?.is_empty());
    assert_eq!(stage.n_jobs("submit").await?, 0);
    // So that asking again is a first time.
    stage.compute.refuse(None);
    stage.generations().start_generation(request).await?;
    assert_eq!(stage.compute.submitted().len(), 1);
    Ok(())
}

#[sqlx::test(migrator = "::generation::MIGRATIONS")]
async fn events_may_come_before_the_answer_to_the_submission(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    stage.compute.lose_answers(true);
    let generation = stage.start(&stage.set(), 1).await?;
    stage.make(&generation, 0).await?;
    stage.await_state(&generation, generation::State::Completed).await?;
    Ok(())
}

#[sqlx::test(migrator = "::generation::MIGRATIONS")]
async fn a_graph_that_compute_refuses_fails_the_generation(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    stage.compute.lose_answers(true);
    let generation = stage.start(&stage.set(), 2).await?;
    stage.compute.refuse(Some(Code::InvalidArgument));
    stage.hurry().await?;
    stage.await_state(&generation, generation::State::Failed).await?;
    let (now, predictions) = stage.read(&generation).await?;
    let error = now.error.ok_or("no error")?;
    assert_eq!((&*error.reason, error.retryable), ("GRAPH_REFUSED", false));
    assert_eq!(error.message, "compute says no");
    assert!(predictions.iter().all(|it| it.state() == prediction::State::Failed));
    let told = stage.names_told().await?;
    let failed = ["prediction.failed", "prediction.failed", "generation.failed"];
    assert_eq!(told[1..], failed);
    Ok(())
}

#[sqlx::test(migrator = "::generation::MIGRATIONS")]
async fn a_generation_that_cannot_be_submitted_at_all_does_not_wait_for_ever(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    stage.compute.lose_answers(true);
    let generation = stage.start(&stage.set(), 1).await?;
    stage.hurry_for_the_last_time().await?;
    stage.await_state(&generation, generation::State::Failed).await?;
    let error = stage.read(&generation).await?.0.error.ok_or("no error")?;
    assert_eq!((&*error.reason, error.retryable), ("NOT_SUBMITTED", true));
    Ok(())
}
