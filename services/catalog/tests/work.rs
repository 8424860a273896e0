//! What the catalog does beside the calls.

use std::collections::BTreeMap;
use std::time::Duration;

use api::sartiq::catalog::v1::{CreateProductRequest, ProductInput};
use api::sartiq::event::v1::event::Payload;
use sqlx::PgPool;
use testkit::request_id;

use crate::stage::{Result, Stage};

#[sqlx::test(migrator = "catalog::MIGRATIONS")]
async fn what_happened_is_told_to_the_mesh(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let product = ProductInput { name: "Tote".into(), ..Default::default() };
    let request = CreateProductRequest { request_id: request_id(), product: Some(product) };
    stage.products().create_product(request).await?;
    let told = stage.told().await?;
    assert!(matches!(&told[..], [Payload::ProductCreated(_)]), "{told:?}");

    let mut tail = stage.stream.tail(BTreeMap::from([("catalog".to_owned(), 0)])).await?;
    let mut heard = Vec::new();
    while heard.is_empty() {
        heard = tokio::time::timeout(Duration::from_secs(10), tail.next()).await??;
    }
    let heard: Vec<_> = heard.into_iter().filter_map(|it| it.payload).collect();
    assert_eq!(heard, told);
    Ok(())
}

#[sqlx::test(migrator = "catalog::MIGRATIONS")]
async fn old_answers_are_forgotten(db: PgPool) -> Result {
    testkit::keep_old_answers(&db, "catalog").await?;
    let _stage = Stage::open(db.clone()).await?;
    Ok(testkit::old_answers_are_gone(&db, "catalog").await?)
}
