//! How much of the mesh one caller may use.

use std::error::Error;

use http::{StatusCode, header};
use server::Role;
use testkit::{token, user_token};
use types::id::{OrganizationId, UserId};

use crate::upstream::Door;

type Result<T = (), E = Box<dyn Error>> = std::result::Result<T, E>;

const PATH: &str = "/sartiq.catalog.v1.ProductService/GetProduct";

/// Calls until it is refused, with the token that `token` says each time. Tells how often it was let in.
async fn calls(door: &Door, token: impl Fn() -> Option<String>) -> Result<usize> {
    for n in 0..200 {
        let bearer = token().map(|it| format!("Bearer {it}"));
        let headers: Vec<_> = bearer.iter().map(|it| ("authorization", it.as_str())).collect();
        let answer = door.web(PATH, b"", &headers).await?;
        if answer.code().as_deref() == Some("8") {
            return Ok(n);
        }
    }
    Err("nobody stopped it".into())
}

/// Tells whether nothing is left of a share, but for what comes back while one asks.
async fn is_used_up(call: impl AsyncFn() -> Result<bool>) -> Result<bool> {
    for _ in 0..30 {
        if !call().await? {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn is_let_in(door: &Door, token: Option<&str>) -> Result<bool> {
    let bearer = token.map(|it| format!("Bearer {it}"));
    let headers: Vec<_> = bearer.iter().map(|it| ("authorization", it.as_str())).collect();
    Ok(door.web(PATH, b"", &headers).await?.code().as_deref() != Some("8"))
}

#[tokio::test]
async fn one_user_has_a_share_whatever_tokens_they_have() -> Result {
    let door = Door::open().await?;
    let (user, organization) = (UserId::generate(), OrganizationId::generate());
    let fresh = || Some(user_token(user, Role::Viewer, organization));
    assert!(50 <= calls(&door, fresh).await?, "the burst was not granted");
    // Neither a colleague nor those who are not signed in pay for it.
    assert!(is_let_in(&door, Some(&token(Role::Viewer, organization))).await?);
    assert!(is_let_in(&door, None).await?);
    Ok(())
}

#[tokio::test]
async fn those_who_are_not_signed_in_share_their_address() -> Result {
    let door = Door::open().await?;
    assert!(50 <= calls(&door, || None).await?, "the burst was not granted");
    assert!(is_used_up(async || is_let_in(&door, Some("made-up")).await).await?);
    assert!(is_let_in(&door, Some(&token(Role::Viewer, OrganizationId::generate()))).await?);

    // It holds for files, too, and says when to come back.
    for path in ["/files/1", "/files/1?token=made-up", "/exports/1/download"] {
        let is_let_in = async || {
            let page = door.send("GET", path, "", b"", &[]).await?;
            if page.status != StatusCode::TOO_MANY_REQUESTS {
                return Ok(true);
            }
            let seconds: u64 = page.headers[header::RETRY_AFTER].to_str()?.parse()?;
            assert!((1..=10).contains(&seconds), "{seconds}");
            Ok(false)
        };
        assert!(is_used_up(is_let_in).await?, "{path}");
    }
    let path = format!("/files/1?token={}", token(Role::Viewer, OrganizationId::generate()));
    let file = door.send("GET", &path, "", b"", &[]).await?;
    assert_ne!(file.status, StatusCode::TOO_MANY_REQUESTS);
    // The app opens all the same.
    for _ in 0..100 {
        let page = door.send("GET", "/", "", b"", &[]).await?;
        assert_ne!(page.status, StatusCode::TOO_MANY_REQUESTS);
    }
    Ok(())
}

#[tokio::test]
async fn tokens_that_are_made_up_get_nobody_a_share_of_their_own() -> Result {
    let door = Door::open().await?;
    let n_calls = calls(&door, || Some(uuid::Uuid::new_v4().to_string())).await?;
    assert!((50..100).contains(&n_calls), "{n_calls}");
    assert!(is_used_up(async || is_let_in(&door, None).await).await?);
    Ok(())
}

#[tokio::test]
async fn behind_a_proxy_each_address_has_its_own_share() -> Result {
    let door = Door::open_with(|it| it.proxy_count = 1).await?;
    let call = async |from: &str| {
        let answer = door.web(PATH, b"", &[("x-forwarded-for", from)]).await?;
        let is_let_in = answer.code().as_deref() != Some("8");
        if is_let_in {
            let seen: serde_json::Value = serde_json::from_slice(&answer.message()?)?;
            let seen = seen["headers"]["x-forwarded-for"].as_str().map(str::to_owned);
            assert_eq!(seen.as_deref(), from.rsplit(", ").next(), "services limit by it, too");
        }
        Ok::<_, Box<dyn Error>>(is_let_in)
    };
    let mut n_calls = 0;
    while call("192.0.2.7").await? {
        n_calls += 1;
        assert!(n_calls < 200, "nobody stopped it");
    }
    // What the caller made up stands before what the proxy added.
    assert!(is_used_up(async || call("198.51.100.3, 192.0.2.7").await).await?);
    assert!(call("198.51.100.3").await?);
    assert!(call("192.0.2.7, 198.51.100.3").await?);
    Ok(())
}
