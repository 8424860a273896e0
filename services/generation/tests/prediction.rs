//! Reading predictions.

use api::sartiq::generation::v1::prediction_service_client::PredictionServiceClient;
use api::sartiq::generation::v1::*;
use sqlx::PgPool;
use testkit::{fields, reason, request_id};
use tonic::Code;

use crate::stage::{Result, Stage, refusal};

#[sqlx::test(migrator = "::generation::MIGRATIONS")]
async fn predictions_are_got_one_by_one_and_many_at_once(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let (_, made) = stage.made(&stage.set()).await?;
    let other = stage.start(&stage.set(), 2).await?;
    let expected = stage.read(&other).await?.1;
    let request = GetPredictionRequest { id: made.id.clone() };
    let got = stage.predictions().get_prediction(request).await?.into_inner();
    assert_eq!(got.prediction, Some(made.clone()));
    // In the order of the request, repeated as it repeats.
    let ids = [&expected[1], &made, &expected[0], &made].map(|it| it.id.clone());
    let request = BatchGetPredictionsRequest { ids: ids.to_vec() };
    let got = stage.predictions().batch_get_predictions(request).await?.into_inner().predictions;
    assert_eq!(got.iter().map(|it| &*it.id).collect::<Vec<_>>(), ids);
    Ok(())
}

#[sqlx::test(migrator = "::generation::MIGRATIONS")]
async fn one_that_is_missing_or_a_strangers_is_not_found(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let set = stage.set();
    let (_, made) = stage.made(&set).await?;
    // All that are missing are named, so that who needs the others asks again once.
    for n_missing in [1, 99] {
        let missing: Vec<_> = (0..n_missing).map(|_| request_id()).collect();
        let ids = missing.iter().chain([&made.id]).cloned().collect();
        let request = BatchGetPredictionsRequest { ids };
        let status = refusal(stage.predictions().batch_get_predictions(request).await)?;
        assert_eq!((status.code(), &*reason(&status)), (Code::NotFound, "PREDICTION_NOT_FOUND"));
        assert_eq!(testkit::metadata(&status)["ids"], missing.join(","));
    }

    let mut stranger = PredictionServiceClient::new(stage.stranger());
    let request = GetPredictionRequest { id: made.id.clone() };
    let status = refusal(stranger.get_prediction(request).await)?;
    assert_eq!((status.code(), &*reason(&status)), (Code::NotFound, "PREDICTION_NOT_FOUND"));
    let request = BatchGetPredictionsRequest { ids: vec![made.id] };
    let status = refusal(stranger.batch_get_predictions(request).await)?;
    assert_eq!(status.code(), Code::NotFound);
    let request = ListPredictionsRequest { shot_id: set.shot.id, ..Default::default() };
    assert!(stranger.list_predictions(request).await?.into_inner().predictions.is_empty());

    let request = BatchGetPredictionsRequest { ids: vec![request_id(), "x".into()] };
    let status = refusal(stage.predictions().batch_get_predictions(request).await)?;
    assert_eq!(fields(&status), ["ids[1]"]);
    Ok(())
}

#[sqlx::test(migrator = "::generation::MIGRATIONS")]
async fn the_predictions_of_a_shot_come_in_pages_newest_generation_first(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let set = stage.set();
    let older = stage.start(&set, 2).await?;
    let newer = stage.start(&set, 3).await?;
    stage.start(&stage.set(), 1).await?;
    let request =
        ListPredictionsRequest { shot_id: set.shot.id, page_size: 2, ..Default::default() };
    let seen = pages(&stage, request).await?;
    let seen: Vec<_> = seen.iter().map(|it| &*it.generation_id).collect();
    let (older, newer) = (&*older.id, &*newer.id);
    assert_eq!(seen, [newer, newer, newer, older, older]);
    Ok(())
}

/// Reads a list page by page.
async fn pages(stage: &Stage, mut request: ListPredictionsRequest) -> Result<Vec<Prediction>> {
    let mut seen = Vec::new();
    loop {
        let page = stage.predictions().list_predictions(request.clone()).await?.into_inner();
        assert!(page.predictions.len() <= 2);
        seen.extend(page.predictions);
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return Ok(seen);
        }
    }
}

#[sqlx::test(migrator = "::generation::MIGRATIONS")]
async fn the_predictions_of_a_shooting_are_those_of_all_its_shots(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let (a, other) = (stage.set(), stage.set());
    let mut b = stage.set();
    b.shot.shooting_id = a.shot.shooting_id.clone();
    stage.library.put(stage.organization, &b);
    let first = stage.start(&a, 2).await?;
    let second = stage.start(&b, 2).await?;
    stage.start(&other, 1).await?;
    let third = stage.start(&a, 1).await?;
    let shooting_id = a.shot.shooting_id.clone();
    let request = ListPredictionsRequest { shooting_id, page_size: 2, ..Default::default() };
    let seen = pages(&stage, request.clone()).await?;
    let seen: Vec<_> = seen.iter().map(|it| &*it.generation_id).collect();
    let (first, second, third) = (&*first.id, &*second.id, &*third.id);
    assert_eq!(seen, [third, second, second, first, first]);

    // Both narrow, whether they fit each other or not.
    let of_shot = ListPredictionsRequest { shot_id: b.shot.id.clone(), ..request.clone() };
    assert_eq!(pages(&stage, of_shot).await?.len(), 2);
    let neither = ListPredictionsRequest { shot_id: other.shot.id.clone(), ..request.clone() };
    assert!(pages(&stage, neither).await?.is_empty());
    let mut stranger = PredictionServiceClient::new(stage.stranger());
    let page = stranger.list_predictions(request.clone()).await?.into_inner();
    assert!(page.predictions.is_empty());

    let page = stage.predictions().list_predictions(request.clone()).await?.into_inner();
    let page_token = page.next_page_token;
    let elsewhere = ListPredictionsRequest {
        shot_id: a.shot.id,
        page_token,
        ..ListPredictionsRequest::default()
    };
    let status = refusal(stage.predictions().list_predictions(elsewhere).await)?;
    assert_eq!(reason(&status), "PAGE_TOKEN_INVALID");
    let nothing = ListPredictionsRequest::default();
    let status = refusal(stage.predictions().list_predictions(nothing).await)?;
    assert_eq!((status.code(), fields(&status)), (Code::InvalidArgument, vec!["shot_id".into()]));
    let odd = ListPredictionsRequest { shot_id: "a".into(), shooting_id: "b".into(), ..request };
    let status = refusal(stage.predictions().list_predictions(odd).await)?;
    assert_eq!(fields(&status), ["shot_id", "shooting_id"]);
    Ok(())
}
