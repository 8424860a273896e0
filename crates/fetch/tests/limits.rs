//! Sizes, times, types, and what may have been sent.

use std::{
    error::Error as StdError,
    net::SocketAddr,
    time::{Duration, Instant},
};

use axum::{
    Json, Router,
    body::Body,
    http::{StatusCode, header},
    routing::{get, post, put},
};
use bytes::Bytes;
use fetch::{Client, Error, Policy, Request};
use futures::StreamExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

type Result<T = ()> = std::result::Result<T, Box<dyn StdError>>;

async fn serve(router: Router) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let addr = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(addr)
}

/// A server that says exactly this to everyone, then does as `after` says.
async fn raw(answer: &'static [u8], after: Duration) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let addr = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 4096];
                let _ = socket.read(&mut request).await;
                let _ = socket.write_all(answer).await;
                tokio::time::sleep(after).await;
            });
        }
    });
    Ok(addr)
}

fn client(policy: Policy) -> Result<Client> {
    Ok(Client::new(Policy { allow_private: true, ..policy })?)
}

#[tokio::test]
async fn an_answer_that_admits_its_size_is_refused_at_once() -> Result {
    let addr = raw(b"HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n", Duration::MAX).await?;
    let client = client(Policy { max_bytes: 1000, ..Policy::default() })?;
    let started = Instant::now();
    let error = client.get_bytes(&format!("http://{addr}/")).await;
    assert!(matches!(error, Err(Error::TooLarge(1000))), "{error:?}");
    assert!(started.elapsed() < Duration::from_secs(2));
    Ok(())
}

#[tokio::test]
async fn an_endless_answer_is_cut() -> Result {
    let endless = async || {
        let zeros =
            futures::stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from(vec![0; 1000])));
        Body::from_stream(zeros)
    };
    let addr = serve(Router::new().route("/", get(endless))).await?;
    let client = client(Policy { max_bytes: 100_000, ..Policy::default() })?;
    let error = client.download(Request::get(format!("http://{addr}/"))).await;
    assert!(matches!(error, Err(Error::TooLarge(100_000))), "{error:?}");
    let request = Request::get(format!("http://{addr}/")).max_bytes(10);
    assert!(matches!(client.send(request).await, Err(Error::TooLarge(10))));
    Ok(())
}

#[tokio::test]
async fn a_dripping_answer_ends_at_the_deadline() -> Result {
    let drip = async || {
        let drops = futures::stream::repeat(()).then(async |()| {
            tokio::time::sleep(Duration::from_millis(50)).await;
            Ok::<_, std::io::Error>(Bytes::from_static(b"."))
        });
        Body::from_stream(drops)
    };
    let addr = serve(Router::new().route("/", get(drip))).await?;
    let client = client(Policy { timeout: Duration::from_millis(500), ..Policy::default() })?;
    let started = Instant::now();
    let error = client.get_bytes(&format!("http://{addr}/")).await;
    assert!(matches!(error, Err(Error::Timeout)), "{error:?}");
    assert!(started.elapsed() < Duration::from_secs(3));
    Ok(())
}

