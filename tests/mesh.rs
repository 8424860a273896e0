//! The main job over real gRPC between real processes, in good weather and in bad.

use api::sartiq::delivery::v1::export_service_client::ExportServiceClient;
use api::sartiq::delivery::v1::{
    CreateExportRequest, GetExportRequest, ListExportItemsRequest, export,
};
use api::sartiq::event::v1::PollRequest;
use api::sartiq::event::v1::event::Payload;
use api::sartiq::event::v1::event_service_client::EventServiceClient;
use api::sartiq::generation::v1::{
    CancelGenerationRequest, StartGenerationRequest, generation, prediction,
};
use api::sartiq::shooting::v1::review_service_client::ReviewServiceClient;
use api::sartiq::shooting::v1::shot_service_client::ShotServiceClient;
use api::sartiq::shooting::v1::{
    ApprovePredictionRequest, GetShotRequest, RevisePredictionRequest, UndoDecisionRequest, shot,
};
use serde_json::json;
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use std::io::{Cursor, Read};
use tests::{Actor, House, Result, photo, reason, request_id, until};
use tonic::Code;

/// How alike a garment and its likeness in a picture have to be at least, from 0 to 1.
const ALIKE: f32 = 0.75;

#[sqlx::test(migrations = false)]
async fn a_photo_becomes_an_approved_picture_in_a_zip(db: PgPool) -> Result {
    let house = House::start(db).await?;
    let ana = house.owner("ana").await?;
    let mut events = EventServiceClient::new(ana.signed.clone());
    let cursor = events.poll(PollRequest::default()).await?.into_inner().cursor;
    let product = ana.product(&photo("coffee.png")).await?;
    let (shooting_id, shots) = ana.shots(&product, 1).await?;
    let shot = &shots[0];

    let started = ana.generations().start_generation(Actor::start_request(shot, 2)).await?;
    let generation = started.into_inner().generation.ok_or("no generation")?;
    let ended = ana.ended(&generation.id).await?;
    let generation = ended.generation.ok_or("no generation")?;
    assert_eq!(generation.state(), generation::State::Completed, "{:?}", generation.error);
    assert_eq!(generation.ready_count, 2);
    assert_eq!(generation.cost, generation.quoted_cost, "charged what was quoted");
    let first = &ended.predictions[0];
    assert_eq!(first.state(), prediction::State::Ready);
    assert_eq!((&*first.provider, first.prompt.is_empty()), ("fal", false));
    assert!(first.timing.as_ref().is_some_and(|it| it.run.is_some() && it.post.is_some()));

    // Revise, then approve the revision, undo, approve again.
    let mut reviews = ReviewServiceClient::new(ana.signed.clone());
    let revise = RevisePredictionRequest {
        request_id: request_id(),
        prediction_id: first.id.clone(),
        note: "a warmer background".to_owned(),
    };
    let revision = reviews.revise_prediction(revise).await?.into_inner().generation_id;
    let revised = ana.ended(&revision).await?;
    let chosen = revised.predictions.first().ok_or("no revision")?;
    assert_eq!(chosen.state(), prediction::State::Ready);
    let approve =
        || ApprovePredictionRequest { request_id: request_id(), prediction_id: chosen.id.clone() };
    let is_to_review = async || {
        let mut service = ShotServiceClient::new(ana.signed.clone());
        let request = GetShotRequest { id: shot.id.clone() };
        let now = service.get_shot(request).await?.into_inner().shot.ok_or("no shot")?;
        Ok((now.state() == shot::State::ToReview).then_some(()))
    };
    until(20, is_to_review).await?;
    reviews.approve_prediction(approve()).await?;
    let undo = UndoDecisionRequest { request_id: request_id(), shot_id: shot.id.clone() };
    let undone = reviews.undo_decision(undo).await?.into_inner().shot.ok_or("no shot")?;
    assert_eq!(undone.state(), shot::State::ToReview);

    // The gate is the server's.
    let mut exports = ExportServiceClient::new(ana.signed.clone());
    let export = |shot_ids| CreateExportRequest {
        request_id: request_id(),
        name: "Spring".to_owned(),
        shooting_id: shooting_id.clone(),
        shot_ids,
        ..CreateExportRequest::default()
    };
    let refused = exports.create_export(export(vec![shot.id.clone()])).await;
    let refused = refused.err().ok_or("the gate was open")?;
    assert_eq!(
        (refused.code(), &*reason(&refused)),
        (Code::FailedPrecondition, "SHOT_NOT_APPROVED")
    );

    reviews.approve_prediction(approve()).await?;
    let created = exports.create_export(export(Vec::new())).await?.into_inner();
    let id = created.export.ok_or("no export")?.id;
    let done = until(30, async || {
        let request = GetExportRequest { id: id.clone() };
        let found = exports.get_export(request).await?.into_inner().export.ok_or("no export")?;
        Ok((found.state() == export::State::Completed).then_some(found))
    })
    .await?;
    let zip = ana.read(&house, &done.download_path).await?;
    let request = ListExportItemsRequest { export_id: id, ..Default::default() };
    let items = exports.list_export_items(request).await?.into_inner().items;
    assert_eq!(items.len(), 1);
    let receipt = items[0].receipt.as_ref().ok_or("no receipt")?;
    let mut picture = Vec::new();
    zip::ZipArchive::new(Cursor::new(zip))?
        .by_name(&receipt.location)?
        .read_to_end(&mut picture)?;
    assert_eq!(Sha256::digest(&picture).as_slice(), &receipt.sha256[..]);

    // And it shows the garment.
    let limits = pixels::Limits::default();
    let garment = pixels::decode(&std::fs::read(photo("coffee.png"))?, &limits)?;
    let picture = pixels::decode(&picture, &limits)?;
    let likeness = 1.0 - pixels::locate(&garment, &picture).difference;
    assert!(ALIKE < likeness, "the garment cannot be seen: {likeness}");

    // Everything was told, in order and once.
    let mut at = cursor;
    let mut told = Vec::new();
    loop {
        let answer = events.poll(PollRequest { cursor: at, page_size: 50 }).await?.into_inner();
        if answer.events.is_empty() {
            break;
        }
        told.extend(answer.events);
        at = answer.cursor;
    }
    let count = |it: fn(&Payload) -> bool| {
        told.iter().filter_map(|event| event.payload.as_ref()).filter(|payload| it(payload)).count()
    };
    assert_eq!(count(|it| matches!(it, Payload::GenerationStarted(_))), 2);
    assert_eq!(count(|it| matches!(it, Payload::PredictionReady(_))), 3);
    assert_eq!(count(|it| matches!(it, Payload::GenerationCompleted(_))), 2);
    assert_eq!(count(|it| matches!(it, Payload::ExportEnded(_))), 1);
    let mut keys: Vec<_> = told.iter().map(|it| (it.source.clone(), it.position)).collect();
    keys.sort();
    let n_keys = keys.len();
    keys.dedup();
    assert_eq!(keys.len(), n_keys, "an event was told twice");
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn an_engine_killed_in_the_middle_submits_nothing_twice(db: PgPool) -> Result {
    let mut house = House::start(db).await?;
    let ana = house.owner("ana").await?;
    let product = ana.product(&photo("coffee.png")).await?;
    let (_, shots) = ana.shots(&product, 1).await?;
    house.vendor.plan("submit", json!({ "kind": "slow_work", "ms": 2500 })).await?;
    let started = ana.generations().start_generation(Actor::start_request(&shots[0], 2)).await?;
    let generation = started.into_inner().generation.ok_or("no generation")?;
    // Both handles are stored, and neither picture is there.
    until(20, async || {
        let stored: i64 = sqlx::query_scalar(
            "select count(*) from compute.attempt where submitted_at is not null and ended_at is null",
        )
        .fetch_one(&house.db)
        .await?;
        Ok((stored == 2).then_some(()))
    })
    .await?;
    house.kill("compute").await?;
    house.vendor.heal().await?;
    house.restart("compute").await?;
    let ended = ana.ended(&generation.id).await?;
    let state = ended.generation.as_ref().map(|it| it.state());
    assert_eq!(state, Some(generation::State::Completed));
    // Two pictures, each made and finished.
    assert_eq!(house.vendor.count("submitted").await?, 4);
    assert_eq!(house.vendor.count("charged").await?, 4);
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn generation_and_adapter_killed_in_the_middle_lose_nothing(db: PgPool) -> Result {
    let mut house = House::start(db).await?;
    let ana = house.owner("ana").await?;
    let product = ana.product(&photo("coffee.png")).await?;
    let (_, shots) = ana.shots(&product, 1).await?;
    house.vendor.plan("submit", json!({ "kind": "slow_work", "ms": 1500 })).await?;
    let started = ana.generations().start_generation(Actor::start_request(&shots[0], 1)).await?;
    let generation = started.into_inner().generation.ok_or("no generation")?;
    until(20, async || {
        let stored: i64 = sqlx::query_scalar(
            "select count(*) from compute.attempt where submitted_at is not null and ended_at is null",
        )
        .fetch_one(&house.db)
        .await?;
        Ok((stored == 1).then_some(()))
    })
    .await?;
    house.kill("generation").await?;
    house.kill("provider-fal").await?;
    house.vendor.heal().await?;
    house.restart("provider-fal").await?;
    house.restart("generation").await?;
    let ended = ana.ended(&generation.id).await?;
    let state = ended.generation.as_ref().map(|it| it.state());
    assert_eq!(state, Some(generation::State::Completed));
    assert_eq!(house.vendor.count("submitted").await?, 2);
    assert_eq!(house.vendor.count("charged").await?, 2);
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn one_request_is_one_generation_and_a_cancelled_one_costs_nothing(db: PgPool) -> Result {
    let house = House::start(db).await?;
    let ana = house.owner("ana").await?;
    let product = ana.product(&photo("coffee.png")).await?;
    let (_, shots) = ana.shots(&product, 2).await?;
    house.vendor.plan("submit", json!({ "kind": "never_finishes" })).await?;

    let request = Actor::start_request(&shots[0], 1);
    let start = async |request: &StartGenerationRequest| {
        ana.generations().start_generation(request.clone()).await.map(|it| it.into_inner())
    };
    let (one, two) = tokio::join!(start(&request), start(&request));
    let (one, two) = (one?.generation.ok_or("none")?, two?.generation.ok_or("none")?);
    assert_eq!(one.id, two.id);
    let other = StartGenerationRequest {
        request_id: request.request_id.clone(),
        ..Actor::start_request(&shots[1], 1)
    };
    let refused = start(&other).await.err().ok_or("another payload was taken")?;
    assert_eq!((refused.code(), &*reason(&refused)), (Code::AlreadyExists, "REQUEST_ID_REUSED"));

    until(20, async || Ok((house.vendor.count("submitted").await? == 1).then_some(()))).await?;
    let cancel = CancelGenerationRequest { request_id: request_id(), id: one.id.clone() };
    let cancelled = ana.generations().cancel_generation(cancel).await?.into_inner();
    let state = cancelled.generation.map(|it| it.state());
    assert_eq!(state, Some(generation::State::Cancelled));
    until(20, async || Ok((house.vendor.count("cancelled").await? == 1).then_some(()))).await?;
    assert_eq!(house.vendor.count("charged").await?, 0);
    Ok(())
}
