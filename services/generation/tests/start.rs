//! Starting generations.

use api::sartiq::compute::v1::Priority;
use api::sartiq::event::v1::event::Payload;
use api::sartiq::generation::v1::generation_service_client::GenerationServiceClient;
use api::sartiq::generation::v1::*;
use api::sartiq::provider::v1::{asset, reference};
use futures::future::try_join_all;
use server::Role;
use sqlx::PgPool;
use testkit::{fields, reason, request_id};
use tonic::Code;

use crate::stage::{IMAGE_MICROS, POST_MICROS, Result, Stage, input, refusal, starting};

#[sqlx::test(migrator = "::generation::MIGRATIONS")]
async fn a_generation_keeps_what_it_was_started_with(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let mut set = stage.set();
    let mut request = starting(&set, 3);
    request.generation.get_or_insert_default().seed = Some(u32::MAX);
    let reply = stage.generations().start_generation(request).await?.into_inner();
    let generation = reply.generation.ok_or("no generation")?;
    assert_eq!(generation.state(), generation::State::Pending);
    assert_eq!(generation.kind(), generation::Kind::Initial);
    assert_eq!((generation.requested_count, generation.progress_percent), (3, 0));
    let quoted = generation.quoted_cost.clone().ok_or("no quote")?;
    assert_eq!(quoted.micros, 3 * (IMAGE_MICROS + POST_MICROS));
    let seen: Vec<_> = reply.predictions.iter().map(|it| (it.index, it.seed, it.state())).collect();
    let expected = prediction::State::Expected;
    assert_eq!(seen, [(0, u32::MAX, expected), (1, 0, expected), (2, 1, expected)]);

    // Whatever catalog says later, the generation was started with this.
    set.product.name = "another blazer".into();
    set.style.negative_prompt.clear();
    stage.library.put(stage.organization, &set);
    let now = stage.read(&generation).await?.0;
    assert_eq!(now.configuration, generation.configuration);
    assert_eq!(now.workflow_id, stage.compute.workflow(&generation.id));
    let configuration = now.configuration.ok_or("no configuration")?;
    assert_eq!(configuration.product_name, "linen blazer");
    assert_eq!(configuration.product_media_id, set.product.photos[0].media_id);
    assert_eq!(configuration.subject_media_id, set.subject.portrait_media_id);
    assert_eq!(configuration.guideline_ids, set.look.guideline_ids);
    assert_eq!(configuration.negative_prompt, "text, logos");
    assert_eq!((configuration.width_px, configuration.height_px), (1024, 1536));
    for words in ["Mara", "sand, linen blazer", "standing", "film grain", "No jewellery"] {
        assert!(configuration.prompt.contains(words), "{words}: {}", configuration.prompt);
    }
    Ok(())
}

#[sqlx::test(migrator = "::generation::MIGRATIONS")]
async fn the_graph_goes_to_compute_once_and_the_mesh_is_told(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let set = stage.set();
    let generation = stage.start(&set, 2).await?;
    let submitted = stage.compute.submitted();
    assert_eq!(submitted.len(), 1);
    assert_eq!(submitted[0].organization, stage.organization);
    let request = &submitted[0].request;
    assert_eq!((&request.reference, request.priority()), (&generation.id, Priority::Normal));
    let nodes = &request.graph.as_ref().ok_or("no graph")?.nodes;
    let names: Vec<_> = nodes.iter().map(|it| &*it.name).collect();
    assert_eq!(names, ["prompt", "image_0", "image_1", "post_0", "post_1", "gather"]);
    let seed = generation.configuration.ok_or("no configuration")?.seed;
    let run = |index: usize| nodes[index].run.clone().ok_or("no run");
    assert_eq!([run(1)?.seed, run(2)?.seed], [Some(seed), Some(seed.wrapping_add(1))]);
    let edit = run(1)?.edit_image.ok_or("no edit")?;
    let references: Vec<_> = edit
        .references
        .iter()
        .map(|it| (it.role(), it.image.as_ref().and_then(|it| it.source.clone())))
        .collect();
    let media = |id: &String| Some(asset::Source::MediaId(id.clone()));
    assert_eq!(
        references,
        [
            (reference::Role::Garment, media(&set.product.photos[0].media_id)),
            (reference::Role::Subject, media(&set.subject.portrait_media_id)),
        ]
    );

    let told = stage.told().await?;
    let [Payload::GenerationStarted(started)] = &told[..] else {
        return Err(format!("{told:?}").into());
    };
    assert_eq!((&started.generation_id, &started.shot_id), (&generation.id, &set.shot.id));
    assert_eq!((started.requested_count, started.revision), (2, false));

    // The job that was stored for the case that the handler dies finds nothing to do.
    stage.hurry().await?;
    testkit::eventually(async || stage.n_jobs("submit").await.map(|it| it == 0)).await?;
    assert_eq!(stage.compute.submitted().len(), 1);
    Ok(())
}

