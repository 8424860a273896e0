//! What generation does beside the calls.

use sqlx::PgPool;

use crate::stage::{Result, Stage};

#[sqlx::test(migrator = "::generation::MIGRATIONS")]
async fn old_answers_are_forgotten(db: PgPool) -> Result {
    sqlx::raw_sql(
        "insert into generation.replay
             (organization_id, method, request_id, fingerprint, reply, created_at)
         select gen_random_uuid(), method, gen_random_uuid(), '', '', now() - age
         from (values ('Old', interval '25 h'), ('Fresh', interval '23 h')) as call (method, age)",
    )
    .execute(&db)
    .await?;
    let _stage = Stage::open(db.clone()).await?;
    let left = async || {
        let methods: Vec<String> =
            sqlx::query_scalar("select method from generation.replay").fetch_all(&db).await?;
        Ok::<_, sqlx::Error>(methods == ["Fresh"])
    };
    Ok(testkit::eventually(left).await?)
}
