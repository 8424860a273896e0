//! `shooting.generation`.

use std::collections::BTreeSet;

use pg::column;
use sqlx::PgExecutor;
use types::id::{GenerationId, OrganizationId, ShootingId, ShotId};

use crate::error::Result;
use crate::shot::Purpose;

/// Notes that a generation of a shot started, and tells whether that is news.
pub(crate) async fn start(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    shot: ShotId,
    id: GenerationId,
    purpose: Purpose,
) -> Result<bool> {
    let done = sqlx::query!(
        "insert into shooting.generation (generation_id, organization_id, shot_id, is_revision)
         values ($1, $2, $3, $4) on conflict (generation_id) do nothing",
        id.uuid(),
        organization.uuid(),
        shot.uuid(),
        purpose == Purpose::Revision,
    )
    .execute(db)
    .await?;
    Ok(0 < done.rows_affected())
}

/// Finds those of `ids` that are for revisions. One that is not known is for pictures.
pub(crate) async fn find_revisions(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    ids: &[GenerationId],
) -> Result<BTreeSet<GenerationId>> {
    let rows = sqlx::query!(
        "select generation_id from shooting.generation
         where organization_id = $1 and generation_id = any($2) and is_revision",
        organization.uuid(),
        &column(ids, |it| it.uuid()),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|it| it.generation_id.into()).collect())
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
             select from shooting.generation
             where shot_id = any(array(
                 select shot_id from shooting.shot where organization_id = $1 and shooting_id = $2
             )) and ended_at is null
         ) as "exists!""#,
        organization.uuid(),
        shooting.uuid(),
    )
    .fetch_one(db)
    .await?;
    Ok(row.exists)
}
