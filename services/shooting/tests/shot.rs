//! Shots, and how they follow generation.

use api::sartiq::event::v1::GenerationChanged;
use api::sartiq::event::v1::event::Payload;
use api::sartiq::shooting::v1::shot::State;
use api::sartiq::shooting::v1::shot_service_client::ShotServiceClient;
use api::sartiq::shooting::v1::*;
use sqlx::PgPool;
use testkit::request_id;
use tonic::Code;
use types::id::{GenerationId, PredictionId, ShotId};

use crate::stage::{Result, Stage, changed, ready, refusal};

#[sqlx::test(migrator = "::shooting::MIGRATIONS")]
async fn a_shot_follows_its_generation(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let shot = stage.shots_of_a_look(1).await?.remove(0);
    let generation = GenerationId::generate().to_string();
    stage.tell(Payload::GenerationStarted(changed(&shot, &generation))).await?;
    stage.await_state(&shot, State::Generating).await?;
    assert_eq!(stage.read(&shot).await?.generation_id, generation);
    let prediction = PredictionId::generate().to_string();
    stage.tell(Payload::PredictionReady(ready(&shot, &generation, &prediction))).await?;
    stage.await_state(&shot, State::ToReview).await?;
    stage.tell(Payload::GenerationCompleted(changed(&shot, &generation))).await?;
    stage.await_quiet().await?;
    assert_eq!(stage.read(&shot).await?.state(), State::ToReview);
    let changes = stage.told().await?.into_iter().filter_map(|it| match it {
        Payload::ShotStateChanged(it) => Some((it.from_state, it.to_state)),
        _ => None,
    });
    let words = ["STATE_PLANNED", "STATE_GENERATING", "STATE_TO_REVIEW"];
    let path: Vec<_> = words.windows(2).map(|it| (it[0].to_owned(), it[1].to_owned())).collect();
    assert_eq!(changes.collect::<Vec<_>>(), path);
    Ok(())
}

#[sqlx::test(migrator = "::shooting::MIGRATIONS")]
async fn a_generation_that_makes_nothing_leaves_what_was_there(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let shot = stage.shots_of_a_look(1).await?.remove(0);
    let endings: [fn(GenerationChanged) -> Payload; 2] =
        [Payload::GenerationFailed, Payload::GenerationCancelled];
    for ending in endings {
        let (generation, _) = stage.generate(&shot, 0).await?;
        stage.await_state(&shot, State::Generating).await?;
        stage.tell(ending(changed(&shot, &generation))).await?;
        stage.await_state(&shot, State::Planned).await?;
    }
    let (generation, _) = stage.generate(&shot, 1).await?;
    stage.tell(Payload::GenerationCompleted(changed(&shot, &generation))).await?;
    let (generation, _) = stage.generate(&shot, 0).await?;
    stage.await_state(&shot, State::Generating).await?;
    stage.tell(Payload::GenerationFailed(changed(&shot, &generation))).await?;
    stage.await_state(&shot, State::ToReview).await?;
    Ok(())
}

#[sqlx::test(migrator = "::shooting::MIGRATIONS")]
async fn late_and_repeated_events_change_nothing(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let (shot, pictures) = stage.shot_to_review(1).await?;
    let generation = shot.generation_id.clone();
    // Its start again, after its end; its picture and its end again; one of a shot that is gone.
    stage.tell(Payload::GenerationStarted(changed(&shot, &generation))).await?;
    stage.tell(Payload::PredictionReady(ready(&shot, &generation, &pictures[0]))).await?;
    stage.tell(Payload::GenerationFailed(changed(&shot, &generation))).await?;
    let gone = Shot { id: ShotId::generate().to_string(), ..shot.clone() };
    stage.tell(Payload::GenerationStarted(changed(&gone, &generation))).await?;
    let malformed = GenerationChanged { generation_id: "tote".into(), ..changed(&shot, "") };
    stage.tell(Payload::GenerationStarted(malformed)).await?;
    stage.await_quiet().await?;
    assert_eq!(stage.read(&shot).await?, shot);

    // The end of a generation whose start was never heard of, and then its start.
    let other = GenerationId::generate().to_string();
    stage.tell(Payload::GenerationFailed(changed(&shot, &other))).await?;
    stage.tell(Payload::GenerationStarted(changed(&shot, &other))).await?;
    stage.await_quiet().await?;
    assert_eq!(stage.read(&shot).await?.state(), State::ToReview);
    Ok(())
}

