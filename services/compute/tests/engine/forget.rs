//! What the leading process clears away.

use sqlx::PgPool;

use crate::Result;
use crate::stage::Stage;

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn old_answers_are_forgotten(db: PgPool) -> Result {
    testkit::keep_old_answers(&db, "compute").await?;
    let stage = Stage::new(db.clone()).await;
    let _process = stage.process().await?;
    Ok(testkit::old_answers_are_gone(&db, "compute").await?)
}
