//! From an outbox to those who listen, over a real database and a real Redis.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use api::sartiq::event::v1::event::Payload;
use api::sartiq::event::v1::{Event, ProductChanged};
use events::{Config, Consumer, Draft, Handler, HandlerError, Outbox, Relay, Stream};
use sqlx::{PgConnection, PgPool};
use tokio_util::sync::CancellationToken;
use types::id::OrganizationId;

type Result<T = (), E = Box<dyn Error>> = std::result::Result<T, E>;

struct House {
    db: PgPool,
    stream: Stream,
    outbox: Outbox,
    prefix: String,
    shutdown: CancellationToken,
}

impl Drop for House {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl House {
    async fn new(db: PgPool) -> Result<Self> {
        for schema in ["catalog", "shooting"] {
            sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
                "create schema {schema};
                 create table {schema}.outbox (
                     outbox_id bigint generated always as identity primary key,
                     position bigint,
                     event bytea not null,
                     created_at timestamptz not null default now(),
                     constraint outbox_position_is_unique unique (position)
                 );
                 create index outbox_without_position on {schema}.outbox (outbox_id)
                     where position is null;
                 create table {schema}.position (source text primary key, position bigint not null);
                 create table {schema}.seen (name text not null)"
            )))
            .execute(&db)
            .await?;
        }
        let prefix = format!("test:{}:", OrganizationId::generate());
        let config =
            Config { redis_url: testkit::redis_url().into(), redis_prefix: prefix.clone() };
        let stream = config.open()?;
        let (outbox, shutdown) = (Outbox::new("catalog"), CancellationToken::new());
        Ok(Self { db, stream, outbox, prefix, shutdown })
    }

    fn relay(&self) {
        let relay = Relay::new(self.outbox.clone(), self.db.clone(), self.stream.clone());
        tokio::spawn(relay.run(self.shutdown.clone()));
    }

    async fn publish(&self, names: impl IntoIterator<Item = usize>) -> Result {
        for name in names {
            let mut tx = self.db.begin().await?;
            self.outbox.publish(&mut tx, &[product(name)]).await?;
            self.outbox.commit(tx).await?;
        }
        Ok(())
    }

    async fn flush(&self) -> Result {
        let mut redis =
            redis::Client::open(testkit::redis_url())?.get_multiplexed_async_connection().await?;
        let keys: Vec<String> =
            redis::cmd("KEYS").arg(format!("{}*", self.prefix)).query_async(&mut redis).await?;
        for key in keys {
            let () = redis::cmd("DEL").arg(key).query_async(&mut redis).await?;
        }
        Ok(())
    }

    /// Reads `n` events from the start.
    async fn read(&self, n: usize) -> Result<Vec<Event>> {
        let mut tail = self.stream.tail(BTreeMap::from([("catalog".to_owned(), 0)])).await?;
        let mut events = Vec::new();
        while events.len() < n {
            events.extend(tokio::time::timeout(Duration::from_secs(10), tail.next()).await??);
        }
        Ok(events)
    }
}

fn product(name: usize) -> Draft {
    let product = ProductChanged { name: name.to_string(), ..ProductChanged::default() };
    Draft::new(OrganizationId::generate(), Payload::ProductCreated(product))
}

fn name(event: &Event) -> &str {
    match &event.payload {
        Some(Payload::ProductCreated(product)) => &product.name,
        _ => "",
    }
}

fn positions(events: &[Event]) -> Vec<i64> {
    events.iter().map(|it| it.position).collect()
}

#[sqlx::test(migrations = false)]
async fn events_are_told_in_order_without_a_gap(db: PgPool) -> Result {
    let house = House::new(db).await?;
    house.relay();
    house.relay();
    house.publish(0..50).await?;
    let events = house.read(50).await?;
    assert_eq!(positions(&events), (1..=50).collect::<Vec<_>>());
    assert_eq!(name(&events[7]), "7");
    assert!(events.iter().all(|it| it.source == "catalog"));
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn what_redis_forgets_is_told_again_under_the_same_positions(db: PgPool) -> Result {
    let house = House::new(db).await?;
    house.relay();
    house.publish(0..20).await?;
    let before = house.read(20).await?;
    house.flush().await?;
    house.publish(20..25).await?;
    let after = house.read(25).await?;
    assert_eq!(after[..20], before);
    assert_eq!(positions(&after), (1..=25).collect::<Vec<_>>());
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn a_rolled_back_event_is_not_told(db: PgPool) -> Result {
    let house = House::new(db).await?;
    house.relay();
    let mut tx = house.db.begin().await?;
    house.outbox.publish(&mut tx, &[product(1)]).await?;
    tx.rollback().await?;
    house.publish([2]).await?;
    let events = house.read(1).await?;
    assert_eq!((events.len(), name(&events[0]), events[0].position), (1, "2", 1));
    Ok(())
}

#[derive(Clone, Default)]
struct Seen {
    /// How often the handler fails on each name before it succeeds.
    trouble: Arc<Mutex<BTreeMap<String, usize>>>,
}

impl Handler for Seen {
    async fn handle(&self, db: &mut PgConnection, event: &Event) -> Result<(), HandlerError> {
        sqlx::query("insert into shooting.seen (name) values ($1)")
            .bind(name(event))
            .execute(db)
            .await?;
        let mut trouble = self.trouble.lock().map_err(|_| "poisoned")?;
        if let Some(left @ 1..) = trouble.get_mut(name(event)) {
            *left -= 1;
            return Err("as the test wants it".into());
        }
        Ok(())
    }
}

async fn seen(db: &PgPool, n: usize) -> Result<Vec<String>> {
    for _ in 0..1000 {
        let names: Vec<String> = sqlx::query_scalar("select name from shooting.seen order by ctid")
            .fetch_all(db)
            .await?;
        if n <= names.len() {
            return Ok(names);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Err("the events were not handled".into())
}

fn consume(house: &House, handler: Seen) -> CancellationToken {
    let shutdown = house.shutdown.child_token();
    let (outbox, db) = (Outbox::new("shooting"), house.db.clone());
    let consumer = Consumer::new("catalog", outbox, db, house.stream.clone(), handler);
    tokio::spawn(consumer.run(shutdown.clone()));
    shutdown
}

fn names(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|it| it.to_string()).collect()
}

#[sqlx::test(migrations = false)]
async fn two_replicas_handle_each_event_once_even_if_handling_fails_at_first(db: PgPool) -> Result {
    let house = House::new(db).await?;
    house.relay();
    let handler = Seen::default();
    handler.trouble.lock().map_err(|_| "poisoned")?.insert("3".to_owned(), 2);
    consume(&house, handler.clone());
    consume(&house, handler);
    house.publish(0..10).await?;
    assert_eq!(seen(&house.db, 10).await?, names(0..10));
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn a_consumer_that_was_away_misses_nothing_although_redis_forgot(db: PgPool) -> Result {
    let house = House::new(db).await?;
    house.relay();
    let first = consume(&house, Seen::default());
    house.publish(0..5).await?;
    seen(&house.db, 5).await?;
    first.cancel();
    house.publish(5..10).await?;
    house.read(10).await?;
    // Redis keeps the newest two events only.
    let mut redis =
        redis::Client::open(testkit::redis_url())?.get_multiplexed_async_connection().await?;
    let key = format!("{}events:catalog", house.prefix);
    let _: i64 = redis::cmd("XTRIM").arg(key).arg("MAXLEN").arg(2).query_async(&mut redis).await?;
    consume(&house, Seen::default());
    assert_eq!(seen(&house.db, 10).await?, names(0..10));
    Ok(())
}
