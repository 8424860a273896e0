//! What is tried again, how often, and what is not.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use api::sartiq::event::v1::{PollRequest, PollResponse};
use api::sartiq::identity::v1::auth_service_client::AuthServiceClient;
use api::sartiq::identity::v1::{ListSigningKeysRequest, LoginRequest};
use futures::future::{Ready, ready};
use http::{HeaderValue, Request, Response};
use tonic::body::Body;
use tonic::service::Routes;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::Result;
use crate::stub::{self, Stub};

/// An identity that is never available, and counts how often it was asked.
#[derive(Clone, Default)]
struct Down {
    n_asked: Arc<AtomicUsize>,
    pushback: Option<HeaderValue>,
}

impl tonic::server::NamedService for Down {
    const NAME: &'static str = "sartiq.identity.v1.AuthService";
}

impl tower::Service<Request<Body>> for Down {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        self.n_asked.fetch_add(1, Ordering::SeqCst);
        let mut response = Status::unavailable("not now").into_http();
        if let Some(pushback) = &self.pushback {
            response.headers_mut().insert("grpc-retry-pushback-ms", pushback.clone());
        }
        ready(Ok(response))
    }
}

impl Down {
    async fn client(&self) -> AuthServiceClient<testkit::Client> {
        AuthServiceClient::new(testkit::dial(Routes::new(self.clone())).await)
    }

    fn n_asked(&self) -> usize {
        self.n_asked.load(Ordering::SeqCst)
    }
}

fn login() -> LoginRequest {
    LoginRequest { email: "a@b.c".into(), password: "secret".into(), ..LoginRequest::default() }
}

#[tokio::test]
async fn what_may_be_repeated_is_tried_until_it_works() -> Result {
    let stub = Stub::new().poll(|asked| async move {
        match asked.number {
            1 | 2 => Err(Status::unavailable("not now")),
            _ => Ok(PollResponse { cursor: "third".into(), ..PollResponse::default() }),
        }
    });
    let answer = stub::serve(&stub).await.poll(PollRequest::default()).await?.into_inner();
    assert_eq!(answer.cursor, "third");
    let previous: Vec<_> = stub
        .asked()
        .iter()
        .map(|it| it.text("grpc-previous-rpc-attempts").map(str::to_owned))
        .collect();
    assert_eq!(previous, [None, Some("1".to_owned()), Some("2".to_owned())]);
    Ok(())
}

#[tokio::test]
async fn three_attempts_are_enough() -> Result {
    let down = Down::default();
    let status = down.client().await.list_signing_keys(ListSigningKeysRequest {}).await;
    assert_eq!(status.err().map(|it| it.code()), Some(Code::Unavailable));
    assert_eq!(down.n_asked(), 3);
    Ok(())
}

#[tokio::test]
async fn what_may_not_be_repeated_is_tried_once() -> Result {
    let down = Down::default();
    let status = down.client().await.login(login()).await;
    assert_eq!(status.err().map(|it| it.code()), Some(Code::Unavailable));
    assert_eq!(down.n_asked(), 1);
    Ok(())
}

#[tokio::test]
async fn other_refusals_are_final() -> Result {
    for status in [Status::aborted("race"), Status::internal("bug"), Status::unknown("?")] {
        let code = status.code();
        let stub = Stub::new().poll(move |_| ready(Err(status.clone())));
        let refused = stub::serve(&stub).await.poll(PollRequest::default()).await;
        assert_eq!(refused.err().map(|it| it.code()), Some(code));
        assert_eq!(stub.asked().len(), 1, "{code:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_service_may_ask_for_time_or_for_peace() -> Result {
    let stub = Stub::new().poll(|asked| async move {
        if 1 < asked.number {
            return Ok(PollResponse::default());
        }
        let delay = ErrorDetails::with_retry_info(Some(Duration::from_millis(400)));
        Err(Status::with_error_details(Code::Unavailable, "not now", delay))
    });
    let mut client = stub::serve(&stub).await;
    let started = Instant::now();
    client.poll(PollRequest::default()).await?;
    assert!(Duration::from_millis(400) <= started.elapsed());

    let down = Down { pushback: Some(HeaderValue::from_static("-1")), ..Down::default() };
    let status = down.client().await.list_signing_keys(ListSigningKeysRequest {}).await;
    assert!(status.is_err());
    assert_eq!(down.n_asked(), 1);
    Ok(())
}

#[tokio::test]
async fn a_service_in_trouble_is_not_asked_more_and_more() -> Result {
    let down = Down::default();
    let client = down.client().await;
    for _ in 0..50 {
        let _ = client.clone().list_signing_keys(ListSigningKeysRequest {}).await;
    }
    // Without a budget it would be 150.
    assert!((50..=56).contains(&down.n_asked()), "{}", down.n_asked());
    Ok(())
}

#[tokio::test]
async fn retries_end_with_the_deadline() -> Result {
    let stub = Stub::new().poll(|_| async {
        let delay = ErrorDetails::with_retry_info(Some(Duration::from_millis(1900)));
        Err(Status::with_error_details(Code::Unavailable, "not now", delay))
    });
    let mut client = stub::serve(&stub).await;
    let mut request = tonic::Request::new(PollRequest::default());
    request.set_timeout(Duration::from_millis(1800));
    let started = Instant::now();
    let status = client.poll(request).await.err().ok_or("answered")?;
    // What the service said is worth more than that time is up.
    assert_eq!(status.code(), Code::Unavailable);
    assert!(started.elapsed() < Duration::from_millis(1500));
    assert_eq!(stub.asked().len(), 1);
    Ok(())
}
