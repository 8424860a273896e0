//! From the outbox to the stream.

use std::collections::VecDeque;
use std::time::Duration;

use api::sartiq::event::v1::Event;
use prost::Message;
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Row};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{Error, Outbox, Stream};

/// How often the relay looks when nobody pokes it, and looks at all that it may have missed.
const IDLE: Duration = Duration::from_secs(1);
/// How long a transaction usually takes at most. Those that take longer are told at the next look at
/// everything.
const USUAL: Duration = Duration::from_millis(250);
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

/// An event that got its position.
struct Given {
    outbox_id: i64,
    position: i64,
    event: Vec<u8>,
}

/// How far the outbox was read lately.
#[derive(Debug, Default)]
struct Marks {
    recent: VecDeque<(Instant, i64)>,
    passed: i64,
}

impl Marks {
    fn note(&mut self, outbox_id: i64) {
        self.recent.push_back((Instant::now(), outbox_id));
    }

    /// The id up to which all usual transactions have come to their end.
    fn passed(&mut self) -> i64 {
        while let Some((_, outbox_id)) = self.recent.pop_front_if(|it| USUAL < it.0.elapsed()) {
            self.passed = self.passed.max(outbox_id);
        }
        self.passed
    }
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
        let mut marks = Marks::default();
        let mut swept: Option<Instant> = None;
        loop {
            let is_sweep = swept.is_none_or(|it| IDLE <= it.elapsed());
            let after = if is_sweep { 0 } else { marks.passed() };
            let given = self.assign(&mut db, after).await?;
            let is_full = given.len() == BATCH as usize;
            let mut is_behind = is_sweep;
            if let (Some(first), Some(last)) = (given.first(), given.last()) {
                marks.note(last.outbox_id);
                let before = first.position - 1;
                head = last.position;
                let events: Vec<Vec<u8>> = given.into_iter().map(|it| it.event).collect();
                let end = self.stream.append(self.outbox.source(), before, &events, KEEP).await?;
                is_behind |= end != head;
            }
            // What the stream lacks, and whether it lacks anything: Redis may have been lost.
            while is_behind {
                is_behind = self.tell(&mut db, head).await?;
            }
            if is_sweep {
                swept = Some(Instant::now());
            }
            if pruned.elapsed() > PRUNE {
                self.prune(&mut db).await?;
                pruned = Instant::now();
            }
            if !is_full {
                let _ = tokio::time::timeout(IDLE, self.outbox.poked()).await;
            }
        }
    }

    /// Gives positions to the events that have none, in the order they were written, and answers them.
    ///
    /// The index of those without a position still leads through all that lately got theirs, hence
    /// `after`: an id that nothing is expected below any more.
    async fn assign(&self, db: &mut PgConnection, after: i64) -> Result<Vec<Given>, Trouble> {
        let schema = self.outbox.source();
        let rows = sqlx::query(AssertSqlSafe(format!(
            "with fresh as (
                 select outbox_id, row_number() over (order by outbox_id) as nth
                 from (select outbox_id from {schema}.outbox
                       where position is null and outbox_id > $1
                       order by outbox_id limit {BATCH}) as it
             ), head as (
                 insert into {schema}.position (source, position)
                 select '{schema}', count(*) from fresh having count(*) > 0
                 on conflict (source) do update
                     set position = position.position + excluded.position
                 returning position
             ), given as (
                 update {schema}.outbox
                 set position = (select position from head) - (select count(*) from fresh) + nth
                 from fresh
                 where outbox.outbox_id = fresh.outbox_id
                     -- By keys, whatever the planner believes of a table that was small when it last
                     -- counted.
                     and outbox.outbox_id = any(array(select outbox_id from fresh))
                 returning outbox.outbox_id, outbox.position, event
             )
             select outbox_id, position, event from given order by position"
        )))
        .bind(after)
        .fetch_all(db)
        .await?;
        let given = rows.into_iter().map(|row| {
            let position = row.try_get("position")?;
            let event = self.placed(row.try_get("event")?, position)?;
            Ok(Given { outbox_id: row.try_get("outbox_id")?, position, event })
        });
        given.collect()
    }

    /// An event as it is told: it says where it is from, and its position.
    fn placed(&self, event: &[u8], position: i64) -> Result<Vec<u8>, Trouble> {
        let source = self.outbox.source().to_owned();
        let event = Event { source, position, ..Event::decode(event)? };
        Ok(event.encode_to_vec())
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
                let position = row.try_get("position")?;
                Ok((position, self.placed(row.try_get("event")?, position)?))
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
