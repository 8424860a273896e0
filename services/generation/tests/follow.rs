//! What comes of a generation, as compute tells it.

use api::sartiq::event::v1::TaskEnded;
use api::sartiq::event::v1::event::Payload;
use api::sartiq::generation::v1::generation::State;
use api::sartiq::generation::v1::prediction;
use prost_types::Duration;
use sqlx::PgPool;
use testkit::request_id;
use tonic::Code;
use types::id::OrganizationId;

use crate::stage::{IMAGE_MICROS, POST_MICROS, Result, SEED, Stage};

#[sqlx::test(migrator = "::generation::MIGRATIONS")]
async fn a_finished_picture_is_a_prediction_with_all_that_is_known_of_it(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let generation = stage.start(&stage.set(), 2).await?;
    stage.tell(stage.task_started(&generation, "prompt")).await?;
    stage.await_state(&generation, State::Processing).await?;
    stage.tell(stage.task_started(&generation, "image_1")).await?;
    stage.await_prediction(&generation, 1, prediction::State::Rendering).await?;
    stage.tell(stage.task_started(&generation, "post_1")).await?;
    stage.await_prediction(&generation, 1, prediction::State::PostProcessing).await?;

    stage.make(&generation, 1).await?;
    stage.await_prediction(&generation, 1, prediction::State::Ready).await?;
    let (now, predictions) = stage.read(&generation).await?;
    assert_eq!((now.state(), now.ready_count), (State::Processing, 1));
    let made = &predictions[1];
    assert_eq!((made.seed, &*made.provider, &*made.model), (SEED, "fal", "flux-2-pro"));
    assert_eq!(made.prompt, "the whole prompt");
    assert_eq!(made.cost.as_ref().map(|it| it.micros), Some(IMAGE_MICROS + POST_MICROS));
    let timing = made.timing.ok_or("no timing")?;
    let seconds = |seconds| Some(Duration { seconds, nanos: 0 });
    assert_eq!((timing.queue, timing.run, timing.post), (seconds(1), seconds(3), seconds(2)));
    assert!(made.ready_time.is_some());

    // The file is the organization's now, and is said to be used.
    let adopted = stage.media.adopted();
    assert_eq!(adopted.len(), 1);
    assert_eq!(
        (&adopted[0].media_id, adopted[0].organization),
        (&made.media_id, stage.organization)
    );
    assert_eq!(adopted[0].request.filename, format!("{}.png", made.id));
    assert_eq!(adopted[0].request.sha256, vec![7; 32]);
    let attached = stage.media.attached();
    assert_eq!((&*attached[0].entity_type, &attached[0].entity_id), ("prediction", &made.id));
    assert_eq!(attached[0].media[0].media_id, made.media_id);

    stage.make(&generation, 0).await?;
    stage.await_state(&generation, State::Completed).await?;
    let (now, _) = stage.read(&generation).await?;
    assert_eq!((now.ready_count, now.failed_count, now.progress_percent), (2, 0, 100));
    assert_eq!(now.cost, now.quoted_cost);
    assert!(now.end_time.is_some() && now.error.is_none());
    let told = stage.told().await?;
    assert_eq!(
        stage.names_told().await?,
        ["generation.started", "prediction.ready", "prediction.ready", "generation.completed"]
    );
    let Payload::PredictionReady(ready) = &told[1] else { return Err("not ready".into()) };
    assert_eq!((ready.index, &ready.media_id), (1, &made.media_id));
    assert_eq!(&ready.placeholder[..], [1, 2, 3]);
    Ok(())
}

#[sqlx::test(migrator = "::generation::MIGRATIONS")]
async fn a_workflow_names_itself_where_the_answer_that_named_it_was_lost(db: PgPool) -> Result {
    let stage = Stage::open(db.clone()).await?;
    let generation = stage.start(&stage.set(), 1).await?;
    let (before, _) = stage.read(&generation).await?;
    assert!(!before.workflow_id.is_empty());
    let lose = "update generation.generation set workflow_id = null";
    sqlx::query(lose).execute(&db).await?;
    stage.make(&generation, 0).await?;
    stage.await_state(&generation, State::Completed).await?;
    let (now, _) = stage.read(&generation).await?;
    assert_eq!(now.workflow_id, before.workflow_id);
    Ok(())
}

