//! Every call ends, at the time that its caller set.

use std::time::{Duration, Instant};

use api::sartiq::event::v1::event_service_client::EventServiceClient;
use api::sartiq::event::v1::{PollRequest, PollResponse, SubscribeRequest};
use futures::StreamExt;
use server::{Config, Mesh};
use tonic::{Code, Request};

use crate::stub::{self, Stub};
use crate::{Result, raw};

const POLL: &str = "/sartiq.event.v1.EventService/Poll";

fn slow() -> Stub {
    Stub::new().poll(|_| async {
        tokio::time::sleep(Duration::from_secs(60)).await;
        Ok(PollResponse::default())
    })
}

fn within<M>(millis: u64, message: M) -> Request<M> {
    let mut request = Request::new(message);
    request.set_timeout(Duration::from_millis(millis));
    request
}

fn signed<M>(mut request: Request<M>) -> Request<M> {
    let bearer = raw::bearer().parse().expect("a token is a header");
    request.metadata_mut().insert("authorization", bearer);
    request
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_answered_with_that() -> Result {
    let url = testkit::serve_at(&testkit::mesh("test"), slow().routes()).await;
    let started = Instant::now();
    let headers = [("authorization", &*raw::bearer()), ("grpc-timeout", "200m")];
    let answer = raw::call(&url, POLL, &headers).await?;
    assert_eq!(answer.text("grpc-status"), Some("4"));
    assert!(started.elapsed() < Duration::from_secs(2));
    Ok(())
}

#[tokio::test]
async fn plain_tonic_says_cancelled_where_we_say_deadline_exceeded() -> Result {
    let url = stub::serve_plainly(slow().routes()).await;
    let plain = tonic::transport::Endpoint::from_shared(url.clone())?.connect_lazy();
    let mut plain = EventServiceClient::new(plain);
    let status = plain.poll(within(200, PollRequest::default())).await.err().ok_or("answered")?;
    assert_eq!(status.code(), Code::Cancelled);

    let mut ours = EventServiceClient::new(testkit::mesh("test").channel(&url)?);
    let status = ours.poll(within(200, PollRequest::default())).await.err().ok_or("answered")?;
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert_eq!(testkit::reason(&status), "DEADLINE");
    Ok(())
}

#[tokio::test]
async fn no_call_takes_longer_than_the_longest() -> Result {
    let config = Config { longest_call: Duration::from_millis(200), ..testkit::config() };
    let mesh = Mesh::testing_with("test", testkit::keys("test"), config);
    let url = testkit::serve_at(&mesh, slow().routes()).await;
    for timeout in [None, Some("1H")] {
        let bearer = raw::bearer();
        let mut headers = vec![("authorization", &*bearer)];
        headers.extend(timeout.map(|it| ("grpc-timeout", it)));
        let answer = raw::call(&url, POLL, &headers).await?;
        assert_eq!(answer.text("grpc-status"), Some("4"), "{timeout:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_stream_ends_when_its_caller_said_so() -> Result {
    let url = testkit::serve_at(&testkit::mesh("test"), Stub::new().routes()).await;
    // tonic's own client, which lets streams go on for ever: the end is the server's doing.
    let plain = tonic::transport::Endpoint::from_shared(url)?.connect_lazy();
    let request = signed(within(300, SubscribeRequest::default()));
    let mut events = EventServiceClient::new(plain).subscribe(request).await?.into_inner();
    let end = tokio::time::timeout(Duration::from_secs(2), events.next()).await?;
    let status = end.ok_or("ended well")?.err().ok_or("an event")?;
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert_eq!(testkit::reason(&status), "DEADLINE");
    Ok(())
}

#[tokio::test]
async fn plain_tonic_lets_streams_go_on() -> Result {
    let url = stub::serve_plainly(Stub::new().routes()).await;
    let plain = tonic::transport::Endpoint::from_shared(url.clone())?
        .timeout(Duration::from_millis(200))
        .connect_lazy();
    let request = within(200, SubscribeRequest::default());
    let mut events = EventServiceClient::new(plain).subscribe(request).await?.into_inner();
    let silent = tokio::time::timeout(Duration::from_millis(800), events.next()).await;
    assert!(silent.is_err(), "plain tonic ended the stream: this layer may go");

    // Ours ends it from the side of the client, too.
    let mut ours = EventServiceClient::new(testkit::mesh("test").channel(&url)?);
    let request = within(200, SubscribeRequest::default());
    let mut events = ours.subscribe(request).await?.into_inner();
    let end = tokio::time::timeout(Duration::from_secs(2), events.next()).await?;
    let status = end.ok_or("ended well")?.err().ok_or("an event")?;
    assert_eq!(status.code(), Code::DeadlineExceeded);
    Ok(())
}

#[tokio::test]
async fn a_stream_without_a_deadline_outlives_the_longest_call() -> Result {
    let config = Config { longest_call: Duration::from_millis(100), ..testkit::config() };
    let mesh = Mesh::testing_with("test", testkit::keys("test"), config);
    let channel = testkit::serve(mesh, Stub::new().routes()).await;
    let mut events =
        stub::viewer(&channel).subscribe(SubscribeRequest::default()).await?.into_inner();
    let silent = tokio::time::timeout(Duration::from_millis(400), events.next()).await;
    assert!(silent.is_err());
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_done_in_time_is_not_begun() -> Result {
    let stub = Stub::new();
    let url = testkit::serve_at(&testkit::mesh("test"), stub.routes()).await;
    let headers = [("authorization", &*raw::bearer()), ("grpc-timeout", "19m")];
    let answer = raw::call(&url, POLL, &headers).await?;
    assert_eq!(answer.text("grpc-status"), Some("4"));
    assert!(stub.asked().is_empty());
    Ok(())
}

#[tokio::test]
async fn what_is_left_of_a_deadline_goes_on_to_the_next_service() -> Result {
    let inner = Stub::new();
    let inner_url = testkit::serve_at(&testkit::mesh("inner"), inner.routes()).await;
    let channel = testkit::mesh("middle").channel(&inner_url)?;
    let channel =
        testkit::as_role(&channel, server::Role::Viewer, types::id::OrganizationId::generate());
    let outer = Stub::new().poll(move |asked| {
        let mut inner = EventServiceClient::new(channel.clone());
        async move {
            tokio::time::sleep(Duration::from_millis(300)).await;
            let caller = asked.caller.ok_or_else(|| tonic::Status::internal("nobody"))?;
            Ok(inner.poll(caller.call(PollRequest::default())).await?.into_inner())
        }
    });
    let mut client = stub::serve(&outer).await;
    let mut request = within(1000, PollRequest::default());
    request.metadata_mut().insert("x-request-id", "story-1".parse()?);
    client.poll(request).await?;

    let [asked] = &inner.asked()[..] else { return Err("one call".into()) };
    let left = asked.caller.as_ref().and_then(|it| it.deadline).ok_or("no deadline")?;
    let text = asked.text("grpc-timeout").ok_or("no timeout")?;
    let micros: u64 = text.trim_end_matches('u').parse()?;
    assert!((400_000..=650_000).contains(&micros), "{text}");
    assert!(left < Instant::now() + Duration::from_millis(650));
    assert_eq!(asked.text("x-request-id"), Some("story-1"));
    Ok(())
}

#[tokio::test]
async fn a_call_without_a_deadline_gets_one() -> Result {
    let stub = Stub::new();
    stub::serve(&stub).await.poll(PollRequest::default()).await?;
    let [asked] = &stub.asked()[..] else { return Err("one call".into()) };
    assert!(asked.text("grpc-timeout").is_some());
    Ok(())
}
