//! Who goes first, and how a workflow is cancelled.

use api::sartiq::compute::v1::task::State;
use api::sartiq::compute::v1::*;
use sqlx::PgPool;
use types::id::OrganizationId;

use crate::Result;
use crate::audit::audit;
use crate::provider::Act;
use crate::stage::{Process, Stage, picture, task};

/// Fills the lane with one workflow whose runs wait for the gate, so that what comes later queues.
async fn fill(stage: &Stage, process: &Process) -> Result {
    stage.fake.plan(|run, _| match run.prompt.starts_with("fill") {
        true => vec![Act::Accept, Act::Gate, Act::Complete],
        false => vec![Act::Accept, Act::Complete],
    });
    let nodes = (0..8).map(|it| picture(&format!("fill{it}"), &[])).collect();
    stage.submit(process, nodes).await?;
    testkit::eventually(async || Ok::<_, String>(stage.fake.submissions().len() == 8)).await?;
    Ok(())
}

async fn wait_for(stage: &Stage, count: usize) -> Result<Vec<String>> {
    testkit::eventually(async || Ok::<_, String>(stage.fake.submissions().len() == 8 + count))
        .await?;
    let later = stage.fake.submissions().split_off(8);
    Ok(later.into_iter().map(|it| it.prompt).collect())
}

