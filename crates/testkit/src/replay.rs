//! Answers that services keep, so that asking again is safe.

use sqlx::{AssertSqlSafe, PgPool};

/// Keeps two answers in `schema`, one of which is old enough to be forgotten.
pub async fn keep_old_answers(db: &PgPool, schema: &str) -> Result<(), sqlx::Error> {
    let insert = format!(
        "insert into {schema}.replay
             (organization_id, method, request_id, fingerprint, reply, created_at)
         select gen_random_uuid(), method, gen_random_uuid(), '', '', now() - age
         from (values ('Old', interval '25 h'), ('Fresh', interval '23 h')) as call (method, age)"
    );
    sqlx::raw_sql(AssertSqlSafe(insert)).execute(db).await?;
    Ok(())
}

/// Waits until the old answer is forgotten, and the other is not.
pub async fn old_answers_are_gone(db: &PgPool, schema: &str) -> Result<(), String> {
    let select = format!("select method from {schema}.replay");
    crate::eventually(async || {
        let methods = sqlx::query_scalar::<_, String>(AssertSqlSafe(select.clone()));
        Ok::<_, sqlx::Error>(methods.fetch_all(db).await? == ["Fresh"])
    })
    .await
}
