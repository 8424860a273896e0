//! `compute.provider`: what providers said last of themselves.

use sqlx::PgExecutor;

use super::Result;

/// Returns what each provider said last, as encoded statuses.
pub(crate) async fn list(db: impl PgExecutor<'_>) -> Result<Vec<(String, Vec<u8>)>> {
    let rows = sqlx::query!("select name, status from compute.provider").fetch_all(db).await?;
    Ok(rows.into_iter().map(|it| (it.name, it.status)).collect())
}

/// Keeps what a provider said.
pub(crate) async fn keep(db: impl PgExecutor<'_>, name: &str, status: &[u8]) -> Result<()> {
    sqlx::query!(
        "insert into compute.provider (name, status) values ($1, $2)
         on conflict (name) do update set status = excluded.status, told_at = now()
         where provider.status <> excluded.status",
        name,
        status,
    )
    .execute(db)
    .await?;
    Ok(())
}
