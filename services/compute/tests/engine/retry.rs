//! What follows failures.

use api::sartiq::compute::v1::attempt::Phase;
use api::sartiq::compute::v1::task::State;
use api::sartiq::compute::v1::*;
use api::sartiq::event::v1::event::Payload;
use api::sartiq::provider::v1::failure::{Code, Retry, Scope};
use sqlx::PgPool;

use crate::Result;
use crate::audit::{audit, told};
use crate::provider::{Act, failure, usual};
use crate::stage::{Stage, phases, picture, task};

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn what_broke_is_tried_again(db: PgPool) -> Result {
    let stage = Stage::new(db).await;
    let broken = failure(Code::Upstream, Retry::SameRequest, Scope::Request);
    stage.fake.plan(move |_, nth| match nth {
        0 => vec![Act::Accept, Act::Fail(broken.clone())],
        _ => usual(),
    });
    let process = stage.process().await?;
    let id = stage.submit(&process, vec![picture("a", &[])]).await?;
    let tasks = stage.ends(&process, &id, workflow::State::Completed).await?;
    let task = task(&tasks, "a")?;
    assert_eq!(phases(task), [Phase::Failed, Phase::Done]);
    assert_eq!(task.attempts[0].failure.as_ref().map(|it| it.code()), Some(Code::Upstream));
    assert_eq!(task.attempts[0].vendor_job_id, format!("job-{}-1", task.id));
    let retrying = told(&stage.db).await?.into_iter().find_map(|it| match it {
        Payload::TaskRetrying(it) => Some(it),
        _ => None,
    });
    let retrying = retrying.ok_or("nobody was told")?;
    assert_eq!((retrying.attempt, &*retrying.error_code), (1, "CODE_UPSTREAM"));
    audit(&stage.db, &[&stage.fake]).await
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn tries_come_to_an_end(db: PgPool) -> Result {
    let stage = Stage::new(db).await;
    let broken = failure(Code::NoOutput, Retry::SameRequest, Scope::Request);
    stage.fake.plan(move |_, _| vec![Act::Accept, Act::Fail(broken.clone())]);
    let process = stage.process().await?;
    let node = Node { max_attempts: 2, ..picture("a", &[]) };
    let id = stage.submit(&process, vec![node]).await?;
    let tasks = stage.ends(&process, &id, workflow::State::Failed).await?;
    assert_eq!(task(&tasks, "a")?.attempts.len(), 2);
    audit(&stage.db, &[&stage.fake]).await
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn a_model_that_cannot_gives_way_to_the_next(db: PgPool) -> Result {
    let mut stage = Stage::new(db).await;
    let other = stage.add("other").await;
    let gone = failure(Code::NotFound, Retry::Never, Scope::Model);
    stage.fake.plan(move |_, _| vec![Act::Fail(gone.clone())]);
    let process = stage.process().await?;
    let id = stage.submit(&process, vec![picture("a", &[])]).await?;
    let tasks = stage.ends(&process, &id, workflow::State::Completed).await?;
    let attempts = &task(&tasks, "a")?.attempts;
    let lanes: Vec<&str> = attempts.iter().map(|it| it.provider.as_str()).collect();
    assert_eq!(lanes, ["acme", "other"]);
    audit(&stage.db, &[&stage.fake, &other]).await
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn a_lane_that_keeps_breaking_gives_way_to_the_next(db: PgPool) -> Result {
    let mut stage = Stage::new(db).await;
    let other = stage.add("other").await;
    let broken = failure(Code::Upstream, Retry::SameRequest, Scope::Model);
    stage.fake.plan(move |_, _| vec![Act::Accept, Act::Fail(broken.clone())]);
    let process = stage.process().await?;
    let id = stage.submit(&process, vec![picture("a", &[])]).await?;
    let tasks = stage.ends(&process, &id, workflow::State::Completed).await?;
    let attempts = &task(&tasks, "a")?.attempts;
    let lanes: Vec<&str> = attempts.iter().map(|it| it.provider.as_str()).collect();
    assert_eq!(lanes, ["acme", "acme", "other"]);
    audit(&stage.db, &[&stage.fake, &other]).await
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn a_key_that_is_refused_makes_the_provider_rest_and_costs_no_try(db: PgPool) -> Result {
    let mut stage = Stage::new(db).await;
    let other = stage.add("other").await;
    let refused = failure(Code::Authentication, Retry::AfterOperator, Scope::Account);
    stage.fake.plan(move |_, _| vec![Act::Fail(refused.clone())]);
    let process = stage.process().await?;
    let node = Node { max_attempts: 1, ..picture("a", &[]) };
    let id = stage.submit(&process, vec![node]).await?;
    stage.ends(&process, &id, workflow::State::Completed).await?;
    let id = stage.submit(&process, vec![picture("b", &[])]).await?;
    stage.ends(&process, &id, workflow::State::Completed).await?;
    assert_eq!(stage.fake.submissions().len(), 1, "it rests");
    audit(&stage.db, &[&stage.fake, &other]).await
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn who_is_asked_to_wait_waits_and_loses_no_try(db: PgPool) -> Result {
    let stage = Stage::new(db).await;
    let mut busy = failure(Code::RateLimited, Retry::SameRequest, Scope::Account);
    busy.retry_after = Some(prost_types::Duration { seconds: 0, nanos: 300_000_000 });
    stage.fake.plan(move |_, nth| match nth {
        0..3 => vec![Act::Fail(busy.clone())],
        _ => usual(),
    });
    let process = stage.process().await?;
    let node = Node { max_attempts: 1, ..picture("a", &[]) };
    let id = stage.submit(&process, vec![node]).await?;
    let tasks = stage.ends(&process, &id, workflow::State::Completed).await?;
    assert_eq!(task(&tasks, "a")?.attempts.len(), 4);
    audit(&stage.db, &[&stage.fake]).await
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn an_adapter_that_refuses_costs_nothing(db: PgPool) -> Result {
    let stage = Stage::new(db).await;
    stage.fake.plan(|_, nth| match nth {
        0 => vec![Act::Refuse(tonic::Code::ResourceExhausted)],
        1 => vec![Act::Refuse(tonic::Code::Unavailable)],
        _ => usual(),
    });
    let process = stage.process().await?;
    let node = Node { max_attempts: 1, ..picture("unsent", &[]) };
    let id = stage.submit(&process, vec![node]).await?;
    let tasks = stage.ends(&process, &id, workflow::State::Completed).await?;
    assert_eq!(phases(task(&tasks, "unsent")?), [Phase::Done]);
    audit(&stage.db, &[&stage.fake]).await
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn tasks_wait_while_nobody_can_be_reached(db: PgPool) -> Result {
    let mut stage = Stage::new(db).await;
    let url = std::mem::take(&mut stage.providers[0].1);
    stage.providers[0].1 = "http://127.0.0.1:9".to_owned();
    let process = stage.process().await?;
    let id = stage.submit(&process, vec![picture("a", &[])]).await?;
    let result = stage.result(&process, &id).await?;
    assert_eq!(task(&result.tasks, "a")?.state(), State::Queued);
    process.kill();
    stage.providers[0].1 = url;
    let process = stage.process().await?;
    stage.ends(&process, &id, workflow::State::Completed).await?;
    audit(&stage.db, &[&stage.fake]).await
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn a_lost_stream_is_resumed_and_nothing_is_submitted_again(db: PgPool) -> Result {
    let stage = Stage::new(db).await;
    stage.fake.plan(|_, _| vec![Act::Accept, Act::Progress(10), Act::Break]);
    stage.fake.resume_plan(|_, nth| match nth {
        0 => vec![Act::Accept, Act::Refuse(tonic::Code::Unavailable)],
        _ => usual(),
    });
    let process = stage.process().await?;
    let id = stage.submit(&process, vec![picture("a", &[])]).await?;
    let tasks = stage.ends(&process, &id, workflow::State::Completed).await?;
    assert_eq!(phases(task(&tasks, "a")?), [Phase::Done]);
    assert_eq!((stage.fake.submissions().len(), stage.fake.resumes().len()), (1, 2));
    audit(&stage.db, &[&stage.fake]).await
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn a_stream_is_read_to_its_end_when_its_run_has_ended(db: PgPool) -> Result {
    let stage = Stage::new(db).await;
    let refused = failure(Code::InvalidInput, Retry::Never, Scope::Request);
    stage.fake.plan(move |it, _| match &*it.prompt {
        "a" => vec![Act::Accept, Act::Complete, Act::Linger(200)],
        "b" => vec![Act::Accept, Act::Sleep(50), Act::Complete, Act::Linger(200)],
        _ => vec![Act::Fail(refused.clone()), Act::Linger(200)],
    });
    let process = stage.process().await?;
    for (name, state) in [
        ("a", workflow::State::Completed),
        ("b", workflow::State::Completed),
        ("c", workflow::State::Failed),
    ] {
        let id = stage.submit(&process, vec![picture(name, &[])]).await?;
        stage.ends(&process, &id, state).await?;
    }
    testkit::eventually(async || Ok::<_, String>(stage.fake.running() == 0)).await?;
    assert_eq!(stage.fake.left(), 0);
    audit(&stage.db, &[&stage.fake]).await
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn a_stream_that_breaks_before_the_handle_leaves_doubt(db: PgPool) -> Result {
    let stage = Stage::new(db).await;
    stage.fake.plan(|_, nth| if nth == 0 { vec![Act::Break] } else { usual() });
    let process = stage.process().await?;
    let id = stage.submit(&process, vec![picture("a", &[])]).await?;
    let tasks = stage.ends(&process, &id, workflow::State::Completed).await?;
    assert_eq!(phases(task(&tasks, "a")?), [Phase::InDoubt, Phase::Done]);
    let doubt: i64 = sqlx::query_scalar(
        "select sum(amount_micros)::bigint from compute.ledger where entry = 'doubt'",
    )
    .fetch_one(&stage.db)
    .await?;
    assert_eq!(doubt, crate::provider::COST);
    audit(&stage.db, &[&stage.fake]).await
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn a_provider_that_doubts_is_believed(db: PgPool) -> Result {
    let stage = Stage::new(db).await;
    let mut lost = failure(Code::Upstream, Retry::SameRequest, Scope::Request);
    lost.maybe_submitted = true;
    stage.fake.plan(move |_, nth| match nth {
        0 => vec![Act::Fail(lost.clone())],
        _ => usual(),
    });
    let process = stage.process().await?;
    let id = stage.submit(&process, vec![picture("a", &[])]).await?;
    let tasks = stage.ends(&process, &id, workflow::State::Completed).await?;
    assert_eq!(phases(task(&tasks, "a")?), [Phase::InDoubt, Phase::Done]);
    audit(&stage.db, &[&stage.fake]).await
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn a_run_that_takes_too_long_is_cancelled_and_tried_again(db: PgPool) -> Result {
    let stage = Stage::new(db).await;
    stage.fake.plan(|_, nth| if nth == 0 { vec![Act::Accept, Act::Hang] } else { usual() });
    let process = stage.process().await?;
    let timeout = Some(prost_types::Duration { seconds: 0, nanos: 200_000_000 });
    let node = Node { timeout, ..picture("a", &[]) };
    let id = stage.submit(&process, vec![node]).await?;
    let tasks = stage.ends(&process, &id, workflow::State::Completed).await?;
    let task = task(&tasks, "a")?;
    assert_eq!(phases(task), [Phase::Failed, Phase::Done]);
    assert_eq!(task.attempts[0].failure.as_ref().map(|it| it.code()), Some(Code::Timeout));
    let first = format!("{}-1", task.id);
    testkit::eventually(async || Ok::<_, String>(stage.fake.cancels() == [first.clone()])).await?;
    audit(&stage.db, &[&stage.fake]).await
}
