//! What the leading process clears away.

use sqlx::PgPool;

use crate::Result;
use crate::stage::Stage;

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn old_answers_are_forgotten(db: PgPool) -> Result {
    sqlx::raw_sql(
        "insert into compute.replay
             (organization_id, method, request_id, fingerprint, reply, created_at)
         select gen_random_uuid(), method, gen_random_uuid(), '', '', now() - age
         from (values ('Old', interval '25 h'), ('Fresh', interval '23 h')) as call (method, age)",
    )
    .execute(&db)
    .await?;
    let stage = Stage::new(db.clone()).await;
    let _process = stage.process().await?;
    let left = async || {
        let methods: Vec<String> =
            sqlx::query_scalar("select method from compute.replay").fetch_all(&db).await?;
        Ok::<_, sqlx::Error>(methods == ["Fresh"])
    };
    Ok(testkit::eventually(left).await?)
}
