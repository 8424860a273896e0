//! Generations that change a picture.

use api::sartiq::compute::v1::Priority;
use api::sartiq::event::v1::event::Payload;
use api::sartiq::generation::v1::generation_service_client::GenerationServiceClient;
use api::sartiq::generation::v1::*;
use api::sartiq::provider::v1::{asset, reference};
use sqlx::PgPool;
use testkit::{fields, reason, request_id};
use tonic::Code;

use crate::stage::{Result, Set, Stage, input, refusal};

fn revising(set: &Set, parent: &str) -> StartGenerationRequest {
    let generation = GenerationInput {
        parent_prediction_id: parent.to_owned(),
        note: "shorter sleeves".into(),
        ..input(set, 0)
    };
    StartGenerationRequest { request_id: request_id(), generation: Some(generation) }
}

#[sqlx::test(migrator = "::generation::MIGRATIONS")]
async fn a_revision_starts_from_the_picture_and_is_made_first(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let set = stage.set();
    let (_, parent) = stage.made(&set).await?;
    let reply = stage.generations().start_generation(revising(&set, &parent.id)).await?;
    let reply = reply.into_inner();
    let revision = reply.generation.ok_or("no generation")?;
    assert_eq!(revision.kind(), generation::Kind::Revision);
    assert_eq!((&revision.parent_prediction_id, &*revision.note), (&parent.id, "shorter sleeves"));
    assert_eq!(reply.predictions.len(), 1, "one unless told otherwise");

    let submitted = stage.compute.submitted().pop().ok_or("nothing was submitted")?.request;
    assert_eq!(submitted.priority(), Priority::High);
    let graph = submitted.graph.ok_or("no graph")?;
    let edit = graph.nodes[1].run.clone().and_then(|it| it.edit_image).ok_or("no edit")?;
    let base = edit.references.first().ok_or("no reference")?;
    assert_eq!(base.role(), reference::Role::Base);
    let source = base.image.clone().and_then(|it| it.source);
    assert_eq!(source, Some(asset::Source::MediaId(parent.media_id)));
    let parts = &graph.nodes[0].compose_prompt.as_ref().ok_or("no prompt")?.parts;
    assert_eq!(parts[0], "Change the first picture: shorter sleeves.");

    let told = stage.told().await?;
    let is_told = told.iter().any(|it| {
        matches!(it, Payload::GenerationStarted(it) if it.revision && it.generation_id == revision.id)
    });
    assert!(is_told, "{told:?}");
    Ok(())
}

#[sqlx::test(migrator = "::generation::MIGRATIONS")]
async fn only_a_picture_that_is_there_and_of_the_shot_is_revised(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let (set, other) = (stage.set(), stage.set());
    let (_, of_other) = stage.made(&other).await?;
    let unmade = stage.start(&set, 1).await?;
    let unmade = stage.read(&unmade).await?.1[0].id.clone();
    let n_submitted = stage.compute.submitted().len();

    let status =
        refusal(stage.generations().start_generation(revising(&set, &request_id())).await)?;
    assert_eq!((status.code(), &*reason(&status)), (Code::NotFound, "PREDICTION_NOT_FOUND"));
    let batch = [revising(&set, &of_other.id), revising(&set, &unmade)];
    let request = BatchStartGenerationsRequest {
        request_id: request_id(),
        generations: batch.into_iter().filter_map(|it| it.generation).collect(),
    };
    let status = refusal(stage.generations().batch_start_generations(request).await)?;
    let paths = ["generations[0].parent_prediction_id", "generations[1].parent_prediction_id"];
    assert_eq!(fields(&status), paths);

    let mut stranger = GenerationServiceClient::new(stage.stranger());
    let status = refusal(stranger.start_generation(revising(&other, &of_other.id)).await)?;
    assert_eq!((status.code(), &*reason(&status)), (Code::NotFound, "PREDICTION_NOT_FOUND"));
    assert_eq!(stage.compute.submitted().len(), n_submitted);
    Ok(())
}
