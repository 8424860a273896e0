//! Handling the events of another service, each exactly once.

use std::collections::BTreeMap;
use std::time::Duration;

use api::sartiq::event::v1::Event;
use sqlx::{AssertSqlSafe, PgConnection, PgPool};
use tokio_util::sync::CancellationToken;

use crate::{Outbox, Stream};

/// The error of a handler. It is logged, and the event is handled again.
pub type HandlerError = Box<dyn std::error::Error + Send + Sync>;

/// What a consumer does with an event.
pub trait Handler: Send + Sync + 'static {
    /// Handles `event` in the transaction that also remembers that it was handled.
    ///
    /// An error rolls the transaction back, and the same event comes again after a while. What the
    /// handler does elsewhere, by RPC, must therefore be idempotent.
    fn handle(
        &self,
        db: &mut PgConnection,
        event: &Event,
    ) -> impl Future<Output = Result<(), HandlerError>> + Send;
}

/// Follows one source with a durable position.
#[derive(Debug)]
pub struct Consumer<H> {
    source: &'static str,
    outbox: Outbox,
    db: PgPool,
    stream: Stream,
    handler: H,
}

impl<H: Handler> Consumer<H> {
    /// Returns a consumer of `source` that has yet to run. The position is kept in the schema of
    /// `outbox`, which is also woken after each event, since handlers tend to publish.
    pub fn new(
        source: &'static str,
        outbox: Outbox,
        db: PgPool,
        stream: Stream,
        handler: H,
    ) -> Self {
        Self { source, outbox, db, stream, handler }
    }

    /// Consumes until told to stop.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut pause = Duration::from_millis(100);
        loop {
            let result = tokio::select! {
                () = shutdown.cancelled() => return,
                result = self.follow(&mut pause) => result,
            };
            let Err(error) = result;
            tracing::warn!(source = self.source, error = %types::chain(&*error), "consumer interrupted");
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(pause) => (),
            }
            pause = (pause * 2).min(Duration::from_secs(5));
        }
    }

    async fn follow(&self, pause: &mut Duration) -> Result<std::convert::Infallible, HandlerError> {
        let mut at = self.position().await?;
        self.stream.report(self.source, self.outbox.source(), at).await?;
        let mut tail = self.stream.tail(BTreeMap::from([(self.source.to_owned(), at)])).await?;
        loop {
            let events = tail.next().await?;
            for event in &events {
                if at + 1 < event.position {
                    // The stream forgot what was not handled yet. Saying so makes the relay fill it again.
                    self.stream.report(self.source, self.outbox.source(), at).await?;
                    return Err(
                        format!("events {} to {} are missing", at + 1, event.position - 1).into()
                    );
                }
                self.apply(event).await?;
                at = event.position;
                *pause = Duration::from_millis(100);
            }
            // Also when nothing came: Redis may have forgotten who reads.
            self.stream.report(self.source, self.outbox.source(), at).await?;
        }
    }

    async fn position(&self) -> Result<i64, sqlx::Error> {
        let schema = self.outbox.source();
        sqlx::query(AssertSqlSafe(format!(
            "insert into {schema}.position (source, position) values ($1, 0) on conflict do nothing"
        )))
        .bind(self.source)
        .execute(&self.db)
        .await?;
        sqlx::query_scalar(AssertSqlSafe(format!(
            "select position from {schema}.position where source = $1"
        )))
        .bind(self.source)
        .fetch_one(&self.db)
        .await
    }

    /// Handles `event` unless another replica has.
    async fn apply(&self, event: &Event) -> Result<(), HandlerError> {
        let schema = self.outbox.source();
        let mut tx = self.db.begin().await?;
        // The row is the lock: a replica that handles the same event waits here, then finds it done.
        let moved = sqlx::query(AssertSqlSafe(format!(
            "update {schema}.position set position = $2 where source = $1 and position = $2 - 1"
        )))
        .bind(self.source)
        .bind(event.position)
        .execute(&mut *tx)
        .await?
        .rows_affected();
        if moved == 0 {
            return Ok(());
        }
        self.handler.handle(&mut tx, event).await?;
        self.outbox.commit(tx).await?;
        Ok(())
    }
}
