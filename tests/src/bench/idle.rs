//! What services cost that nobody uses.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::report::Row;
use super::stage::{Stage, role};
use super::usage;
use crate::Result;

const AREA: &str = "services that nobody uses";

/// How long the mesh is left alone before it is looked at, and how long it is looked at.
const CALM: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_secs(30);

pub(super) async fn rows(stage: &Stage) -> Result<Vec<Row>> {
    sleep(CALM).await;
    let (asked, used, start) = (statements(stage).await?, stage.usage()?, Instant::now());
    sleep(LOOK).await;
    let (asks, uses) = (statements(stage).await?, stage.usage()?);
    let span = start.elapsed().as_secs_f64();
    let mut rows = Vec::new();
    for service in stage.house.names() {
        let row = |name: &str, figure, unit| Row::new(AREA, service, name, figure, unit);
        let resident = usage::resident(stage.house.pid(service)?)?;
        rows.push(row("resident memory", resident, "MB").at_most(25.0));
        let user = role(service);
        if let Some(n_after) = asks.get(&user) {
            let n_before = asked.get(&user).copied().unwrap_or_default();
            let rate = (n_after - n_before) as f64 / span;
            rows.push(row("statements to PostgreSQL", rate, "1/s").at_most(2.0));
        }
        let percent = uses.since(&used, &[service], 1) / 1e4 / span;
        rows.push(row("processor", percent, "% of one"));
    }
    Ok(rows)
}

/// How many statements PostgreSQL has run for each user.
async fn statements(stage: &Stage) -> Result<BTreeMap<String, i64>> {
    let counted: Vec<(String, i64)> = sqlx::query_as(
        "select rolname::text, sum(calls)::bigint from pg_stat_statements
             join pg_roles on pg_roles.oid = userid
         group by 1",
    )
    .fetch_all(&stage.house.db)
    .await?;
    Ok(counted.into_iter().collect())
}