#[sqlx::test(migrator = "::shooting::MIGRATIONS")]
async fn an_approved_shot_stays_approved_unless_it_is_revised(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let (shot, pictures) = stage.shot_to_review(1).await?;
    let prediction_id = pictures[0].clone();
    let request =
        ApprovePredictionRequest { request_id: request_id(), prediction_id: prediction_id.clone() };
    stage.reviews().approve_prediction(request).await?;
    let (generation, _) = stage.generate(&shot, 1).await?;
    stage.tell(Payload::GenerationCompleted(changed(&shot, &generation))).await?;
    stage.await_quiet().await?;
    let now = stage.read(&shot).await?;
    assert_eq!((now.state(), now.selected_prediction_id), (State::Approved, prediction_id));
    assert_eq!(now.generation_id, generation);

    let revision = GenerationId::generate().to_string();
    let started = GenerationChanged { revision: true, ..changed(&shot, &revision) };
    stage.tell(Payload::GenerationStarted(started)).await?;
    stage.await_state(&shot, State::Generating).await?;
    assert_eq!(stage.read(&shot).await?.selected_prediction_id, "");
    Ok(())
}

#[sqlx::test(migrator = "::shooting::MIGRATIONS")]
async fn shots_are_listed_look_by_look(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let shooting = stage.shooting().await?;
    let request = BatchCreateLooksRequest {
        request_id: request_id(),
        shooting_id: shooting.id.clone(),
        looks: vec![stage.look(2), stage.look(3)],
    };
    let created = stage.looks().batch_create_looks(request).await?.into_inner().shots;
    let mut shots = stage.shots();
    let mut listed = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListShotsRequest {
            shooting_id: shooting.id.clone(),
            page_size: 2,
            page_token,
            ..Default::default()
        };
        let page = shots.list_shots(request).await?.into_inner();
        listed.extend(page.shots);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(listed, created);

    stage.generate(&created[3], 1).await?;
    stage.await_quiet().await?;
    let request = ListShotsRequest {
        shooting_id: shooting.id.clone(),
        state: State::ToReview.into(),
        ..Default::default()
    };
    let found = shots.list_shots(request).await?.into_inner().shots;
    assert_eq!(found.iter().map(|it| &it.id).collect::<Vec<_>>(), [&created[3].id]);
    Ok(())
}

#[sqlx::test(migrator = "::shooting::MIGRATIONS")]
async fn batches_come_with_their_looks_or_name_what_is_missing(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let shots = stage.shots_of_a_look(3).await?;
    let ids = vec![shots[2].id.clone(), shots[0].id.clone()];
    let batch = BatchGetShotsRequest { ids: ids.clone() };
    let reply = stage.shots().batch_get_shots(batch.clone()).await?.into_inner();
    assert_eq!(reply.shots.iter().map(|it| it.id.clone()).collect::<Vec<_>>(), ids);
    assert_eq!(reply.looks.iter().map(|it| &it.id).collect::<Vec<_>>(), [&shots[0].look_id]);

    let mut stranger = ShotServiceClient::new(stage.stranger());
    let status = refusal(stranger.batch_get_shots(batch).await)?;
    assert_eq!(
        (status.code(), testkit::reason(&status).as_str()),
        (Code::NotFound, "SHOT_NOT_FOUND")
    );
    assert!(status.message().contains(&ids[0]));
    let get = GetShotRequest { id: ids[0].clone() };
    assert_eq!(refusal(stranger.get_shot(get).await)?.code(), Code::NotFound);
    let list = ListShotsRequest { shooting_id: shots[0].shooting_id.clone(), ..Default::default() };
    assert_eq!(refusal(stranger.list_shots(list).await)?.code(), Code::NotFound);
    Ok(())
}
