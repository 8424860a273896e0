//! How long it takes from a commit until those who listen know.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use api::sartiq::event::v1::SubscribeRequest;
use api::sartiq::event::v1::event::Payload;
use api::sartiq::event::v1::event_service_client::EventServiceClient;
use api::sartiq::event::v1::subscribe_response::Message;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use tonic::transport::Endpoint;

use super::clock;
use super::load::Times;
use super::report::Row;
use super::stage::Stage;
use crate::{Result, Signed, until};

const AREA: &str = "events, from the commit to those who listen at the gateway";

/// How many listen.
const SUBSCRIBERS: [usize; 3] = [1, 100, 1_000];

/// How many streams share a connection.
const SHARING: usize = 20;

/// How many products are made a second, and how many in all.
const RATE: u32 = 20;
const COUNT: u32 = 200;

pub(super) async fn rows(stage: &Stage) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for n in SUBSCRIBERS {
        let before = stage.usage()?;
        let (times, latest) = told(stage, n).await?;
        let used = stage.usage()?.since(&before, &["gateway"], times.len());
        let setting = match n {
            1 => "1 subscriber".to_owned(),
            n => format!("{n} subscribers"),
        };
        let row = |name: &str, figure, unit| Row::new(AREA, &setting, name, figure, unit);
        rows.extend([
            row("p50", times.percentile(50), "ms"),
            row("p99", times.percentile(99), "ms").at_most(50.0),
            row("the last of all who listen: p50", latest.percentile(50), "ms"),
            row("processor, the gateway", used, "µs/told"),
        ]);
    }
    Ok(rows)
}

/// How long it took each of `count` subscribers each time, and the last of them.
async fn told(stage: &Stage, count: usize) -> Result<(Times, Times)> {
    let listening = Arc::new(AtomicUsize::new(0));
    let (stop, stopped) = watch::channel(false);
    let (heard, mut hears) = mpsc::unbounded_channel();
    let mut subscribers = JoinSet::new();
    let mut channel = None;
    for nth in 0..count {
        if nth % SHARING == 0 {
            let endpoint = Endpoint::from_shared(stage.house.gateway.clone())?;
            channel = Some(endpoint.connect().await?);
        }
        let channel = channel.clone().ok_or("no connection")?;
        let client = EventServiceClient::new(stage.owner.over(channel));
        let listening = listening.clone();
        subscribers.spawn(listen(client, listening, heard.clone(), stopped.clone()));
    }
    until(60, async || Ok((listening.load(Ordering::Relaxed) == count).then_some(()))).await?;

    let start = Instant::now();
    for nth in 0..COUNT {
        sleep_until(start + Duration::from_secs(1) / RATE * nth).await;
        stage.product("news").await?;
    }
    let mut times = Times::default();
    let mut latest = std::collections::HashMap::<String, Duration>::new();
    for _ in 0..usize::try_from(COUNT)? * count {
        let heard = timeout(Duration::from_secs(20), hears.recv()).await;
        let (id, took) = heard.map_err(|_| "not all were told")?.ok_or("nobody listens")?;
        times.add(took);
        let last = latest.entry(id).or_default();
        *last = took.max(*last);
    }
    stop.send_replace(true);
    while let Some(done) = subscribers.join_next().await {
        done??;
    }
    Ok((times, latest.into_values().collect()))
}

/// Tells which products it was told of, and how late, until it is told to stop.
async fn listen(
    mut client: EventServiceClient<Signed>,
    listening: Arc<AtomicUsize>,
    heard: mpsc::UnboundedSender<(String, Duration)>,
    mut stopped: watch::Receiver<bool>,
) -> Result {
    let mut stream = client.subscribe(SubscribeRequest::default()).await?.into_inner();
    let mut is_counted = false;
    loop {
        let message = tokio::select! {
            message = stream.message() => message?,
            _ = stopped.wait_for(|it| *it) => return Ok(()),
        };
        let now = clock();
        let answer = message.ok_or("the stream ended")?;
        // The first message says that it listens.
        if !std::mem::replace(&mut is_counted, true) {
            listening.fetch_add(1, Ordering::Relaxed);
        }
        if let Some(Message::Event(event)) = answer.message
            && let Some(Payload::ProductCreated(it)) = event.payload
        {
            let time = SystemTime::try_from(event.time.ok_or("no time")?)?;
            let took = now.saturating_sub(time.duration_since(UNIX_EPOCH)?);
            heard.send((it.product_id, took))?;
        }
    }
}