#[sqlx::test(migrator = "::generation::MIGRATIONS")]
async fn one_picture_that_cannot_be_made_costs_that_one_only(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let generation = stage.start(&stage.set(), 2).await?;
    stage.fail(&generation, 0, "CODE_CONTENT_POLICY_INPUT").await?;
    stage.make(&generation, 1).await?;
    stage.tell(stage.workflow_ended(&generation, "STATE_COMPLETED")).await?;
    stage.await_state(&generation, State::Completed).await?;
    let (now, predictions) = stage.read(&generation).await?;
    assert_eq!((now.ready_count, now.failed_count), (1, 1));
    assert!(now.error.is_none());
    let error = predictions[0].error.clone().ok_or("no error")?;
    assert_eq!((&*error.reason, error.retryable), ("CONTENT_POLICY_INPUT", false));
    assert_eq!(error.message, "the vendor says no");
    let told = stage.names_told().await?;
    assert_eq!(told[1..], ["prediction.failed", "prediction.ready", "generation.completed"]);
    Ok(())
}

#[sqlx::test(migrator = "::generation::MIGRATIONS")]
async fn a_generation_without_a_picture_is_failed_and_says_why(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let generation = stage.start(&stage.set(), 2).await?;
    stage.fail(&generation, 1, "CODE_UPSTREAM").await?;
    stage.fail(&generation, 0, "CODE_CONTENT_POLICY_INPUT").await?;
    stage.tell(stage.workflow_ended(&generation, "STATE_FAILED")).await?;
    stage.await_state(&generation, State::Failed).await?;
    stage.await_quiet().await?;
    let (now, _) = stage.read(&generation).await?;
    assert_eq!((now.ready_count, now.failed_count), (0, 2));
    assert_eq!(now.error.map(|it| it.reason).as_deref(), Some("CONTENT_POLICY_INPUT"));
    let told = stage.names_told().await?;
    assert_eq!(told[1..], ["prediction.failed", "prediction.failed", "generation.failed"]);
    Ok(())
}

#[sqlx::test(migrator = "::generation::MIGRATIONS")]
async fn what_a_workflow_left_undone_is_failed_with_it(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let generation = stage.start(&stage.set(), 3).await?;
    stage.media.refuse(Some(Code::Unavailable));
    // One picture is on its way into the library, one is being made, one was never begun.
    stage.compute.make(&generation, 0);
    stage.tell(Payload::TaskCompleted(stage.task(&generation, "post_0"))).await?;
    stage.tell(stage.task_started(&generation, "image_1")).await?;
    stage.tell(stage.workflow_ended(&generation, "STATE_CANCELLED")).await?;
    stage.await_prediction(&generation, 2, prediction::State::Failed).await?;
    let (now, predictions) = stage.read(&generation).await?;
    assert_eq!(now.state(), State::Processing);
    assert_eq!(predictions[1].state(), prediction::State::Failed);
    assert_eq!(predictions[0].state(), prediction::State::PostProcessing);

    stage.media.refuse(None);
    stage.hurry().await?;
    stage.await_state(&generation, State::Completed).await?;
    Ok(())
}