#[tokio::test]
async fn a_pause_ends_it_sooner() -> Result {
    let addr = raw(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", Duration::MAX).await?;
    let client = client(Policy { idle_timeout: Duration::from_millis(200), ..Policy::default() })?;
    let started = Instant::now();
    let error = client.get_bytes(&format!("http://{addr}/")).await;
    assert!(matches!(error, Err(Error::Timeout)), "{error:?}");
    assert!(started.elapsed() < Duration::from_secs(3));
    Ok(())
}

#[tokio::test]
async fn nobody_there_means_unsent() -> Result {
    let closed = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
    let client = client(Policy::default())?;
    let error = client.get_bytes(&format!("http://{closed}/")).await.err().ok_or("fetched")?;
    assert!(matches!(error, Error::Connect(_)), "{error:?}");
    assert!(error.is_unsent() && error.is_transient());
    let error = client.get_bytes("http://no-such-name.invalid/").await.err().ok_or("fetched")?;
    assert!(error.is_unsent(), "{error:?}");
    let error = client.send(Request::get("no url")).await.err().ok_or("fetched")?;
    assert!(error.is_unsent() && !error.is_transient());
    let request = Request::get(format!("http://{closed}/")).header("x-bad", "line\nbreak");
    assert!(matches!(client.send(request).await, Err(Error::Request(_))));
    Ok(())
}

#[tokio::test]
async fn a_server_that_hangs_up_may_have_understood() -> Result {
    for answer in
        [&b""[..], b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", b"nonsense\r\n\r\n"]
    {
        let addr = raw(answer, Duration::ZERO).await?;
        let client = client(Policy::default())?;
        let request = Request::post(format!("http://{addr}/")).json(&serde_json::json!({"n": 1}));
        let error = client.send(request).await.err().ok_or("answered")?;
        assert!(matches!(error, Error::Broken(_)), "{error:?}");
        assert!(!error.is_unsent() && error.is_transient());
    }
    Ok(())
}

#[tokio::test]
async fn only_the_types_asked_for_are_taken() -> Result {
    let html = async || ([(header::CONTENT_TYPE, "Text/HTML; charset=utf-8")], "<script>");
    let png = async || ([(header::CONTENT_TYPE, "image/png")], "bytes");
    let addr = serve(Router::new().route("/html", get(html)).route("/png", get(png))).await?;
    let client = client(Policy::default())?;
    let request =
        |path| Request::get(format!("http://{addr}{path}")).content_types(&["image/", "video/mp4"]);
    let error = client.download(request("/html")).await;
    assert!(matches!(&error, Err(Error::ContentType(it)) if it == "text/html"), "{error:?}");
    let download = client.download(request("/png")).await?;
    assert_eq!(
        (&download.bytes[..], download.content_type.as_deref()),
        (&b"bytes"[..], Some("image/png"))
    );
    assert_eq!(
        download.sha256_hex(),
        "277089d91c0bdf4f2e6862ba7e4a07605119431f5d13f726dd352b06f1b206a9"
    );
    Ok(())
}

#[tokio::test]
async fn vendors_are_asked_in_json() -> Result {
    let echo = async |Json(body): Json<serde_json::Value>| Json(serde_json::json!({"got": body}));
    let refuse = async || (StatusCode::UNPROCESSABLE_ENTITY, "no such model");
    let store = async |headers: axum::http::HeaderMap, body: Bytes| {
        format!("{}:{}", headers["content-type"].to_str().unwrap_or_default(), body.len())
    };
    let router = Router::new()
        .route("/echo", post(echo))
        .route("/refuse", post(refuse))
        .route("/store", put(store));
    let addr = serve(router).await?;
    let client = client(Policy::default())?;
    let request = Request::post(format!("http://{addr}/echo")).json(&serde_json::json!({"n": 1}));
    let answer: serde_json::Value = client.json(request).await?;
    assert_eq!(answer, serde_json::json!({"got": {"n": 1}}));

    let error = client.send(Request::post(format!("http://{addr}/refuse"))).await?.ok();
    let Err(Error::Status { status, body, .. }) = error else { return Err("taken".into()) };
    assert_eq!((status.as_u16(), body.as_str()), (422, "no such model"));

    let headers = [(header::CONTENT_TYPE, "image/png".parse()?)].into_iter().collect();
    let url = format!("http://{addr}/store");
    let response = client.put_bytes(&url, headers, Bytes::from_static(b"12345")).await?;
    assert_eq!(response.body, "image/png:5");
    Ok(())
}

#[tokio::test]
async fn events_outlast_the_time_limit() -> Result {
    let ticks = async || {
        let ticks = futures::stream::iter(0..5).then(async |n| {
            tokio::time::sleep(Duration::from_millis(100)).await;
            Ok::<_, std::io::Error>(Bytes::from(format!("event: tick\ndata: {{\"n\":{n}}}\n\n")))
        });
        ([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(ticks))
    };
    let addr = serve(Router::new().route("/", get(ticks))).await?;
    let client = client(Policy { timeout: Duration::from_millis(300), ..Policy::default() })?;
    let mut events = client.events(Request::get(format!("http://{addr}/"))).await?;
    let mut numbers = Vec::new();
    while let Some(event) = events.next().await? {
        assert_eq!(event.name, "tick");
        numbers.push(event.json::<serde_json::Value>()?["n"].as_i64());
    }
    assert_eq!(numbers, (0..5).map(Some).collect::<Vec<_>>());
    Ok(())
}
