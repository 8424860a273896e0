//! Redis Streams, one per source.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use api::sartiq::event::v1::Event;
use prost::Message;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::streams::{StreamRangeReply, StreamReadReply};
use redis::{AsyncConnectionConfig, Client, Value};
use tokio::sync::OnceCell;

/// How long a reader that waits for events is held by Redis before it asks again.
const BLOCK: Duration = Duration::from_secs(5);
/// How many events a reader takes at a time.
const BATCH: usize = 500;

/// Appends only after the entry that the caller believes to be the last, so that a stream that lost
/// entries is noticed by the very append that would leave a gap. Answers the last position.
const APPEND: &str = r"
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
local position = 0
if last[1] then position = tonumber(string.match(last[1][1], '^%d+')) end
if position ~= tonumber(ARGV[1]) then return position end
for i = 3, #ARGV do
  position = position + 1
  redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], position .. '-0', 'event', ARGV[i])
end
return position
";

/// Why Redis could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Redis answered with an error, or not at all.
    #[error("redis")]
    Redis(#[from] redis::RedisError),
    /// An entry is no event.
    #[error("an entry of the stream is no event")]
    Malformed(#[from] prost::DecodeError),
    /// An entry has no event.
    #[error("an entry of the stream has no event")]
    Empty,
}

/// The streams of all sources.
#[derive(Clone)]
pub struct Stream {
    client: Client,
    prefix: Arc<str>,
    // Made at the first call, so that a process starts while Redis is away.
    connection: Arc<OnceCell<ConnectionManager>>,
    append: Arc<redis::Script>,
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stream").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl Stream {
    pub(crate) fn open(url: &str, prefix: &str) -> Result<Self, Error> {
        Ok(Self {
            client: Client::open(url)?,
            prefix: prefix.into(),
            connection: Arc::default(),
            append: Arc::new(redis::Script::new(APPEND)),
        })
    }

    fn key(&self, source: &str) -> String {
        format!("{}events:{source}", self.prefix)
    }

    pub(crate) fn ephemeral(&self) -> String {
        format!("{}ephemeral", self.prefix)
    }

    pub(crate) async fn connection(&self) -> Result<ConnectionManager, Error> {
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(Duration::from_secs(2)))
            .set_response_timeout(Some(Duration::from_secs(2)))
            .set_number_of_retries(1)
            .set_max_delay(Duration::from_secs(1));
        let manager = self
            .connection
            .get_or_try_init(|| self.client.get_connection_manager_with_config(config))
            .await?;
        Ok(manager.clone())
    }

    /// A connection that may wait as long as [`BLOCK`]; nobody else waits behind it.
    async fn waiting(&self) -> Result<redis::aio::MultiplexedConnection, Error> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(Duration::from_secs(2)))
            .set_response_timeout(Some(BLOCK + Duration::from_secs(3)));
        Ok(self.client.get_multiplexed_async_connection_with_config(&config).await?)
    }

    /// Appends `events` after position `last`. Answers the last position there is now: it is not
    /// that of the last event if the stream did not end at `last`, and then nothing was appended.
    pub(crate) async fn append(
        &self,
        source: &str,
        last: i64,
        events: &[Vec<u8>],
        keep: usize,
    ) -> Result<i64, Error> {
        let mut call = self.append.key(self.key(source));
        call.arg(last).arg(keep);
        for event in events {
            call.arg(event.as_slice());
        }
        Ok(call.invoke_async(&mut self.connection().await?).await?)
    }

    /// Appends `events` to an empty stream, the first of them at position `from`.
    pub(crate) async fn begin(
        &self,
        source: &str,
        from: i64,
        events: &[Vec<u8>],
        keep: usize,
    ) -> Result<(), Error> {
        let mut pipe = redis::pipe();
        for (position, event) in (from..).zip(events) {
            pipe.cmd("XADD").arg(self.key(source)).arg("MAXLEN").arg("~").arg(keep);
            pipe.arg(format!("{position}-0")).arg("event").arg(event.as_slice()).ignore();
        }
        Ok(pipe.query_async(&mut self.connection().await?).await?)
    }

    /// Forgets the stream of `source`, so that the relay may fill it from further back.
    pub(crate) async fn clear(&self, source: &str) -> Result<(), Error> {
        let mut connection = self.connection().await?;
        Ok(redis::cmd("DEL").arg(self.key(source)).query_async(&mut connection).await?)
    }

    /// The positions of the first and the last event of `source`. Zeros if there is none.
    pub async fn ends(&self, source: &str) -> Result<(i64, i64), Error> {
        let mut connection = self.connection().await?;
        let key = self.key(source);
        let (first, last): (StreamRangeReply, StreamRangeReply) = redis::pipe()
            .cmd("XRANGE")
            .arg(&key)
            .arg("-")
            .arg("+")
            .arg("COUNT")
            .arg(1)
            .cmd("XREVRANGE")
            .arg(&key)
            .arg("+")
            .arg("-")
            .arg("COUNT")
            .arg(1)
            .query_async(&mut connection)
            .await?;
        let end = |reply: &StreamRangeReply| reply.ids.first().map_or(0, |it| position(&it.id));
        Ok((end(&first), end(&last)))
    }

    /// The events of `source` after `after`, oldest first, at most 500 of them.
    pub async fn range(&self, source: &str, after: i64) -> Result<Vec<Event>, Error> {
        let mut connection = self.connection().await?;
        let reply: StreamRangeReply = redis::cmd("XRANGE")
            .arg(self.key(source))
            .arg(format!("{}-0", after + 1))
            .arg("+")
            .arg("COUNT")
            .arg(BATCH)
            .query_async(&mut connection)
            .await?;
        reply.ids.iter().map(|it| event(&it.map)).collect()
    }

    /// Follows the sources of `after`, each from after its position.
    pub async fn tail(&self, after: BTreeMap<String, i64>) -> Result<Tail, Error> {
        Ok(Tail { connection: self.waiting().await?, stream: self.clone(), after })
    }

    /// Follows the ephemeral events, from now on.
    pub async fn progress(&self) -> Result<impl futures::Stream<Item = Event> + use<>, Error> {
        use futures::StreamExt as _;
        let mut subscription = self.client.get_async_pubsub().await?;
        subscription.subscribe(self.ephemeral()).await?;
        Ok(subscription
            .into_on_message()
            .filter_map(async |it| Event::decode(it.get_payload_bytes()).ok()))
    }

    /// Says how far the consumer `name` of `source` has come, so that the relay keeps what it needs.
    pub(crate) async fn report(&self, source: &str, name: &str, at: i64) -> Result<(), Error> {
        let mut connection = self.connection().await?;
        let key = format!("{}:consumers", self.key(source));
        Ok(redis::cmd("HSET").arg(key).arg(name).arg(at).query_async(&mut connection).await?)
    }

    /// How far the slowest consumer of `source` has come. None if none has reported.
    pub(crate) async fn slowest(&self, source: &str) -> Result<Option<i64>, Error> {
        let mut connection = self.connection().await?;
        let key = format!("{}:consumers", self.key(source));
        let positions: Vec<i64> = redis::cmd("HVALS").arg(key).query_async(&mut connection).await?;
        Ok(positions.into_iter().min())
    }
}

