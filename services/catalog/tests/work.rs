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
    sqlx::raw_sql(
        "insert into catalog.replay
             (organization_id, method, request_id, fingerprint, reply, created_at)
         select gen_random_uuid(), method, gen_random_uuid(), '', '', now() - age
         from (values ('Old', interval '25 h'), ('Fresh', interval '23 h')) as call (method, age)",
    )
    .execute(&db)
    .await?;
    let _stage = Stage::open(db.clone()).await?;
    let left = async || {
        let methods: Vec<String> =
            sqlx::query_scalar("select method from catalog.replay").fetch_all(&db).await?;
        Ok::<_, sqlx::Error>(methods == ["Fresh"])
    };
    Ok(testkit::eventually(left).await?)
}
