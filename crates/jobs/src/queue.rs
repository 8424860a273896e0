//! The jobs of one schema, as those who want something done see them.

use std::sync::Arc;
use std::time::Duration;

use sqlx::{AssertSqlSafe, PgConnection, PgExecutor};
use time::OffsetDateTime;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::Job;

/// Writes jobs into the table of one schema.
#[derive(Clone, Debug)]
pub struct Queue {
    schema: &'static str,
    poke: Arc<Notify>,
}

/// What a job may ask beside being done.
#[derive(Clone, Debug, Default)]
pub struct Enqueue {
    /// Of several jobs with one name and key, one waits. One that runs already does not count,
    /// for it may have looked before what this one is about; the new one runs after it.
    pub unique_key: Option<String>,
    /// Not before this.
    pub run_at: Option<OffsetDateTime>,
}

/// A job that was given up.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Dead {
    /// The row's key.
    pub job_id: Uuid,
    /// What it is.
    pub name: String,
    /// How often it failed.
    pub attempts: i32,
    /// How many of its leases were lost in a row, after which it is not tried any more.
    pub losses: i32,
    /// Why it was given up.
    pub last_error: Option<String>,
}

/// Why a job is not stored.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its fields do not go into JSON.
    #[error("job payload")]
    Payload(#[from] serde_json::Error),
    /// The database.
    #[error("store")]
    Store(#[from] sqlx::Error),
}

impl From<Error> for sqlx::Error {
    /// For services whose errors know one way in which storing fails.
    fn from(error: Error) -> Self {
        match error {
            Error::Payload(error) => Self::Encode(error.into()),
            Error::Store(error) => error,
        }
    }
}

impl Queue {
    /// Returns the queue in the table `job` of `schema`.
    pub fn new(schema: &'static str) -> Self {
        Self { schema, poke: Arc::default() }
    }

    /// Stores a job. It is run once the transaction of `db` has committed.
    pub async fn enqueue<J: Job>(&self, db: &mut PgConnection, job: &J) -> Result<(), Error> {
        self.enqueue_with(db, job, Enqueue::default()).await
    }

    /// Stores a job that is to run later, or once for several who ask.
    pub async fn enqueue_with<J: Job>(
        &self,
        db: &mut PgConnection,
        job: &J,
        how: Enqueue,
    ) -> Result<(), Error> {
        let payload = serde_json::to_value(job)?;
        sqlx::query(AssertSqlSafe(format!(
            "insert into {}.job (job_id, name, payload, unique_key, run_at)
             values ($1, $2, $3, $4, coalesce($5, now()))
             on conflict (name, unique_key) where state = 'ready'
             do update set run_at = least(job.run_at, excluded.run_at), payload = excluded.payload",
            self.schema
        )))
        .bind(Uuid::now_v7())
        .bind(J::NAME)
        .bind(payload)
        .bind(how.unique_key)
        .bind(how.run_at)
        .execute(db)
        .await?;
        Ok(())
    }

    /// Wakes this process's worker; for after a commit. One that is not woken looks by itself
    /// once a second.
    pub fn poke(&self) {
        self.poke.notify_one();
    }

    /// The jobs that were given up, newest first, a hundred at most.
    pub async fn dead(&self, db: impl PgExecutor<'_>) -> Result<Vec<Dead>, sqlx::Error> {
        sqlx::query_as(AssertSqlSafe(format!(
            "select job_id, name, attempts, losses, last_error from {}.job
             where state = 'dead' order by job_id desc limit 100",
            self.schema
        )))
        .fetch_all(db)
        .await
    }

    /// Gives a dead job all its tries again; `false` if it is not dead.
    pub async fn revive(&self, db: impl PgExecutor<'_>, id: Uuid) -> Result<bool, sqlx::Error> {
        let revived = sqlx::query(AssertSqlSafe(format!(
            "update {}.job set state = 'ready', attempts = 0, losses = 0, run_at = now()
             where job_id = $1 and state = 'dead'",
            self.schema
        )))
        .bind(id)
        .execute(db)
        .await?;
        self.poke();
        Ok(revived.rows_affected() == 1)
    }

    /// How many jobs are not done and not given up.
    pub async fn pending(&self, db: impl PgExecutor<'_>) -> Result<i64, sqlx::Error> {
        sqlx::query_scalar(AssertSqlSafe(format!(
            "select count(*) from {}.job where state <> 'dead'",
            self.schema
        )))
        .fetch_one(db)
        .await
    }

    pub(crate) fn schema(&self) -> &'static str {
        self.schema
    }

    pub(crate) async fn poked(&self, at_most: Duration) {
        // Either way it is time to look.
        let _ = tokio::time::timeout(at_most, self.poke.notified()).await;
    }
}
