//! Graphs run to their ends.

use api::sartiq::compute::v1::binding::Place;
use api::sartiq::compute::v1::task::State;
use api::sartiq::compute::v1::task_output::Output;
use api::sartiq::compute::v1::*;
use api::sartiq::event::v1::event::Payload;
use api::sartiq::provider::v1::failure::{Code, Retry, Scope};
use api::sartiq::provider::v1::{Asset, EditImage, OutputShape, RunInput, Upscale, asset};
use sqlx::PgPool;

use crate::Result;
use crate::audit::{audit, told};
use crate::provider::{Act, COST, failure, usual};
use crate::stage::{Stage, optional, picture, task};

fn compose(name: &str, parts: &[&str]) -> Node {
    let parts = parts.iter().map(|it| (*it).to_owned()).collect();
    let compose_prompt = Some(ComposePrompt { parts, max_length: 0 });
    Node { name: name.to_owned(), compose_prompt, ..Node::default() }
}

fn bind(place: Place, node: &str, output: i32) -> Binding {
    Binding { place: place.into(), node: node.to_owned(), output }
}

fn gather(name: &str, after: &[&str], min_completed: i32) -> Node {
    let after = after.iter().map(|it| (*it).to_owned()).collect();
    Node { name: name.to_owned(), after, gather: Some(Gather { min_completed }), ..Node::default() }
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn a_graph_fans_out_and_in(db: PgPool) -> Result {
    let stage = Stage::new(db).await;
    let process = stage.process().await?;
    let mut image = picture("image", &["prompt"]);
    image.bindings = vec![bind(Place::Prompt, "prompt", 0)];
    if let Some(run) = &mut image.run {
        run.text_to_image = Some(Default::default());
        run.output = Some(OutputShape { count: 2, ..OutputShape::default() });
    }
    let edit = Node {
        name: "edit".to_owned(),
        after: vec!["image".to_owned()],
        run: Some(RunInput {
            edit_image: Some(EditImage { prompt: "edit".to_owned(), ..EditImage::default() }),
            ..RunInput::default()
        }),
        bindings: vec![bind(Place::BaseReference, "image", 1)],
        ..Node::default()
    };
    let upscale = Node {
        name: "upscale".to_owned(),
        after: vec!["image".to_owned()],
        run: Some(RunInput { upscale: Some(Upscale::default()), ..RunInput::default() }),
        bindings: vec![bind(Place::Image, "image", 0)],
        ..Node::default()
    };
    let nodes = vec![
        compose("prompt", &["a tote", "on sand ", "a tote"]),
        image,
        edit,
        upscale,
        gather("all", &["upscale", "edit"], 0),
    ];
    let id = stage.submit(&process, nodes).await?;
    let tasks = stage.ends(&process, &id, workflow::State::Completed).await?;
    let submissions = stage.fake.submissions();
    assert_eq!(submissions[0].prompt, "a tote on sand");
    assert_eq!(submissions[0].input.model, "acme-text_to_image");
    assert_eq!(submissions[0].organization, stage.organization.to_string());
    let edited = submissions.iter().find(|it| it.prompt == "edit").ok_or("no edit")?;
    let reference = &edited.input.edit_image.as_ref().ok_or("no edit")?.references[0];
    let asset = reference.image.as_ref().ok_or("no image")?;
    let key = format!("{}/result_1.png", submissions[0].run_id);
    assert_eq!(asset.source, Some(asset::Source::Key(key)));
    assert_eq!((asset.width_px, asset.size_bytes), (640, 1000));
    let all = &task(&tasks, "all")?.outputs;
    let first = |node| task(&tasks, node).map(|it| it.outputs[0].clone());
    assert_eq!(*all, [first("upscale")?, first("edit")?]);
    let prompt = &task(&tasks, "prompt")?.outputs[0].output;
    assert_eq!(*prompt, Some(Output::Text("a tote on sand".to_owned())));
    let workflow = stage.result(&process, &id).await?.workflow.ok_or("no workflow")?;
    assert_eq!(workflow.cost.map(|it| it.micros), Some(3 * COST));
    assert_eq!((workflow.ended_count, workflow.task_count), (5, 5));
    assert!(workflow.end_time.is_some());
    let ended = told(&stage.db).await?;
    assert!(
        matches!(ended.last(), Some(Payload::WorkflowEnded(it)) if it.reference == "a reference")
    );
    audit(&stage.db, &[&stage.fake]).await
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn an_optional_failure_skips_what_is_bound_and_the_rest_goes_on(db: PgPool) -> Result {
    let stage = Stage::new(db).await;
    stage.fake.plan(|run, _| match run.prompt.as_str() {
        "bad" => {
            vec![Act::Fail(failure(Code::ContentPolicyInput, Retry::ChangedInput, Scope::Request))]
        }
        _ => usual(),
    });
    let process = stage.process().await?;
    let bound = Node {
        name: "bound".to_owned(),
        after: vec!["bad".to_owned()],
        run: Some(RunInput { upscale: Some(Upscale::default()), ..RunInput::default() }),
        bindings: vec![bind(Place::Image, "bad", 0)],
        ..Node::default()
    };
    let nodes = vec![
        optional("bad", &[]),
        optional("good", &[]),
        bound,
        picture("later", &["bad"]),
        gather("some", &["bad", "good"], 1),
    ];
    let id = stage.submit(&process, nodes).await?;
    let tasks = stage.ends(&process, &id, workflow::State::Completed).await?;
    let state = |node| task(&tasks, node).map(Task::state);
    assert_eq!(state("bad")?, State::Failed);
    assert_eq!(task(&tasks, "bad")?.attempts.len(), 1, "policy is not tried again");
    assert_eq!(
        task(&tasks, "bad")?.failure.as_ref().map(|it| it.code()),
        Some(Code::ContentPolicyInput)
    );
    assert_eq!(state("bound")?, State::Skipped);
    assert_eq!(state("later")?, State::Completed);
    assert_eq!(task(&tasks, "some")?.outputs.len(), 1);
    audit(&stage.db, &[&stage.fake]).await
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn too_few_completed_fail_what_gathers(db: PgPool) -> Result {
    let stage = Stage::new(db).await;
    stage.fake.plan(|_, _| {
        vec![Act::Fail(failure(Code::InvalidInput, Retry::ChangedInput, Scope::Request))]
    });
    let process = stage.process().await?;
    let nodes = vec![optional("a", &[]), optional("b", &[]), gather("some", &["a", "b"], 1)];
    let id = stage.submit(&process, nodes).await?;
    let tasks = stage.ends(&process, &id, workflow::State::Failed).await?;
    assert_eq!(task(&tasks, "some")?.failure.as_ref().map(|it| it.code()), Some(Code::NoOutput));
    audit(&stage.db, &[&stage.fake]).await
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn a_required_failure_cancels_the_rest(db: PgPool) -> Result {
    let stage = Stage::new(db).await;
    stage.fake.plan(|run, _| match run.prompt.as_str() {
        "bad" => vec![
            Act::Accept,
            Act::Sleep(200),
            Act::Fail(failure(Code::InvalidInput, Retry::ChangedInput, Scope::Request)),
        ],
        _ => vec![Act::Accept, Act::Hang],
    });
    let process = stage.process().await?;
    let nodes = vec![picture("bad", &[]), picture("slow", &[]), picture("later", &["slow"])];
    let id = stage.submit(&process, nodes).await?;
    let tasks = stage.ends(&process, &id, workflow::State::Failed).await?;
    assert_eq!(task(&tasks, "slow")?.state(), State::Cancelled);
    assert_eq!(task(&tasks, "later")?.state(), State::Cancelled);
    let slow = format!("{}-1", task(&tasks, "slow")?.id);
    testkit::eventually(async || Ok::<_, String>(stage.fake.cancels() == [slow.clone()])).await?;
    testkit::eventually(async || {
        let left: i64 = sqlx::query_scalar("select count(*) from compute.cancellation")
            .fetch_one(&stage.db)
            .await?;
        Ok::<_, sqlx::Error>(left == 0)
    })
    .await?;
    audit(&stage.db, &[&stage.fake]).await
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn a_workflow_of_the_engines_own_work_needs_no_provider(db: PgPool) -> Result {
    let stage = Stage::new(db).await;
    let process = stage.process().await?;
    let nodes = vec![compose("a", &["x"]), compose("b", &["y"]), gather("all", &["b", "a"], 0)];
    let id = stage.submit(&process, nodes).await?;
    let tasks = stage.ends(&process, &id, workflow::State::Completed).await?;
    assert_eq!(task(&tasks, "all")?.outputs.len(), 2);
    assert!(stage.fake.submissions().is_empty());
    audit(&stage.db, &[&stage.fake]).await
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn media_are_passed_on_by_id(db: PgPool) -> Result {
    let stage = Stage::new(db).await;
    let process = stage.process().await?;
    let source = Some(asset::Source::MediaId("m".to_owned()));
    let image = Some(Asset { source: source.clone(), ..Asset::default() });
    let upscale = Node {
        name: "upscale".to_owned(),
        run: Some(RunInput { upscale: Some(Upscale { image, factor: 2 }), ..RunInput::default() }),
        ..Node::default()
    };
    let id = stage.submit(&process, vec![upscale]).await?;
    stage.ends(&process, &id, workflow::State::Completed).await?;
    let input = stage.fake.submissions()[0].input.clone();
    assert_eq!(input.upscale.and_then(|it| it.image).and_then(|it| it.source), source);
    audit(&stage.db, &[&stage.fake]).await
}
