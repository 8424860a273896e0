//! What the RPCs promise beside running graphs.

use api::sartiq::compute::v1::binding::Place;
use api::sartiq::compute::v1::route_service_client::RouteServiceClient;
use api::sartiq::compute::v1::*;
use api::sartiq::provider::v1::{
    Asset, Capability, EditImage, OutputShape, Reference, RunInput, TextToImage, Upscale, asset,
};
use server::Role;
use sqlx::PgPool;
use tonic::Code;
use types::id::OrganizationId;

use crate::Result;
use crate::audit::audit;
use crate::provider::Act;
use crate::stage::{Stage, picture, task};

fn request(nodes: Vec<Node>) -> SubmitWorkflowRequest {
    let request_id = testkit::request_id();
    SubmitWorkflowRequest { request_id, graph: Some(Graph { nodes }), ..Default::default() }
}

fn bound(place: Place, node: &str, output: i32) -> Vec<Binding> {
    vec![Binding { place: place.into(), node: node.to_owned(), output }]
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn graphs_are_checked_before_anything_is_stored(db: PgPool) -> Result {
    let stage = Stage::new(db).await;
    let process = stage.process().await?;
    let mut client = process.workflows(stage.organization);
    let named = |name: &str, run: RunInput| Node {
        name: name.to_owned(),
        run: Some(run),
        ..Node::default()
    };
    let edit = |prompt: &str, references| RunInput {
        edit_image: Some(EditImage { prompt: prompt.to_owned(), references, ..Default::default() }),
        ..RunInput::default()
    };
    let nothing = Reference { image: Some(Asset::default()), role: 0 };
    let many = OutputShape { count: 17, ..OutputShape::default() };
    let compose = ComposePrompt { parts: vec!["x".to_owned()], max_length: 0 };
    let both = Node { compose_prompt: Some(compose), ..picture("b", &[]) };
    let gather = Node {
        name: "g".to_owned(),
        after: vec!["a".to_owned()],
        gather: Some(Gather { min_completed: 2 }),
        ..Node::default()
    };
    let upscale = RunInput { upscale: Some(Upscale::default()), ..RunInput::default() };
    let source = Some(asset::Source::Key("k".to_owned()));
    let full = RunInput {
        upscale: Some(Upscale { image: Some(Asset { source, ..Asset::default() }), factor: 0 }),
        ..RunInput::default()
    };
    let after = |node: Node, bindings| Node { after: vec!["a".to_owned()], bindings, ..node };
    let cases: Vec<(Node, &str)> = vec![
        (picture("a", &[]), "graph.nodes[1].name"),
        (picture("b", &["c"]), "graph.nodes[1].after[0]"),
        (picture("b", &["b"]), "graph.nodes[1].after[0]"),
        (Node { name: "b".to_owned(), ..Node::default() }, "graph.nodes[1]"),
        (both, "graph.nodes[1]"),
        (named("b", RunInput::default()), "graph.nodes[1].run"),
        (
            named("b", RunInput { model: "m".to_owned(), ..full.clone() }),
            "graph.nodes[1].run.model",
        ),
        (named("b", upscale.clone()), "graph.nodes[1].run.upscale.image"),
        (named("b", edit("", vec![])), "graph.nodes[1].run.edit_image.prompt"),
        (named("b", edit("x", vec![])), "graph.nodes[1].run.edit_image.references"),
        (named("b", edit("x", vec![nothing])), "graph.nodes[1].run.edit_image.references[0].image"),
        (
            named("b", RunInput { output: Some(many), ..full.clone() }),
            "graph.nodes[1].run.output.count",
        ),
        (after(named("b", full), bound(Place::Image, "a", 0)), "graph.nodes[1].run.upscale.image"),
        (
            after(named("b", upscale.clone()), bound(Place::Image, "a", 1)),
            "graph.nodes[1].bindings[0].output",
        ),
        (
            after(named("b", upscale.clone()), bound(Place::Person, "a", 0)),
            "graph.nodes[1].bindings[0].place",
        ),
        (
            Node { bindings: bound(Place::Image, "a", 0), ..named("b", upscale) },
            "graph.nodes[1].bindings[0].node",
        ),
        (
            after(
                named(
                    "b",
                    RunInput { text_to_image: Some(TextToImage::default()), ..RunInput::default() },
                ),
                bound(Place::Prompt, "a", 0),
            ),
            "graph.nodes[1].bindings[0].node",
        ),
        (gather, "graph.nodes[1].gather.min_completed"),
        (picture("Capital", &[]), "graph.nodes[1].name"),
    ];
    for (node, field) in cases {
        let refused = client.submit_workflow(request(vec![picture("a", &[]), node.clone()])).await;
        let status = refused.err().ok_or_else(|| format!("accepted: {node:?}"))?;
        assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
        assert_eq!(testkit::reason(&status), "FIELD_INVALID");
        assert!(testkit::fields(&status).contains(&field.to_owned()), "{field}: {status:?}");
    }
    // What no database stores.
    let unwritable =
        SubmitWorkflowRequest { reference: "a\0".to_owned(), ..request(vec![picture("a", &[])]) };
    let status = client.submit_workflow(unwritable).await.err().ok_or("accepted")?;
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    assert_eq!(testkit::fields(&status), ["reference"]);
    let stored: i64 =
        sqlx::query_scalar("select count(*) from compute.workflow").fetch_one(&stage.db).await?;
    assert_eq!(stored, 0);
    Ok(())
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn equal_submissions_are_one_workflow(db: PgPool) -> Result {
    let stage = Stage::new(db).await;
    let process = stage.process().await?;
    let mut client = process.workflows(stage.organization);
    let submission = request(vec![picture("a", &[])]);
    let first = client.submit_workflow(submission.clone()).await?.into_inner();
    assert_eq!(client.submit_workflow(submission.clone()).await?.into_inner(), first);
    let other = SubmitWorkflowRequest { reference: "x".to_owned(), ..submission };
    let status = client.submit_workflow(other).await.err().ok_or("accepted")?;
    assert_eq!(testkit::reason(&status), "REQUEST_ID_REUSED");
    let id = first.workflow.ok_or("no workflow")?.id;
    stage.ends(&process, &id, workflow::State::Completed).await?;
    audit(&stage.db, &[&stage.fake]).await
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn strangers_find_nothing(db: PgPool) -> Result {
    let stage = Stage::new(db).await;
    let process = stage.process().await?;
    let id = stage.submit(&process, vec![picture("a", &[])]).await?;
    let tasks = stage.ends(&process, &id, workflow::State::Completed).await?;
    let stranger = OrganizationId::generate();
    let mut client = process.workflows(stranger);
    let get = client.get_workflow(GetWorkflowRequest { id: id.clone() }).await;
    assert_eq!(get.err().map(|it| it.code()), Some(Code::NotFound));
    let result = GetWorkflowResultRequest { id: id.clone(), nodes: Vec::new() };
    let result = client.get_workflow_result(result).await;
    assert_eq!(result.err().map(|it| it.code()), Some(Code::NotFound));
    let cancel = CancelWorkflowRequest { request_id: testkit::request_id(), id };
    let cancel = client.cancel_workflow(cancel).await;
    assert_eq!(cancel.err().map(|it| testkit::reason(&it)).as_deref(), Some("WORKFLOW_NOT_FOUND"));
    let get = GetTaskRequest { id: task(&tasks, "a")?.id.clone() };
    let found = process.tasks(stage.organization).get_task(get.clone()).await?.into_inner();
    assert_eq!(found.task.as_ref(), Some(task(&tasks, "a")?));
    let found = process.tasks(stranger).get_task(get).await;
    assert_eq!(found.err().map(|it| testkit::reason(&it)).as_deref(), Some("TASK_NOT_FOUND"));
    let list = ListWorkflowsRequest::default();
    assert!(client.list_workflows(list).await?.into_inner().workflows.is_empty());
    Ok(())
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn lists_are_paged(db: PgPool) -> Result {
    let stage = Stage::new(db).await;
    stage.fake.plan(|_, _| vec![Act::Accept, Act::Gate, Act::Complete]);
    let process = stage.process().await?;
    let mut ids = Vec::new();
    for nth in 0..5 {
        let nodes = vec![picture(&format!("a{nth}"), &[]), picture("b", &[&format!("a{nth}")])];
        ids.push(stage.submit(&process, nodes).await?);
    }
    ids.reverse();
    let mut client = process.workflows(stage.organization);
    let (mut listed, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListWorkflowsRequest { page_size: 2, page_token, state: 0 };
        let page = client.list_workflows(request).await?.into_inner();
        listed.extend(page.workflows.into_iter().map(|it| it.id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(listed, ids);
    let request = ListWorkflowsRequest {
        state: workflow::State::Completed.into(),
        ..ListWorkflowsRequest::default()
    };
    assert!(client.list_workflows(request).await?.into_inner().workflows.is_empty());
    let mut tasks = process.tasks(stage.organization);
    let request = ListTasksRequest { page_size: 7, page_token: String::new() };
    let page = tasks.list_tasks(request).await?.into_inner();
    let request = ListTasksRequest { page_size: 7, page_token: page.next_page_token };
    let rest = tasks.list_tasks(request).await?.into_inner();
    assert_eq!((page.tasks.len(), rest.tasks.len()), (7, 3));
    assert!(rest.next_page_token.is_empty());
    stage.fake.open_gate();
    for id in ids {
        stage.ends(&process, &id, workflow::State::Completed).await?;
    }
    audit(&stage.db, &[&stage.fake]).await
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn routes_can_be_chosen_and_given_back(db: PgPool) -> Result {
    let mut stage = Stage::new(db).await;
    let other = stage.add("other").await;
    let process = stage.process().await?;
    let mut client = process.routes(stage.organization);
    let capability = Capability::TextToImage.into();
    let lanes = async |client: &mut RouteServiceClient<_>| {
        let routes = client.list_routes(ListRoutesRequest {}).await?.into_inner().routes;
        let route = routes.into_iter().find(|it| it.capability == capability);
        let lanes = route.map(|it| it.lanes).unwrap_or_default();
        Ok::<_, tonic::Status>(lanes.into_iter().map(|it| it.provider).collect::<Vec<_>>())
    };
    testkit::eventually(async || {
        Ok::<_, tonic::Status>(lanes(&mut client).await? == ["acme", "other"])
    })
    .await?;
    let lane = Lane {
        provider: "other".to_owned(),
        model: "other-text_to_image".to_owned(),
        max_concurrency: 1,
        ..Lane::default()
    };
    let set = |lanes| SetRouteRequest { request_id: testkit::request_id(), capability, lanes };
    let answer = client.set_route(set(vec![lane.clone()])).await?.into_inner();
    assert_eq!(answer.route.map(|it| it.lanes), Some(vec![lane.clone()]));
    assert_eq!(lanes(&mut client).await?, ["other"]);
    let unknown = Lane { provider: "nobody".to_owned(), ..lane };
    let status = client.set_route(set(vec![unknown])).await.err().ok_or("accepted")?;
    assert_eq!(testkit::fields(&status), ["lanes[0].provider"]);
    let nodes = (0..3).map(|it| picture(&format!("p{it}"), &[])).collect();
    let id = stage.submit(&process, nodes).await?;
    stage.ends(&process, &id, workflow::State::Completed).await?;
    assert_eq!((other.submissions().len(), other.most_running()), (3, 1));
    client.set_route(set(Vec::new())).await?;
    assert_eq!(lanes(&mut client).await?, ["acme", "other"]);
    let providers = client.list_providers(ListProvidersRequest {}).await?.into_inner().providers;
    assert!(providers.iter().all(|it| it.reachable && it.description.is_some()));
    audit(&stage.db, &[&stage.fake, &other]).await
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn runs_are_priced_by_the_provider_or_by_its_list(db: PgPool) -> Result {
    let stage = Stage::new(db).await;
    let process = stage.process().await?;
    let run = |prompt: &str, count| RunInput {
        text_to_image: Some(TextToImage { prompt: prompt.to_owned(), ..Default::default() }),
        output: Some(OutputShape { count, ..OutputShape::default() }),
        ..RunInput::default()
    };
    let mut client = process.routes(stage.organization);
    let request = EstimateRunsRequest { runs: vec![run("a", 1), run("unpriced", 3)] };
    let mut costs = Vec::new();
    testkit::eventually(async || match client.estimate_runs(request.clone()).await {
        Ok(answer) => {
            let answer = answer.into_inner().costs.into_iter();
            costs = answer.filter_map(|it| it.amount).map(|it| it.micros).collect();
            Ok(true)
        }
        Err(status) if testkit::reason(&status) == "NO_LANE" => Ok(false),
        Err(status) => Err(status),
    })
    .await?;
    assert_eq!(costs, [77, 3 * crate::provider::COST]);
    let empty = EstimateRunsRequest { runs: vec![RunInput::default()] };
    let status = client.estimate_runs(empty).await.err().ok_or("priced")?;
    assert_eq!(testkit::fields(&status), ["runs[0]"]);
    let status =
        client.estimate_runs(EstimateRunsRequest::default()).await.err().ok_or("priced")?;
    assert_eq!(testkit::fields(&status), ["runs"]);
    Ok(())
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn members_look_and_services_act(db: PgPool) -> Result {
    use api::sartiq::compute::v1::workflow_service_client::WorkflowServiceClient;
    let stage = Stage::new(db).await;
    let process = stage.process().await?;
    let channel = testkit::as_role(&process.channel, Role::Viewer, stage.organization);
    let mut member = WorkflowServiceClient::new(channel);
    let refused = member.submit_workflow(request(vec![picture("a", &[])])).await;
    assert_eq!(refused.err().map(|it| it.code()), Some(Code::PermissionDenied));
    let id = stage.submit(&process, vec![picture("a", &[])]).await?;
    member.get_workflow(GetWorkflowRequest { id }).await?;
    Ok(())
}
