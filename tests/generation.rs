//! Generations that begin badly, or meet a vendor that says no.

use api::sartiq::catalog::v1 as catalog;
use api::sartiq::catalog::v1::product_service_client::ProductServiceClient;
use api::sartiq::generation::v1::{
    BatchStartGenerationsRequest, GenerationInput, ListGenerationsRequest, StartGenerationRequest,
    generation, prediction,
};
use serde_json::json;
use sqlx::PgPool;
use tests::{Actor, House, Result, fields, photo, reason, request_id};
use tonic::{Code, Status};

async fn refusal(ana: &Actor, request: StartGenerationRequest) -> Result<Status> {
    let answer = ana.generations().start_generation(request).await;
    Ok(answer.err().ok_or("it was accepted")?)
}

#[sqlx::test(migrations = false)]
async fn bad_input_is_refused_before_anything_is_written(db: PgPool) -> Result {
    let house = House::start(db).await?;
    let ana = house.owner("ana").await?;
    let product = ana.product(&photo("coffee.png")).await?;
    let (_, shots) = ana.shots(&product, 1).await?;

    let mut unknown = Actor::start_request(&shots[0], 1);
    unknown.generation.get_or_insert_default().shot_id = request_id();
    let status = refusal(&ana, unknown).await?;
    assert_eq!((status.code(), &*reason(&status)), (Code::NotFound, "SHOT_NOT_FOUND"));

    let mut noted = Actor::start_request(&shots[0], 1);
    noted.generation.get_or_insert_default().note = "warmer".to_owned();
    let status = refusal(&ana, noted).await?;
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(fields(&status), ["generation.note"]);

    let many = Actor::start_request(&shots[0], 9);
    let status = refusal(&ana, many).await?;
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(fields(&status), ["generation.variant_count"]);

    // A product that nobody has photographed cannot be shot, and takes the whole batch with it.
    let bare = catalog::ProductInput { name: "bare".to_owned(), ..Default::default() };
    let request = catalog::CreateProductRequest { request_id: request_id(), product: Some(bare) };
    let mut products = ProductServiceClient::new(ana.signed.clone());
    let bare = products.create_product(request).await?.into_inner().product.ok_or("no product")?;
    let (_, bare_shots) = ana.shots(&bare, 1).await?;
    let input = |id: &str| GenerationInput { shot_id: id.to_owned(), ..Default::default() };
    let request = BatchStartGenerationsRequest {
        request_id: request_id(),
        generations: vec![input(&shots[0].id), input(&bare_shots[0].id)],
    };
    let status =
        ana.generations().batch_start_generations(request).await.err().ok_or("accepted")?;
    assert_eq!(
        (status.code(), &*reason(&status)),
        (Code::FailedPrecondition, "PRODUCT_WITHOUT_PHOTO")
    );

    let request = ListGenerationsRequest::default();
    let listed = ana.generations().list_generations(request).await?.into_inner().generations;
    assert!(listed.is_empty(), "{listed:?}");
    assert_eq!(house.vendor.count("submitted").await?, 0);
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn a_vendors_no_to_one_picture_costs_that_one_only(db: PgPool) -> Result {
    let house = House::start(db).await?;
    let ana = house.owner("ana").await?;
    let product = ana.product(&photo("coffee.png")).await?;
    let (_, shots) = ana.shots(&product, 2).await?;
    let no = json!({ "kind": "error", "name": "content_policy_violation" });
    house.vendor.plan_where(json!({ "operation": "submit", "times": 1 }), no.clone()).await?;
    let started = ana.generations().start_generation(Actor::start_request(&shots[0], 2)).await?;
    let id = started.into_inner().generation.ok_or("no generation")?.id;
    let ended = ana.ended(&id).await?;
    let now = ended.generation.ok_or("no generation")?;
    assert_eq!(now.state(), generation::State::Completed);
    assert_eq!((now.ready_count, now.failed_count), (1, 1));
    let failed = ended.predictions.iter().find(|it| it.state() == prediction::State::Failed);
    let error = failed.and_then(|it| it.error.clone()).ok_or("no error")?;
    assert_eq!((&*error.reason, error.retryable), ("CONTENT_POLICY_INPUT", false));

    // And a no to all of them is a failed generation, which says why.
    house.vendor.heal().await?;
    house.vendor.plan("submit", no).await?;
    let started = ana.generations().start_generation(Actor::start_request(&shots[1], 2)).await?;
    let id = started.into_inner().generation.ok_or("no generation")?.id;
    let now = ana.ended(&id).await?.generation.ok_or("no generation")?;
    assert_eq!(now.state(), generation::State::Failed);
    assert_eq!(now.error.map(|it| it.reason).as_deref(), Some("CONTENT_POLICY_INPUT"));
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn a_vendor_that_is_busy_or_broken_for_a_while_delays_and_costs_nothing(
    db: PgPool,
) -> Result {
    let house = House::start(db).await?;
    let ana = house.owner("ana").await?;
    let product = ana.product(&photo("coffee.png")).await?;
    let (_, shots) = ana.shots(&product, 1).await?;
    let busy = json!({ "kind": "error", "status": 429 });
    house.vendor.plan_where(json!({ "operation": "submit", "times": 2 }), busy).await?;
    let broken = json!({ "kind": "error", "status": 500 });
    house.vendor.plan_where(json!({ "operation": "status", "times": 3 }), broken).await?;
    let started = ana.generations().start_generation(Actor::start_request(&shots[0], 1)).await?;
    let id = started.into_inner().generation.ok_or("no generation")?.id;
    let now = ana.ended(&id).await?.generation.ok_or("no generation")?;
    assert_eq!(now.state(), generation::State::Completed, "{:?}", now.error);
    assert_eq!(house.vendor.count("charged").await?, 2);
    assert_eq!(now.cost, now.quoted_cost);
    Ok(())
}
