//! What generation does beside the calls.

use sqlx::PgPool;

use crate::stage::{Result, Stage};

#[sqlx::test(migrator = "::generation::MIGRATIONS")]
async fn old_answers_are_forgotten(db: PgPool) -> Result {
    testkit::keep_old_answers(&db, "generation").await?;
    let _stage = Stage::open(db.clone()).await?;
    Ok(testkit::old_answers_are_gone(&db, "generation").await?)
}
