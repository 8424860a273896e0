//! Answers, good and bad: each names its request, each refusal its reason.

use std::sync::Arc;
use std::time::Duration;

use api::sartiq::event::v1::{PollRequest, PollResponse, SubscribeRequest};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use server::{Config, Mesh};
use tokio::sync::Semaphore;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use crate::stub::{self, Stub};
use crate::{Result, raw};

const POLL: &str = "/sartiq.event.v1.EventService/Poll";

async fn refused(stub: &Stub) -> Result<Status> {
    let mut client = stub::serve(stub).await;
    let mut request = Request::new(PollRequest::default());
    request.metadata_mut().insert("x-request-id", "story-7".parse()?);
    Ok(client.poll(request).await.err().ok_or("answered")?)
}

#[tokio::test]
async fn every_answer_names_its_request() -> Result {
    let url = testkit::serve_at(&testkit::mesh("test"), Stub::new().routes()).await;
    let bearer = raw::bearer();
    let ask = async |id: Option<&str>| {
        let mut headers = vec![("authorization", &*bearer)];
        headers.extend(id.map(|it| ("x-request-id", it)));
        let answer = raw::call(&url, POLL, &headers).await?;
        Ok::<_, crate::Failure>(answer.text("x-request-id").unwrap_or_default().to_owned())
    };
    assert_eq!(ask(Some("story-1")).await?, "story-1");
    assert_eq!(ask(None).await?.len(), 36);
    assert_eq!(ask(Some("no such id!")).await?.len(), 36);
    Ok(())
}

#[tokio::test]
async fn a_refusal_names_its_reason_and_its_request() -> Result {
    let stub = Stub::new().poll(|_| async { Err(Status::not_found("no such cursor")) });
    let status = refused(&stub).await?;
    assert_eq!(status.code(), Code::NotFound);
    assert_eq!(status.message(), "no such cursor");
    let info = status.get_details_error_info().ok_or("no info")?;
    assert_eq!((&*info.reason, &*info.domain), ("NOT_FOUND", "sartiq"));
    assert_eq!(info.metadata.get("request_id").map(String::as_str), Some("story-7"));
    Ok(())
}

#[tokio::test]
async fn what_went_wrong_inside_stays_inside() -> Result {
    let stub = Stub::new().poll(|_| async { Err(Status::internal("password is hunter2")) });
    let status = refused(&stub).await?;
    assert_eq!((status.code(), status.message()), (Code::Internal, "internal error"));
    assert!(!format!("{status:?}").contains("hunter2"));
    Ok(())
}

#[tokio::test]
async fn a_panic_is_an_answer_and_the_process_lives_on() -> Result {
    let stub = Stub::new().poll(|asked| async move {
        if asked.number == 1 {
            panic!("on purpose");
        }
        Ok(PollResponse::default())
    });
    let mut client = stub::serve(&stub).await;
    let status = client.poll(PollRequest::default()).await.err().ok_or("answered")?;
    assert_eq!((status.code(), &*testkit::reason(&status)), (Code::Internal, "INTERNAL"));
    assert_eq!(status.message(), "internal error");
    assert!(testkit::metadata(&status).contains_key("request_id"));
    client.poll(PollRequest::default()).await?;
    Ok(())
}

#[tokio::test]
async fn a_panic_within_a_stream_is_its_end() -> Result {
    let stub = Stub::new().subscribe(|_| async {
        let events = futures::stream::iter([1, 2]).then(|number| async move {
            if number == 1 {
                return Ok(Default::default());
            }
            // Messages that are ready together travel, and here perish, together.
            tokio::time::sleep(Duration::from_millis(50)).await;
            panic!("on purpose")
        });
        Ok(Box::pin(events) as stub::Events)
    });
    let mut events =
        stub::serve(&stub).await.subscribe(SubscribeRequest::default()).await?.into_inner();
    assert!(events.next().await.is_some_and(|it| it.is_ok()));
    let status = events.next().await.ok_or("ended well")?.err().ok_or("an event")?;
    assert_eq!((status.code(), &*testkit::reason(&status)), (Code::Internal, "INTERNAL"));
    Ok(())
}

#[tokio::test]
async fn plain_tonic_resets_the_stream_on_a_panic() -> Result {
    let stub = Stub::new().poll(|_| async { panic!("on purpose") });
    let url = stub::serve_plainly(stub.routes()).await;
    let plain = tonic::transport::Endpoint::from_shared(url)?.connect_lazy();
    let mut plain = api::sartiq::event::v1::event_service_client::EventServiceClient::new(plain);
    let status = plain.poll(PollRequest::default()).await.err().ok_or("answered")?;
    assert_ne!(status.code(), Code::Internal, "plain tonic answers: this layer may go");
    Ok(())
}