/// Several streams, followed over one connection.
#[derive(Debug)]
pub struct Tail {
    connection: redis::aio::MultiplexedConnection,
    stream: Stream,
    after: BTreeMap<String, i64>,
}

impl Tail {
    /// How far each source was read.
    pub fn after(&self) -> &BTreeMap<String, i64> {
        &self.after
    }

    /// Waits up to five seconds for events. Returns what there is, possibly nothing; within a source
    /// it is in order.
    pub async fn next(&mut self) -> Result<Vec<Event>, Error> {
        let mut command = redis::cmd("XREAD");
        command.arg("COUNT").arg(BATCH).arg("BLOCK").arg(BLOCK.as_millis() as u64).arg("STREAMS");
        for source in self.after.keys() {
            command.arg(self.stream.key(source));
        }
        for position in self.after.values() {
            command.arg(format!("{position}-0"));
        }
        let reply: Option<StreamReadReply> = command.query_async(&mut self.connection).await?;
        let mut events = Vec::new();
        for key in reply.map(|it| it.keys).unwrap_or_default() {
            for entry in &key.ids {
                let event = event(&entry.map)?;
                if let Some(after) = self.after.get_mut(&event.source) {
                    *after = event.position;
                }
                events.push(event);
            }
        }
        Ok(events)
    }
}

fn position(id: &str) -> i64 {
    id.split('-').next().and_then(|it| it.parse().ok()).unwrap_or_default()
}

fn event(fields: &HashMap<String, Value>) -> Result<Event, Error> {
    match fields.get("event") {
        Some(Value::BulkString(bytes)) => Ok(Event::decode(bytes.as_slice())?),
        _ => Err(Error::Empty),
    }
}