async fn settle(stage: &Stage) -> Result {
    testkit::eventually(async || {
        let sql = "select count(*) from compute.task_hot";
        let left: i64 = sqlx::query_scalar(sql).fetch_one(&stage.db).await?;
        Ok::<_, sqlx::Error>(left == 0)
    })
    .await?;
    audit(&stage.db, &[&stage.fake]).await
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn urgent_goes_first_and_a_lane_is_not_overfilled(db: PgPool) -> Result {
    let stage = Stage::new(db).await;
    let process = stage.process().await?;
    fill(&stage, &process).await?;
    let us = stage.organization;
    for (priority, name) in
        [(Priority::Low, "low"), (Priority::Normal, "normal"), (Priority::High, "high")]
    {
        let nodes = (0..3).map(|it| picture(&format!("{name}{it}"), &[])).collect();
        stage.submit_as(&process, us, priority, nodes).await?;
    }
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    stage.fake.open_gate();
    let order = wait_for(&stage, 9).await?;
    let place = |name: &str| order.iter().filter(|it| it.starts_with(name)).count();
    assert_eq!((place("high"), place("normal"), place("low")), (3, 3, 3));
    let first: Vec<_> = order[..3].iter().filter(|it| it.starts_with("high")).collect();
    assert!(2 <= first.len(), "{order:?}");
    assert!(order[7..].iter().all(|it| it.starts_with("low")), "{order:?}");
    assert!(stage.fake.most_running() <= 8, "{}", stage.fake.most_running());
    settle(&stage).await
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn a_flood_of_one_does_not_delay_another(db: PgPool) -> Result {
    let stage = Stage::new(db).await;
    let process = stage.process().await?;
    fill(&stage, &process).await?;
    let (flood, other) = (OrganizationId::generate(), OrganizationId::generate());
    let nodes = (0..60).map(|it| picture(&format!("flood{it}"), &[])).collect();
    stage.submit_as(&process, flood, Priority::Normal, nodes).await?;
    let nodes = (0..4).map(|it| picture(&format!("other{it}"), &[])).collect();
    stage.submit_as(&process, other, Priority::Normal, nodes).await?;
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    stage.fake.open_gate();
    let order = wait_for(&stage, 64).await?;
    let last = order.iter().rposition(|it| it.starts_with("other")).ok_or("no other")?;
    assert!(last < 20, "{order:?}");
    settle(&stage).await
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn what_was_begun_is_finished_first(db: PgPool) -> Result {
    let stage = Stage::new(db).await;
    let process = stage.process().await?;
    stage.fake.plan(|_, _| vec![Act::Accept, Act::Sleep(20), Act::Complete]);
    let mut ids = Vec::new();
    for nth in 0..60 {
        let [a, b, c] = ["a", "b", "c"].map(|it| format!("{it}{nth}"));
        let nodes = vec![picture(&a, &[]), picture(&b, &[&a]), picture(&c, &[&b])];
        ids.push(stage.submit(&process, nodes).await?);
    }
    for id in &ids {
        stage.ends(&process, id, workflow::State::Completed).await?;
    }
    let order: Vec<String> = stage.fake.submissions().into_iter().map(|it| it.prompt).collect();
    // When the fortieth starts, nearly all that started before have ended.
    let start = order.iter().position(|it| it == "a40").ok_or("no start")?;
    let ended = order[..start].iter().filter(|it| it.starts_with('c')).count();
    assert!(25 <= ended, "{ended} of 40");
    settle(&stage).await
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn cancelling_reaches_the_provider_and_late_results_are_ignored(db: PgPool) -> Result {
    let stage = Stage::new(db).await;
    stage.fake.plan(|run, _| match run.prompt.as_str() {
        // Takes the run only after it was cancelled here.
        "late" => vec![Act::Sleep(600), Act::Accept, Act::Sleep(50), Act::Complete],
        _ => vec![Act::Accept, Act::Hang],
    });
    let process = stage.process().await?;
    let nodes =
        vec![picture("running", &[]), picture("late", &[]), picture("blocked", &["running"])];
    let id = stage.submit(&process, nodes).await?;
    testkit::eventually(async || {
        let sql = "select count(*) from compute.attempt where phase = 2";
        let submitted: i64 = sqlx::query_scalar(sql).fetch_one(&stage.db).await?;
        Ok::<_, sqlx::Error>(submitted == 1 && stage.fake.submissions().len() == 2)
    })
    .await?;
    let request = CancelWorkflowRequest { request_id: testkit::request_id(), id: id.clone() };
    let mut client = process.workflows(stage.organization);
    let first = client.cancel_workflow(request.clone()).await?.into_inner();
    assert_eq!(first.workflow.as_ref().map(|it| it.state()), Some(workflow::State::Cancelled));
    assert_eq!(client.cancel_workflow(request).await?.into_inner(), first);
    testkit::eventually(async || Ok::<_, String>(stage.fake.cancels().len() == 2)).await?;
    let tasks = stage.ends(&process, &id, workflow::State::Cancelled).await?;
    for node in ["running", "late", "blocked"] {
        assert_eq!(task(&tasks, node)?.state(), State::Cancelled);
    }
    assert_eq!(stage.fake.submissions().len(), 2);
    testkit::eventually(async || {
        let sql = "select count(*) from compute.cancellation";
        let left: i64 = sqlx::query_scalar(sql).fetch_one(&stage.db).await?;
        Ok::<_, sqlx::Error>(left == 0)
    })
    .await?;
    // The lane is free again.
    stage.fake.plan(|_, _| crate::provider::usual());
    let id =
        stage.submit(&process, (0..8).map(|it| picture(&format!("p{it}"), &[])).collect()).await?;
    stage.ends(&process, &id, workflow::State::Completed).await?;
    audit(&stage.db, &[&stage.fake]).await
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn a_cancellation_survives_a_crash(db: PgPool) -> Result {
    let stage = Stage::new(db).await;
    stage.fake.plan(|_, _| vec![Act::Accept, Act::Hang]);
    let (owner, other) = stage.leader_and_standby().await?;
    let id = stage.submit(&owner, vec![picture("a", &[])]).await?;
    testkit::eventually(async || {
        let sql = "select count(*) from compute.attempt where phase = 2";
        let submitted: i64 = sqlx::query_scalar(sql).fetch_one(&stage.db).await?;
        Ok::<_, sqlx::Error>(submitted == 1)
    })
    .await?;
    owner.kill();
    let request = CancelWorkflowRequest { request_id: testkit::request_id(), id: id.clone() };
    other.workflows(stage.organization).cancel_workflow(request).await?;
    testkit::eventually(async || Ok::<_, String>(stage.fake.cancels().len() == 1)).await?;
    assert_eq!(stage.fake.resumes().len(), 0);
    settle(&stage).await
}
