//! Some tasks of a workflow are cancelled, and the others go on.

use api::sartiq::compute::v1::attempt::Phase;
use api::sartiq::compute::v1::binding::Place;
use api::sartiq::compute::v1::task::State;
use api::sartiq::compute::v1::task_service_client::TaskServiceClient;
use api::sartiq::compute::v1::*;
use api::sartiq::event::v1::event::Payload;
use api::sartiq::provider::v1::failure::{Code, Retry, Scope};
use api::sartiq::provider::v1::{RunInput, Upscale};
use server::Role;
use sqlx::PgPool;
use types::id::OrganizationId;

use crate::Result;
use crate::audit::{audit, told};
use crate::provider::{Act, COST, failure, usual};
use crate::stage::{Process, Stage, optional, phases, picture, task};

fn request(id: &str, nodes: &[&str]) -> CancelTasksRequest {
    CancelTasksRequest {
        request_id: testkit::request_id(),
        workflow_id: id.to_owned(),
        nodes: nodes.iter().map(|it| (*it).to_owned()).collect(),
    }
}

async fn cancel(stage: &Stage, process: &Process, id: &str, nodes: &[&str]) -> Result<Vec<Task>> {
    let mut client = process.tasks(stage.organization);
    Ok(client.cancel_tasks(request(id, nodes)).await?.into_inner().tasks)
}

/// The nodes of so many pictures, each made and finished, as generations have them.
fn pictures(count: usize) -> Vec<Node> {
    let mut nodes: Vec<Node> = (0..count).map(|it| optional(&format!("image_{it}"), &[])).collect();
    nodes.extend((0..count).map(|it| {
        let image = format!("image_{it}");
        Node {
            name: format!("post_{it}"),
            after: vec![image.clone()],
            run: Some(RunInput { upscale: Some(Upscale::default()), ..RunInput::default() }),
            bindings: vec![Binding { place: Place::Image.into(), node: image, output: 0 }],
            optional: true,
            ..Node::default()
        }
    }));
    nodes.push(Node {
        name: "gather".to_owned(),
        after: (0..count).map(|it| format!("post_{it}")).collect(),
        gather: Some(Gather { min_completed: 1 }),
        ..Node::default()
    });
    nodes
}

async fn count(stage: &Stage, sql: &'static str) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(sql).fetch_one(&stage.db).await
}

/// Waits until providers have been told of everything that was cancelled, and audits.
async fn settle(stage: &Stage) -> Result {
    testkit::eventually(async || {
        let left = "select (select count(*) from compute.cancellation)
                         + (select count(*) from compute.task_cancellation)
                         + (select count(*) from compute.task_hot)";
        Ok::<_, sqlx::Error>(count(stage, left).await? == 0)
    })
    .await?;
    audit(&stage.db, &[&stage.fake]).await
}

async fn await_submissions(stage: &Stage, wanted: usize) -> Result {
    let is_there = async || Ok::<_, String>(stage.fake.submissions().len() == wanted);
    Ok(testkit::eventually(is_there).await?)
}

