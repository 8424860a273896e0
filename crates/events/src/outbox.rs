//! The events that a service has to tell.

use std::sync::Arc;

use sqlx::{AssertSqlSafe, PgConnection, Postgres, Transaction};
use tokio::sync::Notify;

use crate::Draft;

/// Writes events into the outbox of one schema.
#[derive(Clone, Debug)]
pub struct Outbox {
    schema: &'static str,
    poke: Arc<Notify>,
}

impl Outbox {
    /// Returns the outbox of `schema`, whose name is also the source of its events.
    pub fn new(schema: &'static str) -> Self {
        Self { schema, poke: Arc::default() }
    }

    /// The name of the schema, and of the source.
    pub fn source(&self) -> &'static str {
        self.schema
    }

    /// Writes `drafts` in order. They are told once the transaction of `db` has committed.
    pub async fn publish(
        &self,
        db: &mut PgConnection,
        drafts: &[Draft],
    ) -> Result<(), sqlx::Error> {
        if drafts.is_empty() {
            return Ok(());
        }
        let events: Vec<Vec<u8>> = drafts.iter().map(Draft::encode).collect();
        sqlx::query(AssertSqlSafe(format!(
            "insert into {}.outbox (event) select event from unnest($1::bytea[]) with ordinality
             as it (event, ordinal) order by ordinal",
            self.schema
        )))
        .bind(events)
        .execute(db)
        .await?;
        Ok(())
    }

    /// Commits `tx` and wakes the relay, so that the events are told within milliseconds.
    pub async fn commit(&self, tx: Transaction<'_, Postgres>) -> Result<(), sqlx::Error> {
        tx.commit().await?;
        self.poke();
        Ok(())
    }

    /// Wakes the relay. One that is not woken looks by itself once a second.
    pub fn poke(&self) {
        self.poke.notify_one();
    }

    pub(crate) async fn poked(&self) {
        self.poke.notified().await;
    }
}