#[sqlx::test(migrator = "::generation::MIGRATIONS")]
async fn asking_again_answers_the_same_and_starts_nothing(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let set = stage.set();
    let request = starting(&set, 0);
    // All at once, as a browser does that lost its connection.
    let asks = (0..6).map(|_| {
        let (mut client, request) = (stage.generations(), request.clone());
        async move { client.start_generation(request).await.map(|it| it.into_inner()) }
    });
    let replies = try_join_all(asks).await?;
    assert!(replies.iter().all(|it| *it == replies[0]));
    let again = stage.generations().start_generation(request.clone()).await?.into_inner();
    assert_eq!(again, replies[0]);
    assert_eq!(again.predictions.len(), 2, "as many as the shot type says");
    assert_eq!(stage.compute.submitted().len(), 1);
    assert_eq!(stage.names_told().await?, ["generation.started"]);

    let other = StartGenerationRequest { request_id: request.request_id, ..starting(&set, 3) };
    let status = refusal(stage.generations().start_generation(other).await)?;
    assert_eq!((status.code(), &*reason(&status)), (Code::AlreadyExists, "REQUEST_ID_REUSED"));
    assert_eq!(stage.compute.submitted().len(), 1);
    Ok(())
}

#[sqlx::test(migrator = "::generation::MIGRATIONS")]
async fn everything_that_is_wrong_with_a_request_is_said_at_once(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let set = stage.set();
    let bad = StartGenerationRequest {
        request_id: "again".into(),
        generation: Some(GenerationInput {
            shot_id: "blazer".into(),
            variant_count: -1,
            note: "n".repeat(1001),
            ..Default::default()
        }),
    };
    let status = refusal(stage.generations().start_generation(bad).await)?;
    assert_eq!((status.code(), &*reason(&status)), (Code::InvalidArgument, "FIELD_INVALID"));
    let names = ["request_id", "generation.shot_id", "generation.variant_count", "generation.note"];
    assert_eq!(fields(&status), names);
    let empty = StartGenerationRequest { request_id: request_id(), generation: None };
    let status = refusal(stage.generations().start_generation(empty).await)?;
    assert_eq!(fields(&status), ["generation"]);

    // What the contract cannot say is found all at once, too.
    let noted = GenerationInput { note: "warmer".into(), ..input(&set, 1) };
    let unnamed = GenerationInput { parent_prediction_id: "it".into(), ..input(&set, 1) };
    let silent = GenerationInput { parent_prediction_id: request_id(), ..input(&set, 1) };
    let request = BatchStartGenerationsRequest {
        request_id: request_id(),
        generations: vec![input(&set, 1), noted, unnamed, silent],
    };
    let status = refusal(stage.generations().batch_start_generations(request).await)?;
    assert_eq!(
        fields(&status),
        [
            "generations[1].note",
            "generations[2].parent_prediction_id",
            "generations[2].note",
            "generations[3].note",
        ]
    );
    assert_eq!(stage.library.n_calls(), 0);
    assert!(stage.told().await?.is_empty());
    Ok(())
}

#[sqlx::test(migrator = "::generation::MIGRATIONS")]
async fn only_those_who_edit_start_and_only_what_is_theirs(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let set = stage.set();
    for role in [Role::Viewer, Role::Reviewer] {
        let mut client = GenerationServiceClient::new(stage.role(role));
        let status = refusal(client.start_generation(starting(&set, 1)).await)?;
        assert_eq!(status.code(), Code::PermissionDenied, "{role:?}");
    }
    let mut nobody = GenerationServiceClient::new(stage.nobody());
    let status = refusal(nobody.start_generation(starting(&set, 1)).await)?;
    assert_eq!(status.code(), Code::Unauthenticated);
    let mut stranger = GenerationServiceClient::new(stage.stranger());
    let status = refusal(stranger.start_generation(starting(&set, 1)).await)?;
    assert_eq!((status.code(), &*reason(&status)), (Code::NotFound, "SHOT_NOT_FOUND"));
    assert!(stage.compute.submitted().is_empty());
    Ok(())
}

#[sqlx::test(migrator = "::generation::MIGRATIONS")]
async fn a_batch_starts_all_or_none(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let sets = [stage.set(), stage.set(), stage.set()];
    let generations: Vec<_> = sets.iter().rev().zip(1..).map(|(it, n)| input(it, n)).collect();
    let mut request = BatchStartGenerationsRequest { request_id: request_id(), generations };

    let good = request.generations[1].shot_id.clone();
    request.generations[1].shot_id = request_id();
    let status = refusal(stage.generations().batch_start_generations(request.clone()).await)?;
    assert_eq!((status.code(), &*reason(&status)), (Code::NotFound, "SHOT_NOT_FOUND"));
    let listed = stage.generations().list_generations(ListGenerationsRequest::default()).await?;
    assert!(listed.into_inner().generations.is_empty());
    assert!(stage.told().await?.is_empty());
    assert!(stage.compute.submitted().is_empty());

    // What was refused was not accepted: its id is free.
    request.generations[1].shot_id = good;
    let n_calls = stage.library.n_calls();
    let reply = stage.generations().batch_start_generations(request.clone()).await?.into_inner();
    let shots: Vec<_> = reply.generations.iter().map(|it| &it.shot_id).collect();
    assert_eq!(shots, request.generations.iter().map(|it| &it.shot_id).collect::<Vec<_>>());
    let counts: Vec<_> = reply.generations.iter().map(|it| it.requested_count).collect();
    assert_eq!(counts, [1, 2, 3]);
    assert_eq!(stage.library.n_calls() - n_calls, 6, "each service once for all of them");
    assert_eq!(stage.compute.submitted().len(), 3);
    assert_eq!(stage.names_told().await?, ["generation.started"; 3]);

    let again = stage.generations().batch_start_generations(request).await?.into_inner();
    assert_eq!(again, reply);
    assert_eq!(stage.compute.submitted().len(), 3);
    Ok(())
}
