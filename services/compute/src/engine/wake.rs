//! Waking the owner in another process, and telling the others what it counts, through Redis. Losing
//! a message costs a second.

use std::sync::Arc;
use std::time::Duration;

use redis::Client;
use secrecy::ExposeSecret;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::Engine;

/// The message that demand has changed; any other is for the owner.
const DEMAND: &str = "demand";

/// Sends and hears wake-ups.
#[derive(Clone, Debug)]
pub(crate) struct Wakes {
    client: Client,
    channel: Arc<str>,
    wanted: Arc<Notify>,
    counted: Arc<Notify>,
}

impl Wakes {
    pub(crate) fn open(config: &events::Config) -> Result<Self, redis::RedisError> {
        let client = Client::open(config.redis_url.expose_secret())?;
        let channel = format!("{}compute:wake", config.redis_prefix).into();
        Ok(Self { client, channel, wanted: Arc::default(), counted: Arc::default() })
    }

    /// Wakes the owner; several calls at once are one.
    pub(crate) fn send(&self) {
        self.wanted.notify_one();
    }

    /// Tells all processes that demand has changed.
    pub(crate) fn tell_demand(&self) {
        self.counted.notify_one();
    }

    /// Carries wake-ups until told to stop.
    pub(crate) async fn carry(self, engine: Engine, shutdown: CancellationToken) {
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                result = self.speak() => log(result),
                result = self.listen(&engine) => log(result),
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(Duration::from_secs(1)) => (),
            }
        }
    }

    async fn speak(&self) -> Result<(), redis::RedisError> {
        let mut connection = self.client.get_multiplexed_async_connection().await?;
        loop {
            let message = tokio::select! {
                () = self.wanted.notified() => "",
                () = self.counted.notified() => DEMAND,
            };
            let mut command = redis::cmd("PUBLISH");
            command.arg(&*self.channel).arg(message).query_async::<()>(&mut connection).await?;
        }
    }

    async fn listen(&self, engine: &Engine) -> Result<(), redis::RedisError> {
        use futures::StreamExt as _;
        let mut subscription = self.client.get_async_pubsub().await?;
        subscription.subscribe(&*self.channel).await?;
        let mut messages = subscription.into_on_message();
        while let Some(message) = messages.next().await {
            match message.get_payload_bytes() == DEMAND.as_bytes() {
                true => engine.demands.changed(),
                false => engine.poke(),
            }
        }
        Ok(())
    }
}

fn log(result: Result<(), redis::RedisError>) {
    if let Err(error) = result {
        tracing::debug!(%error, "wake-ups do not travel");
    }
}
