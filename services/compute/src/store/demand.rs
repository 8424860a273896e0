//! `compute.demand`: how much each provider is wanted.

use sqlx::PgExecutor;

use super::Result;
use crate::demand::Demand;

/// Writes what the owner of `epoch` counted, unless a later one did.
pub(crate) async fn write(
    db: impl PgExecutor<'_>,
    epoch: i64,
    rows: &[(String, Demand)],
) -> Result<()> {
    let providers: Vec<String> = rows.iter().map(|it| it.0.clone()).collect();
    let waiting: Vec<i64> = rows.iter().map(|it| it.1.waiting).collect();
    let running: Vec<i64> = rows.iter().map(|it| it.1.running).collect();
    let room: Vec<i64> = rows.iter().map(|it| it.1.room).collect();
    sqlx::query!(
        "insert into compute.demand (provider, waiting, running, room, epoch)
         select provider, waiting, running, room, $1
         from unnest($2::text[], $3::bigint[], $4::bigint[], $5::bigint[])
             as it (provider, waiting, running, room)
         on conflict (provider) do update
         set waiting = excluded.waiting, running = excluded.running, room = excluded.room,
             epoch = excluded.epoch
         where demand.epoch <= excluded.epoch",
        epoch,
        &providers,
        &waiting,
        &running,
        &room,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Why adapters of a provider should run.
#[derive(Debug)]
pub(crate) struct Reasons {
    pub(crate) demand: Demand,
    /// Whether it has ever said what it can do.
    pub(crate) is_known: bool,
    /// Whether it has runs to cancel.
    pub(crate) has_cancellations: bool,
}

/// Returns why adapters of `provider` should run.
pub(crate) async fn reasons(db: impl PgExecutor<'_>, provider: &str) -> Result<Reasons> {
    let row = sqlx::query!(
        r#"select coalesce(waiting, 0) as "waiting!", coalesce(running, 0) as "running!",
               coalesce(room, 0) as "room!", provider.name is not null as "is_known!",
               exists (select 1 from compute.cancellation where cancellation.provider = $1)
                   as "has_cancellations!"
         from (values (1)) as one
             left join compute.demand on demand.provider = $1
             left join compute.provider on provider.name = $1"#,
        provider,
    )
    .fetch_one(db)
    .await?;
    Ok(Reasons {
        demand: Demand { waiting: row.waiting, running: row.running, room: row.room },
        is_known: row.is_known,
        has_cancellations: row.has_cancellations,
    })
}
