//! Following the generations through the gateway's stream of events.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use api::sartiq::event::v1::event::Payload;
use api::sartiq::event::v1::event_service_client::EventServiceClient;
use api::sartiq::event::v1::subscribe_response::Message;
use api::sartiq::event::v1::{Event, SubscribeRequest, SubscribeResponse};
use api::sartiq::generation::v1::GetGenerationRequest;
use api::sartiq::generation::v1::generation_service_client::GenerationServiceClient;
use api::sartiq::generation::v1::{Prediction, generation, prediction};
use tonic::{Code, Streaming};

use crate::client::Client;

/// A subscription that survives the loss of its stream.
#[derive(Debug)]
pub(crate) struct Follower {
    client: Client,
    cursor: String,
    stream: Streaming<SubscribeResponse>,
    pub(crate) events: usize,
    pub(crate) reconnects: usize,
}

impl Follower {
    /// Subscribes to what happens from now on.
    pub(crate) async fn subscribe(client: &Client) -> Result<Self> {
        let mut stream = open(client, "").await?;
        let first = stream.message().await?.context("the stream ended at once")?;
        let cursor = first.cursor;
        Ok(Self { client: client.clone(), cursor, stream, events: 0, reconnects: 0 })
    }

    /// Returns the next event. Opens the stream again where it was lost.
    async fn next(&mut self) -> Result<Event> {
        loop {
            match self.stream.message().await {
                Ok(Some(response)) => {
                    self.cursor = response.cursor;
                    if let Some(Message::Event(event)) = response.message {
                        self.events += 1;
                        return Ok(event);
                    }
                }
                Ok(None) => self.reconnect().await?,
                Err(status)
                    if matches!(status.code(), Code::Unauthenticated | Code::OutOfRange) =>
                {
                    return Err(status.into());
                }
                Err(_) => self.reconnect().await?,
            }
        }
    }

    async fn reconnect(&mut self) -> Result<()> {
        let mut tries = 0;
        loop {
            self.reconnects += 1;
            tokio::time::sleep(Duration::from_millis(500)).await;
            match open(&self.client, &self.cursor).await {
                Ok(stream) => {
                    self.stream = stream;
                    return Ok(());
                }
                Err(error) if 60 < tries => return Err(error),
                Err(_) => tries += 1,
            }
        }
    }

    /// Waits until every generation has ended, and prints what happens on the way.
    pub(crate) async fn until_ended(&mut self, ids: &[String], patience: Duration) -> Result<()> {
        let end = tokio::time::Instant::now() + patience;
        let mut open: HashSet<String> = ids.iter().cloned().collect();
        while !open.is_empty() {
            let next = tokio::time::timeout_at(end, self.next()).await;
            let Ok(event) = next else {
                bail!("{} generations have not ended after {patience:?}", open.len());
            };
            match event?.payload {
                Some(Payload::PredictionReady(it)) if open.contains(&it.generation_id) => {
                    println!(
                        "      ready: picture {} of shot {}",
                        it.index + 1,
                        short(&it.shot_id)
                    );
                }
                Some(Payload::PredictionFailed(it)) if open.contains(&it.generation_id) => {
                    println!("      failed: {}", it.error_message);
                }
                Some(
                    Payload::GenerationCompleted(it)
                    | Payload::GenerationFailed(it)
                    | Payload::GenerationCancelled(it),
                ) => {
                    open.remove(&it.generation_id);
                }
                _ => (),
            }
        }
        Ok(())
    }
}

async fn open(client: &Client, cursor: &str) -> Result<Streaming<SubscribeResponse>> {
    let mut events = EventServiceClient::new(client.signed.clone());
    let request = SubscribeRequest { cursor: cursor.to_owned() };
    Ok(events.subscribe(request).await?.into_inner())
}

fn short(id: &str) -> &str {
    id.rsplit('-').next().unwrap_or(id)
}

/// Reads the ready predictions of ended generations. Fails if a generation made none.
pub(crate) async fn results(client: &Client, ids: &[String]) -> Result<Vec<Prediction>> {
    let mut generations = GenerationServiceClient::new(client.signed.clone());
    let mut ready = Vec::new();
    for id in ids {
        let request = GetGenerationRequest { id: id.clone() };
        let answer = generations.get_generation(request).await?.into_inner();
        let generation = answer.generation.context("the mesh lost a generation")?;
        if generation.state() != generation::State::Completed {
            let why = generation.error.map(|it| it.message).unwrap_or_default();
            bail!("generation {id} did not complete: {why}");
        }
        let of_this = answer.predictions.into_iter();
        ready.extend(of_this.filter(|it| it.state() == prediction::State::Ready));
    }
    Ok(ready)
}
