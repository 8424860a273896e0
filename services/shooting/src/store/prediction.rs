//! `shooting.prediction`.

use sqlx::PgExecutor;
use types::id::{OrganizationId, PredictionId, ShotId};

use crate::error::Result;
use crate::shot::Facts;

/// Notes that a picture of a shot is ready, and tells whether that is news.
pub(crate) async fn insert(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    shot: ShotId,
    id: PredictionId,
) -> Result<bool> {
    let done = sqlx::query!(
        "insert into shooting.prediction (prediction_id, organization_id, shot_id)
         values ($1, $2, $3) on conflict (prediction_id) do nothing",
        id.uuid(),
        organization.uuid(),
        shot.uuid(),
    )
    .execute(db)
    .await?;
    Ok(0 < done.rows_affected())
}

/// Finds which shot a picture that is ready is of.
pub(crate) async fn find_shot(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    id: PredictionId,
) -> Result<Option<ShotId>> {
    let row = sqlx::query!(
        "select shot_id from shooting.prediction where organization_id = $1 and prediction_id = $2",
        organization.uuid(),
        id.uuid(),
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| row.shot_id))
}

/// Counts what there is to know about a shot.
pub(crate) async fn facts(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    shot: ShotId,
) -> Result<Facts> {
    // A picture is rejected if that is the latest decision about it that stands.
    let facts = sqlx::query_as!(
        Facts,
        r#"select
             (select count(*) from shooting.generation
              where organization_id = $1 and shot_id = $2 and ended_at is null) as "n_running!",
             (select count(*) from shooting.prediction
              where organization_id = $1 and shot_id = $2) as "n_ready!",
             (select count(*) from shooting.prediction
              where organization_id = $1 and shot_id = $2 and 'reject' = (
                  select kind from shooting.decision
                  where decision.prediction_id = prediction.prediction_id
                      and kind <> 'revise' and undone_at is null
                  order by number desc limit 1
              )) as "n_rejected!""#,
        organization.uuid(),
        shot.uuid(),
    )
    .fetch_one(db)
    .await?;
    Ok(facts)
}
