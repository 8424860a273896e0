//! From the outbox to the stream.

use std::time::Duration;

use api::sartiq::event::v1::Event;
use prost::Message;
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Row};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{Error, Outbox, Stream};

/// How often the relay looks when nobody pokes it.
const IDLE: Duration = Duration::from_secs(1);
/// How many events are moved at a time.
const BATCH: i64 = 500;
/// How many events a stream keeps for readers that come back.
const KEEP: usize = 100_000;
/// How long an outbox keeps events that everyone was told.
const RETENTION: &str = "7 days";
/// How often old events are deleted.
const PRUNE: Duration = Duration::from_secs(600);

/// Tells the events of one outbox.
///
/// Any number of replicas may run one; the one that holds the schema's advisory lock works.
#[derive(Debug)]
pub struct Relay {
    outbox: Outbox,
    db: PgPool,
    stream: Stream,
}

#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("database")]
    Database(#[from] sqlx::Error),
    #[error("stream")]
    Stream(#[from] Error),
    #[error("the outbox holds something that is no event")]
    Malformed(#[from] prost::DecodeError),
}

impl Relay {
    /// Returns a relay that has yet to run.
    pub fn new(outbox: Outbox, db: PgPool, stream: Stream) -> Self {
        Self { outbox, db, stream }
    }

    /// Relays until told to stop.
    pub async fn run(self, shutdown: CancellationToken) {
        loop {
            let failed = tokio::select! {
                () = shutdown.cancelled() => return,
                result = self.lead() => result,
            };
            if let Err(error) = failed {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::warn!(source = self.outbox.source(), %error, cause, "relay interrupted");
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(IDLE) => (),
            }
        }
    }

    /// Works while this process holds the lock. Returns at once if another one does.
    async fn lead(&self) -> Result<(), Trouble> {
        let mut db = self.db.acquire().await?.detach();
        let leads: bool = sqlx::query_scalar("select pg_try_advisory_lock(hashtext($1))")
            .bind(format!("relay:{}", self.outbox.source()))
            .fetch_one(&mut db)
            .await?;
        if !leads {
            return Ok(());
        }
        // The connection is not the pool's any more: dropping it closes it, and so frees the lock.
        let mut pruned = Instant::now();
        let mut head = self.head(&mut db).await?;
        loop {
            let assigned = self.assign(&mut db).await?;
            head += assigned;
            let behind = self.tell(&mut db, head).await?;
            if pruned.elapsed() > PRUNE {
                self.prune(&mut db).await?;
                pruned = Instant::now();
            }
            if assigned < BATCH && !behind {
                let _ = tokio::time::timeout(IDLE, self.outbox.poked()).await;
            }
        }
    }

    /// Gives positions to the events that have none, in the order they were written. Answers how many.
    async fn assign(&self, db: &mut PgConnection) -> Result<i64, Trouble> {
        let schema = self.outbox.source();
        let n = sqlx::query(AssertSqlSafe(format!(
            "with fresh as (
                 select outbox_id, row_number() over (order by outbox_id) as nth
                 from (select outbox_id from {schema}.outbox where position is null
                       order by outbox_id limit {BATCH}) as it
             ), head as (
                 insert into {schema}.position (source, position)
                 select '{schema}', count(*) from fresh having count(*) > 0
                 on conflict (source) do update
                     set position = position.position + excluded.position
                 returning position
             )
             update {schema}.outbox
             set position = head.position - (select count(*) from fresh) + fresh.nth
             from fresh, head
             where outbox.outbox_id = fresh.outbox_id"
        )))
        .execute(db)
        .await?
        .rows_affected();
        Ok(i64::try_from(n).expect("a batch"))
    }

    /// The last position that was given.
    async fn head(&self, db: &mut PgConnection) -> Result<i64, Trouble> {
        let schema = self.outbox.source();
        let statement = format!(
            "select coalesce((select position from {schema}.position where source = $1), 0)"
        );
        Ok(sqlx::query_scalar(AssertSqlSafe(statement)).bind(schema).fetch_one(db).await?)
    }

    /// Appends what the stream lacks up to `head`. Answers whether there may be more.
    async fn tell(&self, db: &mut PgConnection, head: i64) -> Result<bool, Trouble> {
        let source = self.outbox.source();
        let (mut first, mut last) = self.stream.ends(source).await?;
        if let Some(slowest) = self.stream.slowest(source).await?
            && 0 < first
            && slowest + 1 < first
            && self.keeps(db, slowest + 1).await?
        {
            // A consumer was away for longer than the stream remembers, but not the outbox.
            self.stream.clear(source).await?;
            (first, last) = (0, slowest);
        }
        // Positions that were given and that nobody was told of yet.
        let behind = metrics::gauge!("sartiq_event_relay_behind", "source" => source);
        behind.set((head - last).max(0) as f64);
        if head <= last {
            return Ok(false);
        }
        let events = self.after(db, last).await?;
        let Some((from, _)) = events.first() else { return Ok(false) };
        // An empty stream may begin anywhere; one with entries goes on where it ends.
        if first == 0 {
            last = 0;
        }
        let skips = last + 1 < *from;
        let bytes: Vec<Vec<u8>> = events.iter().map(|(_, it)| it.clone()).collect();
        if skips {
            self.restart(source, *from, &bytes).await?;
        } else {
            self.stream.append(source, last, &bytes, KEEP).await?;
        }
        let told = i64::try_from(events.len()).expect("a batch");
        behind.set((head - (from + told - 1)).max(0) as f64);
        Ok(from + told <= head)
    }

    /// Begins an empty stream at a position other than the first.
    async fn restart(&self, source: &str, from: i64, events: &[Vec<u8>]) -> Result<(), Trouble> {
        self.stream.clear(source).await?;
        self.stream.begin(source, from, events, KEEP).await?;
        Ok(())
    }

    async fn keeps(&self, db: &mut PgConnection, position: i64) -> Result<bool, Trouble> {
        let schema = self.outbox.source();
        let statement =
            format!("select exists (select 1 from {schema}.outbox where position = $1)");
        Ok(sqlx::query_scalar(AssertSqlSafe(statement)).bind(position).fetch_one(db).await?)
    }

    async fn after(
        &self,
        db: &mut PgConnection,
        position: i64,
    ) -> Result<Vec<(i64, Vec<u8>)>, Trouble> {
        let schema = self.outbox.source();
        let rows = sqlx::query(AssertSqlSafe(format!(
            "select position, event from {schema}.outbox where position > $1
             order by position limit {BATCH}"
        )))
        .bind(position)
        .fetch_all(db)
        .await?;
        rows.into_iter()
            .map(|row| {
                let position: i64 = row.try_get("position")?;
                let event = Event::decode(row.try_get::<&[u8], _>("event")?)?;
                let event = Event { source: schema.to_owned(), position, ..event };
                Ok((position, event.encode_to_vec()))
            })
            .collect()
    }

    async fn prune(&self, db: &mut PgConnection) -> Result<(), Trouble> {
        let schema = self.outbox.source();
        let told = self.stream.slowest(schema).await?.unwrap_or(i64::MAX);
        sqlx::query(AssertSqlSafe(format!(
            "delete from {schema}.outbox
             where position <= $1 and created_at < now() - interval '{RETENTION}'"
        )))
        .bind(told)
        .execute(db)
        .await?;
        Ok(())
    }
}
