//! The store from outside, without a signature. With one: `tests/clients/boto3`.

use std::error::Error;

use axum::body::Body;
use clap::CommandFactory;
use http::{Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use tempfile::TempDir;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

async fn start(root: &TempDir) -> Result<bucket::Running> {
    let config = bucket::Config {
        listen_addr: ([127, 0, 0, 1], 0).into(),
        root: root.path().to_owned(),
        access_key: "key".to_owned(),
        secret_key: "secret".into(),
        buckets: vec!["photos".to_owned()],
    };
    Ok(bucket::start(config).await?)
}

async fn send(request: Request<Body>) -> Result<Response<Incoming>> {
    Ok(Client::builder(TokioExecutor::new()).build_http().request(request).await?)
}

#[test]
fn the_settings_are_consistent() {
    bucket::Config::command().debug_assert();
}

#[tokio::test]
async fn a_stranger_is_refused() -> Result {
    let root = TempDir::new()?;
    let store = start(&root).await?;
    for method in ["GET", "PUT", "DELETE"] {
        let uri = format!("{}/photos/a", store.endpoint());
        let response =
            send(Request::builder().method(method).uri(uri).body(Body::empty())?).await?;
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
        let body = response.into_body().collect().await?.to_bytes();
        assert!(String::from_utf8_lossy(&body).contains("AccessDenied"));
    }
    store.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_browser_may_put_from_any_origin() -> Result {
    let root = TempDir::new()?;
    let store = start(&root).await?;
    let request = Request::builder()
        .method("OPTIONS")
        .uri(format!("{}/photos/a", store.endpoint()))
        .header(header::ORIGIN, "http://localhost:5173")
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "PUT")
        .header(header::ACCESS_CONTROL_REQUEST_HEADERS, "content-type");
    let response = send(request.body(Body::empty())?).await?;
    assert_eq!(response.status(), StatusCode::OK);
    for name in [
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        header::ACCESS_CONTROL_ALLOW_METHODS,
        header::ACCESS_CONTROL_ALLOW_HEADERS,
    ] {
        assert_eq!(response.headers()[name], "*");
    }
    Ok(())
}

#[tokio::test]
async fn it_says_that_it_is_well_until_it_is_stopped() -> Result {
    let root = TempDir::new()?;
    let store = start(&root).await?;
    let uri = format!("{}/-/health", store.endpoint());
    let response = send(Request::get(&uri).body(Body::empty())?).await?;
    assert_eq!(response.status(), StatusCode::OK);
    store.stop().await;
    assert!(send(Request::get(&uri).body(Body::empty())?).await.is_err());
    Ok(())
}

#[tokio::test]
async fn a_taken_port_is_named() -> Result {
    let root = TempDir::new()?;
    let store = start(&root).await?;
    let config = bucket::Config {
        listen_addr: store.addr,
        root: root.path().to_owned(),
        access_key: "key".to_owned(),
        secret_key: "secret".into(),
        buckets: Vec::new(),
    };
    let error = bucket::start(config).await.err().ok_or("started twice")?;
    assert_eq!(error.to_string(), format!("cannot listen on {}", store.addr));
    Ok(())
}
