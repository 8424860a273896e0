//! What a subscriber is sent, and in which order.

use std::time::Duration;

use api::sartiq::event::v1::subscribe_response::Message;
use api::sartiq::event::v1::{Event, Heartbeat, SubscribeResponse};
use server::Mesh;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};
use tonic::Status;
use types::id::OrganizationId;

use crate::cursor::Cursor;
use crate::error::Error;
use crate::hub::{Hub, Told};

/// How often the token of a stream is looked at again.
const VERIFY: Duration = Duration::from_secs(3);

/// How often a quiet stream says that it is alive.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(15);

/// How long a stream that Redis lost may take until it is filled again.
const REFILL: Duration = Duration::from_secs(10);

/// How often it is looked whether it is.
const AGAIN: Duration = Duration::from_millis(50);

/// Reads where `cursor` stands, or where the streams end if it is empty.
pub(crate) async fn stand(hub: &Hub, cursor: &str) -> Result<Cursor, Error> {
    let heads = hub.heads().await.ok_or_else(|| Error::EventsUnavailable(events::Error::Empty))?;
    if cursor.is_empty() {
        return Ok(Cursor::new(heads));
    }
    let cursor = Cursor::decode(cursor).ok_or(Error::CursorMalformed)?;
    for (source, at) in cursor.positions() {
        let (first, _) = hub.stream().ends(source).await.map_err(Error::EventsUnavailable)?;
        if at + 1 < first {
            return Err(Error::CursorExpired);
        }
    }
    // A source that began to publish after the cursor was given out is read from its start.
    let mut positions =
        heads.keys().map(|it| (it.clone(), 0)).collect::<std::collections::BTreeMap<_, _>>();
    positions.extend(cursor.positions().clone());
    Ok(Cursor::new(positions))
}

/// Reads what happened in `organization` after `cursor` in one source, a page at a time.
///
/// Answers the events, and whether the source was read to its end.
pub(crate) async fn page(
    hub: &Hub,
    organization: OrganizationId,
    source: &str,
    cursor: &mut Cursor,
) -> Result<(Vec<Event>, bool), Error> {
    let events =
        hub.stream().range(source, cursor.at(source)).await.map_err(Error::EventsUnavailable)?;
    let Some(last) = events.last().map(|it| it.position) else { return Ok((events, true)) };
    cursor.advance(source, last);
    let organization = organization.to_string();
    Ok((events.into_iter().filter(|it| it.organization_id == organization).collect(), false))
}

/// Adds what happened after `cursor` in one source to `events`, until there are `limit` of them.
pub(crate) async fn fill(
    hub: &Hub,
    organization: OrganizationId,
    source: &str,
    cursor: &mut Cursor,
    events: &mut Vec<Event>,
    limit: usize,
) -> Result<(), Error> {
    while events.len() < limit {
        let mut read = cursor.clone();
        let (page, is_end) = page(hub, organization, source, &mut read).await?;
        let room = limit - events.len();
        if room < page.len() {
            // The cursor stays at the last event that is answered, not at the last that was read.
            cursor.advance(source, page[room - 1].position);
            events.extend(page.into_iter().take(room));
            return Ok(());
        }
        *cursor = read;
        events.extend(page);
        if is_end {
            break;
        }
    }
    Ok(())
}

/// A stream on its way to one subscriber.
pub(crate) struct Subscription {
    pub(crate) organization: OrganizationId,
    pub(crate) cursor: Cursor,
    pub(crate) live: broadcast::Receiver<Told>,
    pub(crate) out: mpsc::Sender<Result<SubscribeResponse, Status>>,
    pub(crate) end: Instant,
    pub(crate) mesh: Mesh,
    pub(crate) token: String,
}

/// The subscriber has left.
struct Gone;

impl Subscription {
    /// Sends until the subscriber leaves, its time is up, its token ends, or it is too slow.
    pub(crate) async fn run(mut self, hub: &Hub) {
        let (out, mesh, token) = (self.out.clone(), self.mesh.clone(), self.token.clone());
        let refused = tokio::select! {
            // A stream outlives no sign-in: expired and revoked tokens end it.
            status = invalid(&mesh, &token) => Some(status),
            result = self.send_all(hub) => match result {
                Ok(Err(error)) => Some(error.into()),
                Ok(Ok(())) | Err(Gone) => None,
            },
        };
        if let Some(status) = refused {
            let _ = out.try_send(Err(status));
        }
    }

    async fn send_all(&mut self, hub: &Hub) -> Result<Result<(), Error>, Gone> {
        // At once, so that the client knows that it is heard, and has a cursor.
        self.heartbeat().await?;
        // First what the client missed; what happens meanwhile waits in the channel.
        // A stream that Redis lost is filled again from its beginning. Until it is as long as it was, its
        // end is not where the live events begin.
        let Some(heads) = hub.heads().await else {
            return Ok(Err(Error::EventsUnavailable(events::Error::Empty)));
        };
        let late = Instant::now() + REFILL;
        let sources: Vec<String> = self.cursor.positions().keys().cloned().collect();
        for source in sources {
            loop {
                let mut read = self.cursor.clone();
                let (events, is_end) = match page(hub, self.organization, &source, &mut read).await
                {
                    Ok(page) => page,
                    Err(error) => return Ok(Err(error)),
                };
                for event in events {
                    self.event(&event).await?;
                }
                self.cursor = read;
                let head = heads.get(&source).copied().unwrap_or_default();
                match is_end {
                    true if head <= self.cursor.at(&source) => break,
                    // What is missing is not remembered anywhere any more.
                    true if late <= Instant::now() => return Ok(Err(Error::CursorExpired)),
                    true => tokio::time::sleep(AGAIN).await,
                    false => (),
                }
            }
        }
        let mut beat = tokio::time::interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(self.end) => return Ok(Ok(())),
                () = self.out.closed() => return Err(Gone),
                _ = beat.tick() => self.heartbeat().await?,
                event = self.live.recv() => match event {
                    Ok(event) => self.event(&event).await?,
                    Err(RecvError::Lagged(_)) => return Ok(Err(Error::SlowConsumer)),
                    Err(RecvError::Closed) => return Ok(Ok(())),
                },
            }
        }
    }

    /// Sends `event`, unless it was sent before.
    async fn event(&mut self, event: &Event) -> Result<(), Gone> {
        let is_ephemeral = event.position == 0;
        if !is_ephemeral && !self.cursor.advance(&event.source, event.position) {
            return Ok(());
        }
        self.send(Message::Event(event.clone())).await
    }

    async fn heartbeat(&self) -> Result<(), Gone> {
        let time = std::time::SystemTime::now().into();
        self.send(Message::Heartbeat(Heartbeat { time: Some(time) })).await
    }

    async fn send(&self, message: Message) -> Result<(), Gone> {
        let response = SubscribeResponse { message: Some(message), cursor: self.cursor.encode() };
        // A client that reads nothing holds one task and one small queue, and only for so long.
        match tokio::time::timeout(HEARTBEAT * 2, self.out.send(Ok(response))).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Gone),
        }
    }
}

/// Waits until `token` holds no more.
async fn invalid(mesh: &Mesh, token: &str) -> Status {
    loop {
        tokio::time::sleep(VERIFY).await;
        if let Err(status) = mesh.verify(token).await {
            return status;
        }
    }
}
