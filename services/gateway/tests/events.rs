//! The stream of events: what is missed, what is repeated, what is somebody else's.

use std::error::Error;

use api::sartiq::event::v1::event_service_client::EventServiceClient;
use api::sartiq::event::v1::subscribe_response::Message as Told;
use api::sartiq::event::v1::{Event, PollRequest, SubscribeRequest, SubscribeResponse};
use prost::Message;
use server::Role;
use testkit::{reason, token};
use tonic::transport::Endpoint;
use tonic::{Code, Request, Streaming};
use types::id::OrganizationId;

use crate::upstream::Door;

type Result<T = (), E = Box<dyn Error>> = std::result::Result<T, E>;

/// Appends events as catalog's relay would.
struct Source {
    redis: redis::aio::MultiplexedConnection,
    key: String,
}

impl Source {
    async fn open(door: &Door) -> Result<Self> {
        let redis =
            redis::Client::open(testkit::redis_url())?.get_multiplexed_async_connection().await?;
        Ok(Self { redis, key: format!("{}events:catalog", door.prefix) })
    }

    async fn tell(&mut self, position: i64, organization: OrganizationId) -> Result {
        let event = Event {
            source: "catalog".to_owned(),
            position,
            organization_id: organization.to_string(),
            ..Event::default()
        };
        let () = redis::cmd("XADD")
            .arg(&self.key)
            .arg(format!("{position}-0"))
            .arg("event")
            .arg(event.encode_to_vec())
            .query_async(&mut self.redis)
            .await?;
        Ok(())
    }

    async fn forget_all(&mut self) -> Result {
        let () = redis::cmd("DEL").arg(&self.key).query_async(&mut self.redis).await?;
        Ok(())
    }

    async fn forget_before(&mut self, position: i64) -> Result {
        let () = redis::cmd("XTRIM")
            .arg(&self.key)
            .arg("MINID")
            .arg(position)
            .query_async(&mut self.redis)
            .await?;
        Ok(())
    }
}

fn signed<M>(message: M, organization: OrganizationId) -> Result<Request<M>> {
    let mut request = Request::new(message);
    let bearer = format!("Bearer {}", token(Role::Viewer, organization));
    request.metadata_mut().insert("authorization", bearer.parse()?);
    Ok(request)
}

async fn client(door: &Door) -> Result<EventServiceClient<tonic::transport::Channel>> {
    Ok(EventServiceClient::new(Endpoint::from_shared(door.url.clone())?.connect().await?))
}

async fn positions(
    stream: &mut Streaming<SubscribeResponse>,
    n: usize,
) -> Result<(Vec<i64>, String)> {
    let mut found = Vec::new();
    let mut cursor = String::new();
    while found.len() < n {
        let message = stream.message().await?.ok_or("the stream ended")?;
        cursor = message.cursor;
        if let Some(Told::Event(event)) = message.message {
            found.push(event.position);
        }
    }
    Ok((found, cursor))
}

#[tokio::test]
async fn a_subscriber_that_comes_back_misses_nothing_and_sees_nothing_twice() -> Result {
    let door = Door::open().await?;
    let mut source = Source::open(&door).await?;
    let (ours, others) = (OrganizationId::generate(), OrganizationId::generate());
    let mut events = client(&door).await?;
    let subscribe = |cursor: &str| signed(SubscribeRequest { cursor: cursor.to_owned() }, ours);
    let mut stream = events.subscribe(subscribe("")?).await?.into_inner();
    let first = stream.message().await?.ok_or("the stream ended")?;
    assert!(matches!(first.message, Some(Told::Heartbeat(_))), "a stream begins with a heartbeat");
    source.tell(1, ours).await?;
    source.tell(2, others).await?;
    source.tell(3, ours).await?;
    let (seen, cursor) = positions(&mut stream, 2).await?;
    assert_eq!(seen, [1, 3]);
    drop(stream);
    for position in 4..700 {
        source.tell(position, if position % 2 == 0 { ours } else { others }).await?;
    }
    let mut stream = events.subscribe(subscribe(&cursor)?).await?.into_inner();
    let (missed, _) = positions(&mut stream, 348).await?;
    assert_eq!(missed, (4..700).filter(|it| it % 2 == 0).collect::<Vec<_>>());
    source.tell(700, ours).await?;
    assert_eq!(positions(&mut stream, 1).await?.0, [700]);
    Ok(())
}

