//! The promises, one function each.

mod fault;

use api::sartiq::provider::v1::asset::Source;
use api::sartiq::provider::v1::failure::Code;
use api::sartiq::provider::v1::run_event::Event;
use api::sartiq::provider::v1::*;
use futures::StreamExt;
use server::Role;
use sha2::{Digest, Sha256};

use super::{Ailment, Stage, Stub};
use crate::{Capability, Model, Provider};

/// Checks that the adapter that `build` makes keeps every promise of `ProviderService`, while the
/// vendor behind it does what `stub` says.
pub async fn check<P: Provider>(build: impl Fn() -> P, stub: &impl Stub) {
    stub.ail(Ailment::None).await;
    let models = build().models();
    let stage = Stage::new(build()).await;
    describes_itself(&stage, P::NAME, &models).await;
    strangers_are_refused(&stage).await;
    every_model_runs(&stage, stub, &models).await;
    limits_hold_before_anything_is_paid(&stage, stub, &models).await;
    inputs_travel_once(&stage, &models).await;
    a_run_asked_for_twice_is_submitted_once(&stage, stub, &models).await;
    a_failing_workspace_is_waited_for(&stage, &models).await;
    fault::a_dropped_stream_is_resumed(&stage, stub, &models).await;
    fault::another_process_takes_over(&stage, &build, stub, &models).await;
    fault::a_run_is_cancelled(&stage, stub, &models).await;
    fault::a_slow_run_is_given_up(&stage, stub, &models).await;
    fault::a_lost_answer_is_in_doubt(&stage, stub, &models).await;
    fault::what_passes_is_not_noticed(&stage, stub, &models).await;
    fault::failures_are_sorted(&stage, stub, &models).await;
    fault::tokens_are_judged(&stage, &models).await;
    fault::a_full_process_refuses(&build, stub, &models).await;
    stub.ail(Ailment::None).await;
}

async fn describes_itself(stage: &Stage, name: &str, models: &[Model]) {
    let mut client = stage.client.clone();
    let description =
        client.describe(DescribeRequest {}).await.expect("a description").into_inner();
    assert_eq!(description.provider, name);
    assert!(description.resumable, "accepted runs can be resumed");
    let listed = client.list_models(ListModelsRequest::default()).await.expect("models");
    assert_eq!(listed.into_inner().models.len(), models.len());
    for model in models {
        let capability = api::sartiq::provider::v1::Capability::from(model.capability);
        assert!(description.capabilities.contains(&capability.into()), "{capability:?} is told");
        let request = ListModelsRequest { capability: capability.into() };
        let listed = client.list_models(request).await.expect("models").into_inner();
        assert!(listed.models.iter().any(|it| it.id == model.id), "{} is listed", model.id);
        let request = EstimateRequest { input: Some(stage.input(model)) };
        let cost = client.estimate(request).await.expect("an estimate").into_inner().cost;
        assert!(
            cost.and_then(|it| it.amount).is_some_and(|it| 0 < it.micros),
            "{} costs",
            model.id
        );
    }
    let check = client.check(CheckRequest {}).await.expect("a check").into_inner();
    assert!(check.reachable && check.authenticated, "the key is good: {check:?}");
}

async fn strangers_are_refused(stage: &Stage) {
    for role in [Role::Owner, Role::Viewer] {
        let channel = testkit::as_role(&stage.channel, role, stage.organization);
        let mut client = provider_service_client::ProviderServiceClient::new(channel);
        let status = client.describe(DescribeRequest {}).await.expect_err("a user is no service");
        assert_eq!(status.code(), tonic::Code::PermissionDenied);
    }
    let mut client = provider_service_client::ProviderServiceClient::new(stage.channel.clone());
    let status = client.describe(DescribeRequest {}).await.expect_err("nobody is no service");
    assert_eq!(status.code(), tonic::Code::Unauthenticated);
}

async fn every_model_runs(stage: &Stage, stub: &impl Stub, models: &[Model]) {
    for model in models {
        let before = stub.submissions().await;
        let request = stage.request(stage.input(model));
        let run_id = request.run_id.clone();
        let followed = stage.run(request).await;
        let completed = followed.completed().expect("a completed run");
        let accepted = followed.accepted().expect("accepted comes first");
        assert!(!accepted.vendor_job_id.is_empty());
        assert!((1..=4096).contains(&accepted.resume_token.len()));
        for (number, event) in (1..).zip(&followed.events) {
            assert_eq!((event.sequence, &event.run_id), (number, &run_id));
            assert!(event.time.is_some());
        }
        assert!(!completed.outputs.is_empty(), "{} made something", model.id);
        for (index, output) in (0..).zip(&completed.outputs) {
            assert_eq!(output.index, index);
            let asset = output.asset.as_ref().expect("an asset");
            check_stored(stage, model, &run_id, index, asset);
        }
        let cost = completed.cost.as_ref().expect("a cost");
        assert_ne!(cost.source(), cost::Source::Unspecified);
        assert!(cost.amount.as_ref().is_some_and(|it| 0 < it.micros && it.currency == "USD"));
        assert_eq!(stub.submissions().await, before + 1, "{} was submitted once", model.id);
    }
}