async fn await_state(stage: &Stage, process: &Process, id: &str, node: &str, to: State) -> Result {
    let probe = async || {
        let tasks = stage.result(process, id).await?.tasks;
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(task(&tasks, node)?.state() == to)
    };
    Ok(testkit::eventually(probe).await.map_err(|it| format!("{node} {to:?}: {it}"))?)
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn one_that_waits_is_never_submitted(db: PgPool) -> Result {
    let stage = Stage::new(db).await;
    stage.fake.plan(|run, _| match run.prompt.starts_with("fill") {
        true => vec![Act::Accept, Act::Gate, Act::Complete],
        false => usual(),
    });
    let process = stage.process().await?;
    let nodes = (0..8).map(|it| picture(&format!("fill{it}"), &[])).collect();
    let full = stage.submit(&process, nodes).await?;
    await_submissions(&stage, 8).await?;
    let id = stage.submit(&process, pictures(3)).await?;
    let accepted = cancel(&stage, &process, &id, &["image_1", "post_1"]).await?;
    let names: Vec<_> = accepted.iter().map(|it| &*it.node).collect();
    assert_eq!(names, ["image_1", "post_1"]);
    await_state(&stage, &process, &id, "image_1", State::Cancelled).await?;
    await_state(&stage, &process, &id, "post_1", State::Skipped).await?;
    await_state(&stage, &process, &id, "image_0", State::Queued).await?;

    stage.fake.open_gate();
    let tasks = stage.ends(&process, &id, workflow::State::Completed).await?;
    stage.ends(&process, &full, workflow::State::Completed).await?;
    assert_eq!(task(&tasks, "gather")?.outputs.len(), 2);
    assert!(task(&tasks, "image_1")?.attempts.is_empty());
    assert!(stage.fake.submissions().iter().all(|it| it.prompt != "image_1"));
    assert!(stage.fake.cancels().is_empty());
    let workflow = stage.result(&process, &id).await?.workflow.ok_or("no workflow")?;
    assert_eq!((workflow.ended_count, workflow.task_count), (7, 7));
    assert_eq!(workflow.cost.map(|it| it.micros), Some(4 * COST));
    // What is bound to it follows, in this order.
    let ends = told(&stage.db).await?.into_iter().filter_map(|it| match it {
        Payload::TaskFailed(it) => Some((it.node, it.state, it.error_code)),
        _ => None,
    });
    let of = |node: &str, state: &str, code: &str| (node.into(), state.into(), code.into());
    assert_eq!(
        ends.collect::<Vec<(String, String, String)>>(),
        [of("image_1", "STATE_CANCELLED", "CODE_CANCELLED"), of("post_1", "STATE_SKIPPED", "")]
    );
    settle(&stage).await
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn one_that_runs_is_cancelled_at_its_provider(db: PgPool) -> Result {
    let stage = Stage::new(db).await;
    stage.fake.plan(|run, _| match run.prompt.as_str() {
        "image_0" => vec![Act::Accept, Act::Progress(5), Act::Hang],
        // Takes the run only after it was cancelled here.
        "image_1" => vec![Act::Sleep(2_000), Act::Accept, Act::Sleep(50), Act::Complete],
        "image_2" => vec![Act::Accept, Act::Gate, Act::Complete],
        _ => usual(),
    });
    let process = stage.process().await?;
    let id = stage.submit(&process, pictures(3)).await?;
    await_submissions(&stage, 3).await?;
    testkit::eventually(async || {
        let sql = "select count(*) from compute.attempt where phase = 3";
        Ok::<_, sqlx::Error>(count(&stage, sql).await? == 1)
    })
    .await?;
    cancel(&stage, &process, &id, &["image_0", "post_0", "image_1", "post_1"]).await?;
    testkit::eventually(async || Ok::<_, String>(stage.fake.cancels().len() == 2)).await?;
    stage.fake.open_gate();
    let tasks = stage.ends(&process, &id, workflow::State::Completed).await?;
    for node in ["image_0", "image_1"] {
        let ended = task(&tasks, node)?;
        assert_eq!((ended.state(), phases(ended)), (State::Cancelled, vec![Phase::Cancelled]));
        assert_eq!(ended.failure.as_ref().map(|it| it.code()), Some(Code::Cancelled));
    }
    let ids = ["image_0", "image_1"].map(|it| task(&tasks, it).map(|it| format!("{}-1", it.id)));
    let [a, b] = ids;
    let (a, b) = (a?, b?);
    let cancels = stage.fake.cancels();
    assert!(cancels.contains(&a) && cancels.contains(&b), "{cancels:?}");
    assert_eq!(task(&tasks, "image_2")?.state(), State::Completed);
    assert_eq!(task(&tasks, "gather")?.outputs.len(), 1);
    settle(&stage).await?;
    // The provider said that nothing is billed.
    let released = "select sum(amount_micros)::bigint from compute.ledger where entry = 'release'";
    assert_eq!(count(&stage, released).await?, 2 * COST);

    // The lane is free again.
    stage.fake.plan(|_, _| vec![Act::Accept, Act::Sleep(300), Act::Complete]);
    let nodes = (0..8).map(|it| picture(&format!("p{it}"), &[])).collect();
    let id = stage.submit(&process, nodes).await?;
    stage.ends(&process, &id, workflow::State::Completed).await?;
    assert_eq!(stage.fake.most_running(), 8);
    settle(&stage).await
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn one_that_waits_for_its_next_try_is_not_tried_again(db: PgPool) -> Result {
    let stage = Stage::new(db).await;
    stage.fake.plan(|run, _| match run.prompt.as_str() {
        "image_0" => {
            vec![
                Act::Accept,
                Act::Fail(failure(Code::Upstream, Retry::SameRequest, Scope::Request)),
            ]
        }
        _ => vec![Act::Accept, Act::Gate, Act::Complete],
    });
    let process = stage.process().await?;
    let id = stage.submit(&process, pictures(2)).await?;
    await_state(&stage, &process, &id, "image_0", State::RetryWait).await?;
    cancel(&stage, &process, &id, &["image_0"]).await?;
    await_state(&stage, &process, &id, "image_0", State::Cancelled).await?;
    let tries = stage.fake.submissions().iter().filter(|it| it.prompt == "image_0").count();
    stage.fake.open_gate();
    let tasks = stage.ends(&process, &id, workflow::State::Completed).await?;
    assert_eq!(task(&tasks, "image_0")?.attempts.len(), tries);
    assert!(stage.fake.cancels().is_empty());
    settle(&stage).await
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn one_that_is_blocked_ends_while_what_is_before_it_goes_on(db: PgPool) -> Result {
    let stage = Stage::new(db).await;
    stage.fake.plan(|_, _| vec![Act::Accept, Act::Gate, Act::Complete]);
    let process = stage.process().await?;
    let id = stage.submit(&process, pictures(2)).await?;
    await_submissions(&stage, 2).await?;
    cancel(&stage, &process, &id, &["post_1"]).await?;
    await_state(&stage, &process, &id, "post_1", State::Cancelled).await?;
    stage.fake.open_gate();
    let tasks = stage.ends(&process, &id, workflow::State::Completed).await?;
    assert_eq!(task(&tasks, "image_1")?.state(), State::Completed);
    assert_eq!(task(&tasks, "gather")?.outputs.len(), 1);
    settle(&stage).await
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn one_by_one_they_cancel_the_whole(db: PgPool) -> Result {
    let stage = Stage::new(db).await;
    stage.fake.plan(|_, _| vec![Act::Accept, Act::Hang]);
    let process = stage.process().await?;
    let id = stage.submit(&process, pictures(3)).await?;
    await_submissions(&stage, 3).await?;
    for (image, post) in [("image_2", "post_2"), ("image_0", "post_0"), ("image_1", "post_1")] {
        let workflow = stage.result(&process, &id).await?.workflow.ok_or("no workflow")?;
        assert_eq!(workflow.state(), workflow::State::Running);
        cancel(&stage, &process, &id, &[image, post]).await?;
        await_state(&stage, &process, &id, image, State::Cancelled).await?;
    }
    let tasks = stage.ends(&process, &id, workflow::State::Cancelled).await?;
    assert_eq!(task(&tasks, "gather")?.state(), State::Cancelled);
    testkit::eventually(async || Ok::<_, String>(stage.fake.cancels().len() == 3)).await?;
    let all = told(&stage.db).await?;
    let last = all.last().ok_or("nothing told")?;
    assert!(matches!(last, Payload::WorkflowEnded(it) if it.state == "STATE_CANCELLED"));
    settle(&stage).await
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn what_failed_beside_what_was_cancelled_fails_the_whole(db: PgPool) -> Result {
    let stage = Stage::new(db).await;
    stage.fake.plan(|run, _| match run.prompt.as_str() {
        "image_0" => {
            vec![Act::Fail(failure(Code::InvalidInput, Retry::ChangedInput, Scope::Request))]
        }
        _ => vec![Act::Accept, Act::Hang],
    });
    let process = stage.process().await?;
    let id = stage.submit(&process, pictures(2)).await?;
    await_state(&stage, &process, &id, "image_0", State::Failed).await?;
    cancel(&stage, &process, &id, &["image_1"]).await?;
    let tasks = stage.ends(&process, &id, workflow::State::Failed).await?;
    assert_eq!(task(&tasks, "gather")?.failure.as_ref().map(|it| it.code()), Some(Code::NoOutput));
    settle(&stage).await
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn one_that_is_required_takes_the_whole_with_it(db: PgPool) -> Result {
    let stage = Stage::new(db).await;
    stage.fake.plan(|_, _| vec![Act::Accept, Act::Hang]);
    let process = stage.process().await?;
    let nodes = vec![picture("a", &[]), optional("b", &[]), picture("c", &["b"])];
    let id = stage.submit(&process, nodes).await?;
    await_submissions(&stage, 2).await?;
    cancel(&stage, &process, &id, &["a"]).await?;
    let tasks = stage.ends(&process, &id, workflow::State::Cancelled).await?;
    assert!(tasks.iter().all(|it| it.state() == State::Cancelled), "{tasks:#?}");
    testkit::eventually(async || Ok::<_, String>(stage.fake.cancels().len() == 2)).await?;
    settle(&stage).await
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn cancelling_tasks_survives_a_crash(db: PgPool) -> Result {
    let stage = Stage::new(db).await;
    stage.fake.plan(|_, _| vec![Act::Accept, Act::Hang]);
    stage.fake.resume_plan(|_, _| vec![Act::Gate, Act::Complete]);
    let owner = stage.process().await?;
    let id = stage.submit(&owner, pictures(2)).await?;
    testkit::eventually(async || {
        let sql = "select count(*) from compute.attempt where phase = 2";
        Ok::<_, sqlx::Error>(count(&stage, sql).await? == 2)
    })
    .await?;
    let other = stage.process().await?;
    owner.kill();
    // Nobody leads now.
    cancel(&stage, &other, &id, &["image_0", "post_0"]).await?;
    await_state(&stage, &other, &id, "image_0", State::Cancelled).await?;
    testkit::eventually(async || Ok::<_, String>(stage.fake.cancels().len() == 1)).await?;
    stage.fake.plan(|_, _| usual());
    stage.fake.open_gate();
    let tasks = stage.ends(&other, &id, workflow::State::Completed).await?;
    assert_eq!(phases(task(&tasks, "image_1")?), [Phase::Done]);
    settle(&stage).await
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn any_process_takes_it_and_at_any_moment(db: PgPool) -> Result {
    let stage = Stage::new(db).await;
    stage.fake.plan(|_, _| vec![Act::Sleep(3), Act::Accept, Act::Sleep(5), Act::Complete]);
    let processes = [stage.process().await?, stage.process().await?];
    let mut ids = Vec::new();
    for nth in 0..24 {
        let id = stage.submit(&processes[nth % 2], pictures(2)).await?;
        // At once, or while something of it happens.
        tokio::time::sleep(std::time::Duration::from_millis(nth as u64 % 4 * 4)).await;
        cancel(&stage, &processes[nth / 2 % 2], &id, &["image_0", "post_0"]).await?;
        ids.push(id);
    }
    for id in &ids {
        let tasks = stage.ends(&processes[0], id, workflow::State::Completed).await?;
        assert_eq!(task(&tasks, "post_1")?.state(), State::Completed);
    }
    settle(&stage).await
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn what_has_ended_stays_as_it_is(db: PgPool) -> Result {
    let stage = Stage::new(db).await;
    stage.fake.plan(|run, _| match run.prompt.as_str() {
        "image_1" => vec![Act::Accept, Act::Gate, Act::Complete],
        _ => usual(),
    });
    let process = stage.process().await?;
    let id = stage.submit(&process, pictures(2)).await?;
    await_state(&stage, &process, &id, "post_0", State::Completed).await?;
    let before = task(&stage.result(&process, &id).await?.tasks, "image_0")?.clone();
    assert_eq!(cancel(&stage, &process, &id, &["image_0"]).await?, [before]);
    stage.fake.open_gate();
    let tasks = stage.ends(&process, &id, workflow::State::Completed).await?;
    // Neither does the whole change.
    assert_eq!(cancel(&stage, &process, &id, &["gather", "post_1"]).await?.len(), 2);
    assert_eq!(stage.result(&process, &id).await?.tasks, tasks);
    assert!(stage.fake.cancels().is_empty());
    settle(&stage).await
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn equal_requests_are_one_and_strangers_find_nothing(db: PgPool) -> Result {
    let stage = Stage::new(db).await;
    stage.fake.plan(|_, _| vec![Act::Accept, Act::Gate, Act::Complete]);
    let process = stage.process().await?;
    let id = stage.submit(&process, pictures(2)).await?;
    await_submissions(&stage, 2).await?;
    let mut client = process.tasks(stage.organization);

    let mut stranger = process.tasks(OrganizationId::generate());
    let status = stranger.cancel_tasks(request(&id, &["gather"])).await.err().ok_or("accepted")?;
    assert_eq!(testkit::reason(&status), "WORKFLOW_NOT_FOUND");
    let status =
        client.cancel_tasks(request(&id, &["image_0", "no"])).await.err().ok_or("accepted")?;
    assert_eq!(testkit::fields(&status), ["nodes[1]"]);
    for nodes in [&[][..], &["image_0", "image_0"]] {
        let status = client.cancel_tasks(request(&id, nodes)).await.err().ok_or("accepted")?;
        assert_eq!(testkit::fields(&status), ["nodes"]);
    }
    let owner = testkit::as_role(&process.channel, Role::Owner, stage.organization);
    let refused = TaskServiceClient::new(owner).cancel_tasks(request(&id, &["image_0"])).await;
    assert_eq!(refused.err().map(|it| it.code()), Some(tonic::Code::PermissionDenied));
    assert_eq!(count(&stage, "select count(*) from compute.task_cancellation").await?, 0);

    let asked = request(&id, &["image_0"]);
    let first = client.cancel_tasks(asked.clone()).await?.into_inner();
    await_state(&stage, &process, &id, "image_0", State::Cancelled).await?;
    assert_eq!(client.cancel_tasks(asked.clone()).await?.into_inner(), first);
    let other = CancelTasksRequest { nodes: vec!["image_1".to_owned()], ..asked };
    let status = client.cancel_tasks(other).await.err().ok_or("accepted")?;
    assert_eq!(testkit::reason(&status), "REQUEST_ID_REUSED");
    stage.fake.open_gate();
    stage.ends(&process, &id, workflow::State::Completed).await?;
    settle(&stage).await
}
