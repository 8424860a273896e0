//! `shooting.prediction`.

use std::collections::{BTreeMap, BTreeSet};

use pg::column;
use sqlx::PgExecutor;
use types::id::{OrganizationId, PredictionId, ShotId};

use crate::error::Result;
use crate::shot::Facts;

/// Notes that pictures of shots are ready, and returns those of which that is news.
pub(crate) async fn insert(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    ready: &[(PredictionId, ShotId)],
) -> Result<BTreeSet<PredictionId>> {
    let rows = sqlx::query!(
        "insert into shooting.prediction (prediction_id, organization_id, shot_id)
         select prediction_id, $1, shot_id
         from unnest($2::uuid[], $3::uuid[]) as ready (prediction_id, shot_id)
         on conflict (prediction_id) do nothing
         returning prediction_id",
        organization.uuid(),
        &column(ready, |it| it.0.uuid()),
        &column(ready, |it| it.1.uuid()),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|it| it.prediction_id).collect())
}

/// Finds which shots those of `ids` are of that are ready.
pub(crate) async fn find_shots(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    ids: &[PredictionId],
) -> Result<BTreeMap<PredictionId, ShotId>> {
    let rows = sqlx::query!(
        "select prediction_id, shot_id from shooting.prediction
         where organization_id = $1 and prediction_id = any($2)",
        organization.uuid(),
        &column(ids, |it| it.uuid()),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|it| (it.prediction_id, it.shot_id)).collect())
}

/// Counts what there is to know about each of `shots`.
pub(crate) async fn facts(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    shots: &[ShotId],
) -> Result<BTreeMap<ShotId, Facts>> {
    // A picture is rejected if that is the latest decision about it that stands.
    let rows = sqlx::query!(
        r#"select it.shot_id as "shot_id!",
             (select count(*) from shooting.generation
              where organization_id = $1 and generation.shot_id = it.shot_id
                  and ended_at is null) as "n_running!",
             (select count(*) from shooting.prediction
              where organization_id = $1 and prediction.shot_id = it.shot_id) as "n_ready!",
             (select count(*) from shooting.prediction
              where organization_id = $1 and prediction.shot_id = it.shot_id and 'reject' = (
                  select kind from shooting.decision
                  where decision.prediction_id = prediction.prediction_id
                      and kind <> 'revise' and undone_at is null
                  order by number desc limit 1
              )) as "n_rejected!"
         from unnest($2::uuid[]) as it (shot_id)"#,
        organization.uuid(),
        &column(shots, |it| it.uuid()),
    )
    .fetch_all(db)
    .await?;
    let facts = rows.into_iter().map(|it| {
        let (n_running, n_ready, n_rejected) = (it.n_running, it.n_ready, it.n_rejected);
        (it.shot_id.into(), Facts { n_running, n_ready, n_rejected })
    });
    Ok(facts.collect())
}
