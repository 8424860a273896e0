//! The statements that take a job, hold it and let it go.

use std::time::Duration;

use serde_json::Value;
use sqlx::postgres::types::PgInterval;
use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

use crate::backoff;

/// The state of a job that somebody works at.
///
/// Where a plan knew the state it could as well go through all that is due, which costs nothing while the
/// queue is empty: it is a value, so that the keys are all that it can go by.
const RUNNING: &str = "running";

/// A job that is ours until the lease ends.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Lease {
    pub(crate) job_id: Uuid,
    pub(crate) name: String,
    pub(crate) payload: Value,
    /// How often it failed before.
    pub(crate) attempts: i32,
    /// How many leases of it in a row were lost, the last one before this included.
    pub(crate) losses: i32,
    /// Grows with every lease; a write with an old one changes nothing.
    pub(crate) fence: i64,
}

/// How often a job was tried in vain.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Tries {
    /// Tries that failed.
    pub(crate) attempts: i32,
    /// Leases that were lost since a try last ended by itself.
    pub(crate) losses: i32,
}

impl Lease {
    /// How often the job was tried in vain before this lease.
    pub(crate) fn tries(&self) -> Tries {
        Tries { attempts: self.attempts, losses: self.losses }
    }
}

/// The table, and how long a lease is.
#[derive(Clone, Debug)]
pub(crate) struct Leases {
    pub(crate) db: PgPool,
    pub(crate) schema: &'static str,
    pub(crate) length: Duration,
}

impl Leases {
    /// Takes up to `most` jobs that are due, oldest first, among those of these names.
    ///
    /// One whose lease has ended is due: at once after the first loss, as processes end for many
    /// reasons, and after a pause that doubles with each further one, as it may be the reason.
    ///
    /// A job with a key waits for the running one of that key, even for one whose lease has ended,
    /// which is itself due and taken first.
    pub(crate) async fn take(&self, names: &[&str], most: i64) -> Result<Vec<Lease>, sqlx::Error> {
        sqlx::query_as(AssertSqlSafe(format!(
            // Materialized: a plan may run a plain subquery more than once, and so take too many.
            "with taken as materialized (
                 select job_id from {0}.job as due
                 where run_at <= now() and state <> 'dead' and name = any($1)
                     and (state <> 'running' or losses = 0
                         or run_at + least($4::interval * power(2, least(losses - 1, 20)), $5::interval) <= now())
                     and (state = 'running' or unique_key is null or not exists (
                         select from {0}.job as other
                         where other.name = due.name and other.unique_key = due.unique_key
                             and other.state = $6
                         -- Asked for each that is due, of which few are taken.
                         offset 0
                     ))
                 order by run_at limit $2 for update skip locked
             )
             update {0}.job as job
             set state = 'running', fence = fence + 1, run_at = now() + $3,
                 losses = losses + (state = 'running')::integer
             -- By keys, whatever the planner believes of a queue that was empty when it last counted.
             where job_id = any(array(select job_id from taken))
             returning job_id, name, payload, attempts, losses, fence",
            self.schema
        )))
        .bind(names)
        .bind(most)
        .bind(interval(self.length))
        .bind(interval(backoff::FIRST))
        .bind(interval(backoff::LONGEST))
        .bind(RUNNING)
        .fetch_all(&self.db)
        .await
    }

    /// Prolongs a lease; `false` if it was lost.
    pub(crate) async fn renew(&self, lease: &Lease) -> Result<bool, sqlx::Error> {
        let renewed = sqlx::query(AssertSqlSafe(format!(
            "update {}.job set run_at = now() + $3
             where job_id = $1 and fence = $2 and state = $4",
            self.schema
        )))
        .bind(lease.job_id)
        .bind(lease.fence)
        .bind(interval(self.length))
        .bind(RUNNING)
        .execute(&self.db)
        .await?;
        Ok(renewed.rows_affected() == 1)
    }

    /// Removes a job that is done.
    pub(crate) async fn finish(&self, lease: &Lease) -> Result<bool, sqlx::Error> {
        let finished = sqlx::query(AssertSqlSafe(format!(
            "delete from {}.job where job_id = $1 and fence = $2 and state = $3",
            self.schema
        )))
        .bind(lease.job_id)
        .bind(lease.fence)
        .bind(RUNNING)
        .execute(&self.db)
        .await?;
        Ok(finished.rows_affected() == 1)
    }

    /// Lets a job wait for its next try, as `tries` are to be counted from now on.
    ///
    /// If another of its key waits already, that one will do.
    pub(crate) async fn wait(
        &self,
        lease: &Lease,
        pause: Duration,
        tries: Tries,
        error: Option<&str>,
    ) -> Result<bool, sqlx::Error> {
        let waiting = sqlx::query(AssertSqlSafe(format!(
            "update {}.job
             set state = 'ready', run_at = now() + $3, attempts = $4, losses = $5, last_error = $6
             where job_id = $1 and fence = $2 and state = $7",
            self.schema
        )))
        .bind(lease.job_id)
        .bind(lease.fence)
        .bind(interval(pause))
        .bind(tries.attempts)
        .bind(tries.losses)
        .bind(error)
        .bind(RUNNING)
        .execute(&self.db)
        .await;
        match waiting {
            Ok(waiting) => Ok(waiting.rows_affected() == 1),
            Err(sqlx::Error::Database(error))
                if error.constraint() == Some("job_key_waits_once") =>
            {
                self.finish(lease).await
            }
            Err(error) => Err(error),
        }
    }

    /// Gives a job up and keeps it.
    pub(crate) async fn bury(
        &self,
        lease: &Lease,
        tries: Tries,
        error: &str,
    ) -> Result<bool, sqlx::Error> {
        let buried = sqlx::query(AssertSqlSafe(format!(
            "update {}.job set state = 'dead', attempts = $3, losses = $4, last_error = $5
             where job_id = $1 and fence = $2 and state = $6",
            self.schema
        )))
        .bind(lease.job_id)
        .bind(lease.fence)
        .bind(tries.attempts)
        .bind(tries.losses)
        .bind(error)
        .bind(RUNNING)
        .execute(&self.db)
        .await?;
        Ok(buried.rows_affected() == 1)
    }

    /// Stores a periodic job, unless it is there; shortens its wait if the period was shortened.
    pub(crate) async fn plant(
        &self,
        name: &str,
        payload: &Value,
        every: Duration,
    ) -> Result<(), sqlx::Error> {
        sqlx::query(AssertSqlSafe(format!(
            "insert into {0}.job (job_id, name, payload, unique_key)
             select $1, $2, $3, 'periodic' where not exists (
                 select from {0}.job
                 where name = $2 and unique_key = 'periodic' and state = $5
             )
             on conflict (name, unique_key) where state = 'ready'
             do update set payload = excluded.payload, run_at = least(job.run_at, now() + $4)",
            self.schema
        )))
        .bind(Uuid::now_v7())
        .bind(name)
        .bind(payload)
        .bind(interval(every))
        .bind(RUNNING)
        .execute(&self.db)
        .await?;
        Ok(())
    }
}

fn interval(duration: Duration) -> PgInterval {
    let microseconds = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
    PgInterval { months: 0, days: 0, microseconds }
}