#[tokio::test]
async fn a_subscriber_that_comes_back_to_a_lost_stream_waits_until_it_is_filled_again() -> Result {
    let door = Door::open().await?;
    let mut source = Source::open(&door).await?;
    let ours = OrganizationId::generate();
    let mut events = client(&door).await?;
    let subscribe = |cursor: &str| signed(SubscribeRequest { cursor: cursor.to_owned() }, ours);
    let mut stays = events.subscribe(subscribe("")?).await?.into_inner();
    let mut leaves = events.subscribe(subscribe("")?).await?.into_inner();
    source.tell(1, ours).await?;
    let cursor = positions(&mut leaves, 1).await?.1;
    drop(leaves);
    source.tell(2, ours).await?;
    source.tell(3, ours).await?;
    // The gateway has read all of it when the stream is lost.
    assert_eq!(positions(&mut stays, 3).await?.0, [1, 2, 3]);
    source.forget_all().await?;
    let mut comes_back = events.subscribe(subscribe(&cursor)?).await?.into_inner();
    let beat = comes_back.message().await?.ok_or("the stream ended")?;
    assert!(matches!(beat.message, Some(Told::Heartbeat(_))));
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    for position in 1..=4 {
        source.tell(position, ours).await?;
    }
    assert_eq!(positions(&mut comes_back, 3).await?.0, [2, 3, 4]);
    Ok(())
}

#[tokio::test]
async fn polling_pages_through_what_was_missed() -> Result {
    let door = Door::open().await?;
    let mut source = Source::open(&door).await?;
    let ours = OrganizationId::generate();
    let mut events = client(&door).await?;
    let start = events.poll(signed(PollRequest::default(), ours)?).await?.into_inner();
    assert!(start.events.is_empty());
    for position in 1..=25 {
        source.tell(position, ours).await?;
    }
    let (mut cursor, mut seen) = (start.cursor, Vec::new());
    while seen.len() < 25 {
        let request = PollRequest { cursor, page_size: 10 };
        let answer = events.poll(signed(request, ours)?).await?.into_inner();
        assert!(answer.events.len() <= 10);
        seen.extend(answer.events.iter().map(|it| it.position));
        cursor = answer.cursor;
    }
    assert_eq!(seen, (1..=25).collect::<Vec<_>>());
    Ok(())
}

#[tokio::test]
async fn a_cursor_that_is_too_old_or_made_up_is_refused() -> Result {
    let door = Door::open().await?;
    let mut source = Source::open(&door).await?;
    let ours = OrganizationId::generate();
    let mut events = client(&door).await?;
    let start = events.poll(signed(PollRequest::default(), ours)?).await?.into_inner();
    for position in 1..=10 {
        source.tell(position, ours).await?;
    }
    source.forget_before(5).await?;
    let old = SubscribeRequest { cursor: start.cursor };
    let status = events.subscribe(signed(old, ours)?).await.err().ok_or("it was taken")?;
    assert_eq!((status.code(), &*reason(&status)), (Code::OutOfRange, "CURSOR_EXPIRED"));
    let made_up = SubscribeRequest { cursor: "nonsense".to_owned() };
    let status = events.subscribe(signed(made_up, ours)?).await.err().ok_or("it was taken")?;
    assert_eq!(
        (status.code(), testkit::fields(&status)),
        (Code::InvalidArgument, vec!["cursor".to_owned()])
    );
    Ok(())
}

#[tokio::test]
async fn an_old_stream_ends_well_and_the_next_goes_on_where_it_ended() -> Result {
    let door = Door::open_with(|it| it.stream_age = std::time::Duration::from_millis(400)).await?;
    let mut source = Source::open(&door).await?;
    let ours = OrganizationId::generate();
    let mut events = client(&door).await?;
    let subscribe = |cursor: &str| signed(SubscribeRequest { cursor: cursor.to_owned() }, ours);
    let mut stream = events.subscribe(subscribe("")?).await?.into_inner();
    let mut cursor = stream.message().await?.ok_or("the stream ended")?.cursor;
    source.tell(1, ours).await?;
    // Ends with OK, not with an error: there is nothing to report.
    while let Some(message) = stream.message().await? {
        cursor = message.cursor;
    }
    source.tell(2, ours).await?;
    let mut stream = events.subscribe(subscribe(&cursor)?).await?.into_inner();
    assert_eq!(positions(&mut stream, 1).await?.0, [2]);
    Ok(())
}

#[tokio::test]
async fn nobody_follows_without_a_token() -> Result {
    let door = Door::open().await?;
    let mut events = client(&door).await?;
    let status = events.subscribe(SubscribeRequest::default()).await.err().ok_or("let in")?;
    assert_eq!((status.code(), &*reason(&status)), (Code::Unauthenticated, "TOKEN_MISSING"));
    Ok(())
}
