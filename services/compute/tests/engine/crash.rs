//! Processes die at any moment, and nothing is lost or asked for twice.

use std::time::{Duration, Instant};

use api::sartiq::compute::v1::attempt::Phase;
use api::sartiq::compute::v1::*;
use sqlx::PgPool;

use crate::Result;
use crate::audit::audit;
use crate::provider::{Act, COST, count_by, usual};
use crate::stage::{Stage, phases, picture, task};

async fn count(db: &PgPool, sql: &'static str) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(sql).fetch_one(db).await
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn what_was_accepted_before_a_crash_is_done_after_it(db: PgPool) -> Result {
    let stage = Stage::new(db).await;
    let process = stage.process().await?;
    let mut ids = Vec::new();
    for nth in 0..20 {
        let (first, second) = (format!("a{nth}"), format!("b{nth}"));
        let nodes = vec![picture(&first, &[]), picture(&second, &[&first])];
        ids.push(stage.submit(&process, nodes).await?);
    }
    process.kill();
    let process = stage.process().await?;
    for id in ids {
        stage.ends(&process, &id, workflow::State::Completed).await?;
    }
    audit(&stage.db, &[&stage.fake]).await
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn after_a_crash_what_was_submitted_is_resumed(db: PgPool) -> Result {
    let stage = Stage::new(db).await;
    stage.fake.plan(|run, _| match run.prompt.as_str() {
        // One with nothing but its handle, one that the provider works on.
        "submitted" => vec![Act::Accept, Act::Hang],
        _ => vec![Act::Accept, Act::Progress(5), Act::Hang],
    });
    let process = stage.process().await?;
    let id =
        stage.submit(&process, vec![picture("submitted", &[]), picture("awaiting", &[])]).await?;
    testkit::eventually(async || {
        let sql = "select count(*) from compute.attempt where phase in (2, 3) and resume_token is not null";
        let awaiting = "select count(*) from compute.attempt where phase = 3";
        Ok::<_, sqlx::Error>(count(&stage.db, sql).await? == 2 && count(&stage.db, awaiting).await? == 1)
    })
    .await?;
    process.kill();
    let started = Instant::now();
    let process = stage.process().await?;
    let tasks = stage.ends(&process, &id, workflow::State::Completed).await?;
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    for node in ["submitted", "awaiting"] {
        assert_eq!(phases(task(&tasks, node)?), [Phase::Done]);
    }
    assert_eq!(stage.fake.submissions().len(), 2);
    assert_eq!(stage.fake.resumes().len(), 2);
    audit(&stage.db, &[&stage.fake]).await
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn after_a_crash_what_may_have_been_submitted_is_in_doubt(db: PgPool) -> Result {
    let stage = Stage::new(db).await;
    stage.fake.plan(|_, nth| if nth == 0 { vec![Act::Hang] } else { usual() });
    let process = stage.process().await?;
    let id = stage.submit(&process, vec![picture("a", &[])]).await?;
    testkit::eventually(async || Ok::<_, String>(stage.fake.submissions().len() == 1)).await?;
    process.kill();
    let process = stage.process().await?;
    let tasks = stage.ends(&process, &id, workflow::State::Completed).await?;
    assert_eq!(phases(task(&tasks, "a")?), [Phase::InDoubt, Phase::Done]);
    let sql = "select sum(amount_micros)::bigint from compute.ledger where entry = 'doubt'";
    assert_eq!(count(&stage.db, sql).await?, COST);
    audit(&stage.db, &[&stage.fake]).await
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn a_stopping_process_hands_over_what_runs(db: PgPool) -> Result {
    let stage = Stage::new(db).await;
    stage.fake.plan(|_, _| vec![Act::Sleep(500), Act::Accept, Act::Hang]);
    let (first, second) = stage.leader_and_standby().await?;
    let id = stage.submit(&first, vec![picture("a", &[])]).await?;
    testkit::eventually(async || Ok::<_, String>(stage.fake.submissions().len() == 1)).await?;
    // The provider has not said yet whether it took the run, which is waited for.
    first.stop();
    let tasks = stage.ends(&second, &id, workflow::State::Completed).await?;
    assert_eq!(phases(task(&tasks, "a")?), [Phase::Done]);
    assert_eq!((stage.fake.submissions().len(), stage.fake.resumes().len()), (1, 1));
    audit(&stage.db, &[&stage.fake]).await
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn two_processes_never_dispatch_one_task_twice(db: PgPool) -> Result {
    let stage = Stage::new(db).await;
    stage.fake.plan(|_, _| vec![Act::Accept, Act::Sleep(5), Act::Complete]);
    let processes = [stage.process().await?, stage.process().await?];
    let mut ids = Vec::new();
    for nth in 0..40 {
        let node = picture(&format!("p{nth}"), &[]);
        ids.push(stage.submit(&processes[nth % 2], vec![node]).await?);
    }
    for (nth, id) in ids.iter().enumerate() {
        stage.ends(&processes[(nth + 1) % 2], id, workflow::State::Completed).await?;
    }
    let counts = count_by(&stage.fake.submissions(), |it| it.prompt.clone());
    assert_eq!(counts.len(), 40);
    assert!(counts.values().all(|it| *it == 1), "{counts:?}");
    audit(&stage.db, &[&stage.fake]).await
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn a_standby_takes_over(db: PgPool) -> Result {
    let stage = Stage::new(db).await;
    stage.fake.plan(|_, _| vec![Act::Accept, Act::Hang]);
    let (first, second) = stage.leader_and_standby().await?;
    let id = stage.submit(&first, vec![picture("a", &[])]).await?;
    testkit::eventually(async || {
        let sql = "select count(*) from compute.attempt where phase = 2";
        Ok::<_, sqlx::Error>(count(&stage.db, sql).await? == 1)
    })
    .await?;
    first.kill();
    stage.ends(&second, &id, workflow::State::Completed).await?;
    assert_eq!(stage.fake.submissions().len(), 1);
    audit(&stage.db, &[&stage.fake]).await
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn an_owner_that_was_replaced_writes_nothing(db: PgPool) -> Result {
    let stage = Stage::new(db).await;
    stage.fake.plan(|_, _| vec![Act::Accept, Act::Gate, Act::Complete]);
    let process = stage.process().await?;
    let id = stage.submit(&process, vec![picture("a", &[])]).await?;
    testkit::eventually(async || {
        let sql = "select count(*) from compute.attempt where phase = 2";
        Ok::<_, sqlx::Error>(count(&stage.db, sql).await? == 1)
    })
    .await?;
    // Somebody else takes over behind its back, and stays.
    sqlx::query(
        "update compute.owner set epoch = epoch + 1, holder = gen_random_uuid(),
             lease_until = now() + interval '3 seconds'",
    )
    .execute(&stage.db)
    .await?;
    stage.fake.open_gate();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(count(&stage.db, "select count(*) from compute.attempt where phase = 2").await?, 1);
    assert_eq!(count(&stage.db, "select count(*) from compute.outbox").await?, 1);
    // Once it leads again, it takes up what it left.
    stage.ends(&process, &id, workflow::State::Completed).await?;
    assert_eq!((stage.fake.submissions().len(), stage.fake.resumes().len()), (1, 1));
    audit(&stage.db, &[&stage.fake]).await
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn crash_after_crash_nothing_is_lost(db: PgPool) -> Result {
    let stage = Stage::new(db).await;
    stage.fake.plan(|_, _| {
        vec![
            Act::Sleep(10),
            Act::Accept,
            Act::Sleep(20),
            Act::Progress(1),
            Act::Sleep(20),
            Act::Complete,
        ]
    });
    let mut process = stage.process().await?;
    let mut ids = Vec::new();
    for nth in 0..30 {
        let [a, b, c] = ["a", "b", "c"].map(|it| format!("{it}{nth}"));
        let nodes = vec![picture(&a, &[]), picture(&b, &[&a]), picture(&c, &[&a])];
        let nodes = nodes.into_iter().map(|it| Node { max_attempts: 20, ..it }).collect();
        ids.push(stage.submit(&process, nodes).await?);
    }
    for round in 0..6 {
        tokio::time::sleep(Duration::from_millis(90 + 37 * round)).await;
        process.kill();
        process = stage.process().await?;
        tokio::time::sleep(crate::stage::LEASE).await;
    }
    for id in ids {
        stage.ends(&process, &id, workflow::State::Completed).await?;
    }
    audit(&stage.db, &[&stage.fake]).await
}
