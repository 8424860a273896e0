//! `shooting.generation`.

use sqlx::PgExecutor;
use types::id::{GenerationId, OrganizationId, ShootingId, ShotId};

use crate::error::Result;

/// Notes that a generation of a shot started, and tells whether that is news.
pub(crate) async fn start(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    shot: ShotId,
    id: GenerationId,
) -> Result<bool> {
    let done = sqlx::query!(
        "insert into shooting.generation (generation_id, organization_id, shot_id)
         values ($1, $2, $3) on conflict (generation_id) do nothing",
        id.uuid(),
        organization.uuid(),
        shot.uuid(),
    )
    .execute(db)
    .await?;
    Ok(0 < done.rows_affected())
}

/// Notes that a generation of a shot ended, and tells whether that is news.
pub(crate) async fn end(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    shot: ShotId,
    id: GenerationId,
) -> Result<bool> {
    let done = sqlx::query!(
        "insert into shooting.generation (generation_id, organization_id, shot_id, ended_at)
         values ($1, $2, $3, now())
         on conflict (generation_id) do update set ended_at = now()
             where generation.ended_at is null",
        id.uuid(),
        organization.uuid(),
        shot.uuid(),
    )
    .execute(db)
    .await?;
    Ok(0 < done.rows_affected())
}

/// Tells whether a generation of a shooting runs.
pub(crate) async fn is_running(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    shooting: ShootingId,
) -> Result<bool> {
    let row = sqlx::query!(
        r#"select exists (
             select from shooting.generation join shooting.shot using (shot_id)
             where shot.organization_id = $1 and shooting_id = $2 and ended_at is null
         ) as "exists!""#,
        organization.uuid(),
        shooting.uuid(),
    )
    .fetch_one(db)
    .await?;
    Ok(row.exists)
}
