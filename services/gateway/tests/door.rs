//! What the door lets in, and how it passes it on.

use std::error::Error;
use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use serde_json::Value;
use testkit::token;
use types::id::OrganizationId;

use crate::upstream::{Door, GRPC_WEB, frame};

type Result<T = (), E = Box<dyn Error>> = std::result::Result<T, E>;

const PATH: &str = "/sartiq.catalog.v1.ProductService/GetProduct";

fn status(headers: &HeaderMap) -> Option<&str> {
    headers.get("grpc-status").and_then(|it| it.to_str().ok())
}

#[tokio::test]
async fn a_call_is_forwarded_as_it_is_and_without_what_only_members_may_say() -> Result {
    let door = Door::open().await?;
    let bearer = format!("Bearer {}", token(server::Role::Viewer, OrganizationId::generate()));
    let headers = [
        ("authorization", bearer.as_str()),
        ("x-sartiq-organization", "somebody else's"),
        ("x-sartiq-user", "somebody else"),
        ("cookie", "a=b"),
        ("x-request-id", "a-request"),
        ("x-forwarded-for", "192.0.2.7"),
    ];
    let answer = door.web(PATH, b"hello", &headers).await?;
    assert_eq!(answer.status, StatusCode::OK);
    // The stand-in answers with what it was sent: path, headers and message.
    let seen: Value = serde_json::from_slice(&answer.message()?)?;
    assert_eq!(seen["path"], PATH);
    assert_eq!(seen["message"], "hello");
    assert_eq!(seen["headers"]["authorization"], bearer);
    assert_eq!(seen["headers"]["x-request-id"], "a-request");
    assert_eq!(seen["headers"]["x-forwarded-for"], "127.0.0.1", "whom nobody vouches for");
    for name in ["x-sartiq-organization", "x-sartiq-user", "cookie", "origin"] {
        assert_eq!(seen["headers"][name], Value::Null, "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn a_package_that_nobody_answers_is_unimplemented() -> Result {
    let door = Door::open().await?;
    for path in ["/sartiq.nothing.v1.XService/Y", "/sartiq.provider.v1.ProviderService/Run"] {
        let answer = door.web(path, b"", &[]).await?;
        assert_eq!(status(&answer.headers), Some("12"), "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn pages_of_other_origins_are_refused_before_anything_is_read() -> Result {
    let door = Door::open().await?;
    let evil = door.web(PATH, b"", &[("origin", "https://evil.example")]).await?;
    assert_eq!(status(&evil.headers), Some("7"));
    assert_eq!(evil.headers.get(header::ACCESS_CONTROL_ALLOW_ORIGIN), None);
    let own = door.web(PATH, b"", &[("origin", &door.url)]).await?;
    assert_eq!(own.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], door.url);
    let listed = door.web(PATH, b"", &[("origin", "https://app.example.com")]).await?;
    assert_eq!(listed.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], "https://app.example.com");
    let exposed = listed.headers[header::ACCESS_CONTROL_EXPOSE_HEADERS].to_str()?;
    assert!(exposed.contains("grpc-status-details-bin"), "{exposed}");
    Ok(())
}

#[tokio::test]
async fn what_is_neither_a_call_nor_a_page_is_refused_by_its_type() -> Result {
    let door = Door::open().await?;
    let json = door.send("POST", PATH, "application/json", b"{}", &[]).await?;
    assert_eq!(json.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let old = door.send("POST", PATH, "application/grpc", &frame(b""), &[]).await?;
    assert_eq!(old.status, StatusCode::HTTP_VERSION_NOT_SUPPORTED);
    let get = door.send("GET", PATH, GRPC_WEB, b"", &[]).await?;
    assert_eq!(get.status, StatusCode::METHOD_NOT_ALLOWED);
    let page = door.send("GET", "/", "", b"", &[]).await?;
    assert_eq!(page.status, StatusCode::NOT_FOUND, "there is no web app here");
    assert_eq!(page.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    Ok(())
}

#[tokio::test]
async fn a_slow_upstream_does_not_outlive_the_callers_patience() -> Result {
    let door = Door::open().await?;
    let began = std::time::Instant::now();
    let answer =
        door.web("/sartiq.catalog.v1.ProductService/Slow", b"", &[("grpc-timeout", "300m")]);
    let answer = answer.await?;
    assert_eq!(answer.code(), Some("4".to_owned()));
    assert!(began.elapsed() < Duration::from_secs(3));
    Ok(())
}