#[sqlx::test(migrator = "::generation::MIGRATIONS")]
async fn what_is_told_twice_or_late_changes_nothing(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let generation = stage.start(&stage.set(), 2).await?;
    // The end before the beginning.
    stage.compute.make(&generation, 0);
    stage.tell(Payload::TaskCompleted(stage.task(&generation, "post_0"))).await?;
    stage.tell(Payload::TaskCompleted(stage.task(&generation, "post_0"))).await?;
    stage.await_prediction(&generation, 0, prediction::State::Ready).await?;
    let failed = TaskEnded { state: "STATE_FAILED".into(), ..stage.task(&generation, "post_0") };
    let late = [
        stage.task_started(&generation, "image_0"),
        stage.task_started(&generation, "post_0"),
        Payload::TaskFailed(failed.clone()),
        Payload::TaskCompleted(stage.task(&generation, "post_0")),
    ];
    for payload in late.clone() {
        stage.tell(payload).await?;
    }
    stage.fail(&generation, 1, "CODE_UPSTREAM").await?;
    stage.await_state(&generation, State::Completed).await?;
    stage.await_quiet().await?;
    let before = (stage.read(&generation).await?, stage.names_told().await?);
    for payload in late {
        stage.tell(payload).await?;
    }
    stage.fail(&generation, 1, "CODE_CONTENT_POLICY_INPUT").await?;
    stage.make(&generation, 1).await?;
    stage.tell(stage.workflow_ended(&generation, "STATE_FAILED")).await?;
    stage.await_quiet().await?;
    assert_eq!((stage.read(&generation).await?, stage.names_told().await?), before);
    assert_eq!(before.0.0.ready_count, 1);
    assert_eq!(stage.media.adopted().len(), 1);
    Ok(())
}

#[sqlx::test(migrator = "::generation::MIGRATIONS")]
async fn what_is_told_of_somebody_elses_workflow_is_ignored(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let generation = stage.start(&stage.set(), 1).await?;
    stage.compute.make(&generation, 0);
    let post = || stage.task(&generation, "post_0");
    for reference in ["", "caption of 7", &request_id()] {
        let foreign = TaskEnded { reference: reference.to_owned(), ..post() };
        stage.tell(Payload::TaskCompleted(foreign.clone())).await?;
        stage.tell(Payload::TaskFailed(foreign)).await?;
    }
    let other = TaskEnded { workflow_id: request_id(), ..post() };
    stage.tell(Payload::TaskFailed(other)).await?;
    stage.tell(Payload::TaskFailed(TaskEnded { node: "image_7".into(), ..post() })).await?;
    stage.tell(Payload::TaskFailed(TaskEnded { node: "else".into(), ..post() })).await?;
    stage.tell_of(OrganizationId::generate(), Payload::TaskFailed(post())).await?;
    stage.await_quiet().await?;
    assert_eq!(stage.read(&generation).await?.0.state(), State::Pending);

    // And those who follow it go on.
    stage.make(&generation, 0).await?;
    stage.await_state(&generation, State::Completed).await?;
    Ok(())
}

#[sqlx::test(migrator = "::generation::MIGRATIONS")]
async fn a_picture_that_media_was_away_for_is_adopted_when_it_is_back(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    stage.media.refuse(Some(Code::Unavailable));
    let generation = stage.start(&stage.set(), 1).await?;
    stage.make(&generation, 0).await?;
    stage.await_prediction(&generation, 0, prediction::State::PostProcessing).await?;
    let is_refused = async || Ok::<_, String>(stage.media.n_refused() > 0);
    testkit::eventually(is_refused).await?;
    assert_eq!(stage.read(&generation).await?.0.state(), State::Processing);
    stage.media.refuse(None);
    stage.await_state(&generation, State::Completed).await?;
    Ok(())
}

#[sqlx::test(migrator = "::generation::MIGRATIONS")]
async fn a_picture_that_is_lost_is_given_up_at_once(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    stage.media.refuse(Some(Code::NotFound));
    let generation = stage.start(&stage.set(), 1).await?;
    stage.make(&generation, 0).await?;
    stage.await_state(&generation, State::Failed).await?;
    let (now, predictions) = stage.read(&generation).await?;
    let error = now.error.ok_or("no error")?;
    assert_eq!((&*error.reason, error.retryable), ("RESULT_LOST", true));
    assert_eq!(predictions[0].error.clone(), Some(error));
    assert_eq!(predictions[0].media_id, "");
    assert_eq!(stage.media.n_refused(), 1);
    Ok(())
}