/// Holds what the run says of an output against the bytes in the workspace.
fn check_stored(stage: &Stage, model: &Model, run_id: &str, index: u32, asset: &Asset) {
    let Some(Source::Key(key)) = &asset.source else { panic!("outputs are workspace keys") };
    let kind = pixels::Kind::from_media_type(&asset.media_type).expect("a media type");
    let folder = model.capability.folder();
    assert_eq!(*key, format!("compute/{folder}/{run_id}/result_{index}.{}", kind.extension()));
    let content = stage.workspace.get(key).expect("the output is in the workspace");
    assert_eq!(asset.size_bytes, content.len() as i64);
    assert_eq!(asset.sha256[..], Sha256::digest(&content)[..]);
    assert_eq!(pixels::sniff(&content), Some(kind));
    if model.capability == Capability::ImageToVideo {
        let facts = pixels::video::measure(&content).expect("a film");
        assert_eq!((asset.width_px, asset.height_px), (facts.width, facts.height));
        assert!(asset.duration.is_some());
    } else {
        let facts = pixels::inspect(&content, &pixels::Limits::default()).expect("a picture");
        assert_eq!((asset.width_px, asset.height_px), (facts.width, facts.height));
    }
}

async fn limits_hold_before_anything_is_paid(stage: &Stage, stub: &impl Stub, models: &[Model]) {
    let before = stub.submissions().await;
    let refused = async |input: RunInput| {
        let followed = stage.run(stage.request(input)).await;
        assert_eq!(followed.events.len(), 1, "a refusal is the only event");
        let failure = followed.failure().expect("a refusal");
        assert!(!failure.maybe_submitted && !failure.message.is_empty());
        failure.code()
    };
    for model in models {
        let most = model.limits.max_outputs;
        let mut greedy = stage.input(model);
        greedy.output = Some(OutputShape { count: most + 1, ..Default::default() });
        assert_eq!(refused(greedy).await, Code::InvalidInput, "{} makes {most}", model.id);
        let mut crowded = stage.input(model);
        if let Some(edit) = &mut crowded.edit_image {
            let most = model.limits.max_references as usize;
            let reference = edit.references.first().cloned().expect("a reference");
            // The contract itself takes no more than sixteen.
            if most < 16 {
                edit.references = vec![reference; most + 1];
                assert_eq!(refused(crowded).await, Code::InvalidInput, "{} takes {most}", model.id);
            }
        }
        let mut gone = stage.input(model);
        gone.model = format!("{}/of-another-world", model.id);
        assert_eq!(refused(gone).await, Code::NotFound);
        let other = models.iter().find(|it| it.capability != model.capability);
        if let Some(other) =
            other.filter(|it| models.iter().filter(|at| at.id == it.id).count() == 1)
        {
            let input = RunInput { model: other.id.clone(), ..stage.input(model) };
            assert_eq!(refused(input).await, Code::Unsupported);
        }
    }
    let malformed = RunInput { model: models[0].id.clone(), ..Default::default() };
    let status = stage.run(stage.request(malformed)).await.status.expect("a status");
    assert_eq!(status.code(), tonic::Code::InvalidArgument, "no task at all");
    assert_eq!(testkit::reason(&status), "FIELD_INVALID");
    assert_eq!(stub.submissions().await, before, "nothing was submitted");
}

async fn inputs_travel_once(stage: &Stage, models: &[Model]) {
    let Some(model) = models.iter().find(|it| it.capability == Capability::EditImage) else {
        return;
    };
    let mut input = stage.input(model);
    let edit = input.edit_image.as_mut().expect("an edit");
    edit.references.truncate(1);
    edit.references[0].image = Some(stage.picture(77, 400, 600));
    stage.run(stage.request(input.clone())).await.completed().expect("a completed run");
    let reads = stage.workspace.reads();
    stage.run(stage.request(input)).await.completed().expect("a completed run");
    assert_eq!(stage.workspace.reads(), reads, "the vendor has the picture already");
}

async fn a_run_asked_for_twice_is_submitted_once(
    stage: &Stage,
    stub: &impl Stub,
    models: &[Model],
) {
    let before = stub.submissions().await;
    let request = stage.request(stage.input(&models[0]));
    let (first, second) = tokio::join!(stage.run(request.clone()), stage.run(request.clone()));
    let accepted = first.accepted().expect("accepted");
    assert_eq!(accepted, second.accepted().expect("accepted"));
    first.completed().expect("a completed run");
    second.completed().expect("a completed run");
    assert_eq!(stub.submissions().await, before + 1);
    let other = RunRequest {
        input: Some(RunInput { seed: Some(99), ..stage.input(&models[0]) }),
        ..request
    };
    let status = stage.run(other).await.status;
    let status = match status {
        Some(status) => status,
        None => panic!("a run id belongs to one input"),
    };
    assert_eq!(status.code(), tonic::Code::AlreadyExists);
}

async fn a_failing_workspace_is_waited_for(stage: &Stage, models: &[Model]) {
    let request = stage.request(stage.input(&models[0]));
    stage.workspace.refuse(2);
    stage.run(request).await.completed().expect("two refusals are not the end");
    // What stays broken is nobody's failure: the run is paid for and can be resumed.
    let request = stage.request(stage.input(&models[0]));
    stage.workspace.refuse(1_000);
    let followed = stage.run(request.clone()).await;
    let status = followed.status.as_ref().expect("a status");
    assert_eq!(status.code(), tonic::Code::Unavailable);
    assert_eq!(testkit::reason(status), "WORKSPACE_UNAVAILABLE");
    stage.workspace.refuse(0);
    let accepted = followed.accepted().expect("accepted").clone();
    stage.resume(&request, &accepted).await.completed().expect("a completed run");
}

/// Reads events until `wanted` says so; returns how many there were.
async fn read_until(
    stream: &mut tonic::Streaming<RunResponse>,
    wanted: impl Fn(&Event) -> bool,
) -> usize {
    let mut count = 0;
    while let Some(event) = stream.next().await {
        count += 1;
        let event = event.expect("no status").event.and_then(|it| it.event);
        if event.is_some_and(|it| wanted(&it)) {
            return count;
        }
    }
    panic!("the run ended before it came to that");
}
