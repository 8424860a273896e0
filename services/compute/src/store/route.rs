//! `compute.route`: lanes that were chosen instead of what the providers recommend.

use sqlx::{PgConnection, PgExecutor};

use super::Result;
use crate::route::{Capability, LaneName, Leg};

/// Returns all chosen lanes, in order.
pub(crate) async fn list(db: impl PgExecutor<'_>) -> Result<Vec<(Capability, Leg)>> {
    let rows = sqlx::query!(
        "select capability, provider, model, max_concurrency from compute.route
         order by capability, position"
    )
    .fetch_all(db)
    .await?;
    let legs = rows.into_iter().map(|row| {
        let max_concurrency = usize::try_from(row.max_concurrency).unwrap_or_default();
        let name = LaneName::new(&row.provider, &row.model);
        (Capability(row.capability), Leg { name, max_concurrency })
    });
    Ok(legs.collect())
}

/// Replaces the chosen lanes of `capability`.
pub(crate) async fn replace(
    db: &mut PgConnection,
    capability: Capability,
    legs: &[Leg],
) -> Result<()> {
    sqlx::query!("delete from compute.route where capability = $1", capability.0)
        .execute(&mut *db)
        .await?;
    let providers: Vec<String> = legs.iter().map(|it| it.name.provider.to_string()).collect();
    let models: Vec<String> = legs.iter().map(|it| it.name.model.to_string()).collect();
    let limits: Vec<i32> =
        legs.iter().map(|it| i32::try_from(it.max_concurrency).unwrap_or(i32::MAX)).collect();
    sqlx::query!(
        "insert into compute.route (capability, position, provider, model, max_concurrency)
         select $1, nth, provider, model, max_concurrency
         from unnest($2::text[], $3::text[], $4::integer[])
             with ordinality as it (provider, model, max_concurrency, nth)",
        capability.0,
        &providers,
        &models,
        &limits,
    )
    .execute(db)
    .await?;
    Ok(())
}