#[tokio::test]
async fn refusals_within_a_stream_are_complete_too() -> Result {
    let stub = Stub::new().subscribe(|_| async {
        let events = futures::stream::iter([Err(Status::out_of_range("too old"))]);
        Ok(Box::pin(events) as stub::Events)
    });
    let mut client = stub::serve(&stub).await;
    let status = match client.subscribe(SubscribeRequest::default()).await {
        Ok(events) => events.into_inner().next().await.ok_or("ended well")?.err(),
        Err(status) => Some(status),
    };
    let status = status.ok_or("an event")?;
    assert_eq!((status.code(), &*testkit::reason(&status)), (Code::OutOfRange, "OUT_OF_RANGE"));
    assert!(testkit::metadata(&status).contains_key("request_id"));
    Ok(())
}

#[tokio::test]
async fn broken_rules_are_told_field_by_field() -> Result {
    let mut client = stub::serve(&Stub::new()).await;
    let request = PollRequest { cursor: "x".repeat(2000), page_size: -1 };
    let status = client.poll(request).await.err().ok_or("answered")?;
    assert_eq!(
        (status.code(), &*testkit::reason(&status)),
        (Code::InvalidArgument, "FIELD_INVALID")
    );
    assert_eq!(testkit::fields(&status), ["cursor", "page_size"]);
    let details = status.get_details_bad_request().ok_or("no details")?;
    let sentences: Vec<_> = details.field_violations.iter().map(|it| &*it.description).collect();
    assert_eq!(sentences, ["must have at most 1024 characters", "must be at least 0"]);
    Ok(())
}

#[tokio::test]
async fn what_is_too_large_is_refused_before_it_is_read() -> Result {
    let stub = Stub::new();
    let mut client = stub::serve(&stub).await;
    let request = PollRequest { cursor: "x".repeat(2 * server::MAX_RECEIVE), page_size: 0 };
    let status = client.poll(request).await.err().ok_or("answered")?;
    assert_eq!((status.code(), &*testkit::reason(&status)), (Code::ResourceExhausted, "TOO_LARGE"));
    assert!(stub.asked().is_empty());
    let request = PollRequest { cursor: "x".repeat(server::MAX_RECEIVE - 100), page_size: 0 };
    let status = client.poll(request).await.err().ok_or("answered")?;
    assert_eq!(status.code(), Code::InvalidArgument);
    Ok(())
}

#[tokio::test]
async fn bytes_that_are_no_message_are_refused_with_a_reason() -> Result {
    let url = testkit::serve_at(&testkit::mesh("test"), Stub::new().routes()).await;
    let headers = [("authorization", &*raw::bearer())];
    let answer = raw::call_with(&url, POLL, &headers, b"\xff\xff\xff").await?;
    assert_ne!(answer.text("grpc-status"), Some("0"));
    assert!(answer.text("grpc-status-details-bin").is_some());
    Ok(())
}

#[tokio::test]
async fn too_much_at_once_is_refused_at_once_and_health_is_not() -> Result {
    let gate = Arc::new(Semaphore::new(0));
    let entrance = Arc::clone(&gate);
    let stub = Stub::new().poll(move |_| {
        let entrance = Arc::clone(&entrance);
        async move {
            let _ = entrance.acquire().await;
            Ok(PollResponse::default())
        }
    });
    let config = Config { concurrency: 2, ..testkit::config() };
    let mesh = Mesh::testing_with("test", testkit::keys("test"), config);
    let url = testkit::serve_at(&mesh, stub.routes()).await;
    let bearer = raw::bearer();
    let headers = [("authorization", &*bearer)];
    let mut calls: FuturesUnordered<_> = (0..8).map(|_| raw::call(&url, POLL, &headers)).collect();
    for _ in 0..6 {
        let answer = calls.next().await.ok_or("no answer")??;
        assert_eq!(answer.text("grpc-status"), Some("14"));
        let status = Status::from_header_map(&answer.headers).ok_or("no status")?;
        assert_eq!(testkit::reason(&status), "OVERLOADED");
        assert!(status.get_details_retry_info().is_some());
    }
    let health = raw::call(&url, "/grpc.health.v1.Health/Check", &[]).await?;
    assert_eq!(health.text("grpc-status"), Some("0"));
    gate.close();
    while let Some(answer) = calls.next().await {
        assert_eq!(answer?.text("grpc-status"), Some("0"));
    }
    Ok(())
}
