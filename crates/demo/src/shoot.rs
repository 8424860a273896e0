//! The shooting, and the generations of its shots.

use anyhow::{Context, Result};
use api::sartiq::catalog::v1::Product;
use api::sartiq::generation::v1::generation_service_client::GenerationServiceClient;
use api::sartiq::generation::v1::{
    BatchStartGenerationsRequest, Generation, GenerationInput, QuoteGenerationRequest,
};
use api::sartiq::shooting::v1::look_service_client::LookServiceClient;
use api::sartiq::shooting::v1::shooting_service_client::ShootingServiceClient;
use api::sartiq::shooting::v1::{
    BatchCreateLooksRequest, CreateShootingRequest, LookInput, ShootingInput, Shot,
};
use api::sartiq::r#type::v1::Money;

use crate::client::{Client, request_id};
use crate::library::Library;

/// Makes a shooting with one look for each product.
pub(crate) async fn compose(
    client: &Client,
    library: &Library,
    products: &[Product],
    shot_types: usize,
) -> Result<(String, Vec<Shot>)> {
    let shooting = ShootingInput { name: "Demo shooting".to_owned(), brief: String::new() };
    let request = CreateShootingRequest { request_id: request_id(), shooting: Some(shooting) };
    let mut shootings = ShootingServiceClient::new(client.signed.clone());
    let created = shootings.create_shooting(request).await?.into_inner().shooting;
    let shooting_id = created.context("the mesh made no shooting")?.id;
    let shot_type_ids: Vec<String> =
        library.shot_types.iter().take(shot_types.max(1)).map(|it| it.id.clone()).collect();
    let looks = products
        .iter()
        .map(|product| LookInput {
            name: String::new(),
            product_id: product.id.clone(),
            subject_id: library.subject_id.clone(),
            style_id: library.style_id.clone(),
            guideline_ids: vec![library.guideline_id.clone()],
            shot_type_ids: shot_type_ids.clone(),
        })
        .collect();
    let request = BatchCreateLooksRequest {
        request_id: request_id(),
        shooting_id: shooting_id.clone(),
        looks,
    };
    let mut looks = LookServiceClient::new(client.signed.clone());
    let created = looks.batch_create_looks(request).await?.into_inner();
    Ok((shooting_id, created.shots))
}

/// Asks what the generations would cost.
pub(crate) async fn quote(client: &Client, shots: &[Shot], variants: i32) -> Result<Money> {
    let shot_ids = shots.iter().map(|it| it.id.clone()).collect();
    let request = QuoteGenerationRequest { shot_ids, variant_count: variants };
    let mut generations = GenerationServiceClient::new(client.signed.clone());
    let quoted = generations.quote_generation(request).await?.into_inner();
    quoted.total.context("the mesh made no quote")
}

/// Starts a generation for each shot.
pub(crate) async fn start(
    client: &Client,
    shots: &[Shot],
    variants: i32,
    seed: Option<u32>,
) -> Result<Vec<Generation>> {
    let generations = shots
        .iter()
        .map(|shot| GenerationInput {
            shot_id: shot.id.clone(),
            variant_count: variants,
            seed,
            ..GenerationInput::default()
        })
        .collect();
    let request = BatchStartGenerationsRequest { request_id: request_id(), generations };
    let mut generations = GenerationServiceClient::new(client.signed.clone());
    Ok(generations.batch_start_generations(request).await?.into_inner().generations)
}

/// Writes an amount of money as people read it.
pub(crate) fn amount(money: &Money) -> String {
    format!(
        "{}.{:03} {}",
        money.micros / 1_000_000,
        money.micros % 1_000_000 / 1_000,
        money.currency
    )
}
