//! Nobody is believed without proof, and nobody may more than the table says.

use std::time::{Duration, SystemTime};

use api::sartiq::event::v1::PollRequest;
use api::sartiq::media::v1::media_service_server::MediaServiceServer;
use serde_json::{Value, json};
use server::{Keys, Mesh, Role};
use testkit::{Claims, Client, Signer};
use tonic::Code;
use types::id::{OrganizationId, SessionId, UserId};

use crate::stub::Stub;
use crate::{Result, raw};

const POLL: &str = "/sartiq.event.v1.EventService/Poll";

fn claims() -> Claims {
    Claims::user(UserId::generate(), Role::Viewer, OrganizationId::generate())
}

/// Polls with `token` and returns the code and the reason.
async fn ask(channel: &Client, token: &str) -> Result<(Code, String)> {
    let channel = testkit::signed(channel, token);
    let mut client = api::sartiq::event::v1::event_service_client::EventServiceClient::new(channel);
    match client.poll(PollRequest::default()).await {
        Ok(_) => Ok((Code::Ok, String::new())),
        Err(status) => Ok((status.code(), testkit::reason(&status))),
    }
}

fn unauthenticated(reason: &str) -> (Code, String) {
    (Code::Unauthenticated, reason.to_owned())
}

fn ok() -> (Code, String) {
    (Code::Ok, String::new())
}

/// Changes one claim, or takes it away.
fn forged(name: &str, value: Value) -> String {
    let mut claims = serde_json::to_value(claims()).expect("claims are JSON");
    let fields = claims.as_object_mut().expect("claims are an object");
    match value {
        Value::Null => fields.remove(name),
        value => fields.insert(name.to_owned(), value),
    };
    testkit::signer().sign(&claims)
}

/// Encodes an unsigned part of a token.
fn part(value: &Value) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let bytes = value.to_string().into_bytes();
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0, |word, byte| word << 8 | usize::from(*byte))
            << (8 * (3 - chunk.len()));
        for index in 0..=chunk.len() {
            text.push(char::from(LETTERS[word >> (18 - 6 * index) & 63]));
        }
    }
    text
}

#[tokio::test]
async fn a_good_token_is_believed() -> Result {
    let stub = Stub::new();
    let channel = testkit::dial(stub.routes()).await;
    let claims = claims();
    assert_eq!(ask(&channel, &testkit::signer().sign(&claims)).await?, ok());
    let caller = stub.asked()[0].caller.clone().ok_or("nobody")?;
    assert_eq!(caller.organization_id.map(|it| it.to_string()), claims.org);
    assert_eq!(caller.user()?.to_string(), claims.sub);
    assert_eq!(caller.session_id.map(|it| it.to_string()), claims.sid);
    assert_eq!(caller.role, Some(Role::Viewer));
    assert_eq!(caller.service, None);
    Ok(())
}

#[tokio::test]
async fn every_forgery_is_refused() -> Result {
    let stub = Stub::new();
    let channel = testkit::dial(stub.routes()).await;
    let now = SystemTime::UNIX_EPOCH.elapsed()?.as_secs();
    let good = testkit::signer().sign(&claims());
    let (head, rest) = good.split_once('.').ok_or("no head")?;
    let (body, signature) = rest.split_once('.').ok_or("no body")?;
    let none = part(&json!({"alg": "none", "typ": "JWT", "kid": "test"}));
    let hmac = part(&json!({"alg": "HS256", "typ": "JWT", "kid": "test"}));
    let kidless = part(&json!({"alg": "EdDSA", "typ": "JWT"}));
    let embedded = part(&json!({"alg": "EdDSA", "kid": "../test", "jku": "http://evil"}));
    let stranger = Signer::generate("test");

    let forgeries = [
        ("not a token", "x".to_owned(), "TOKEN_INVALID"),
        ("nothing", String::new(), "TOKEN_INVALID"),
        ("alg none", format!("{none}.{body}."), "TOKEN_INVALID"),
        ("alg none with a signature", format!("{none}.{body}.{signature}"), "TOKEN_INVALID"),
        ("another algorithm", format!("{hmac}.{body}.{signature}"), "TOKEN_INVALID"),
        ("no key named", format!("{kidless}.{body}.{signature}"), "TOKEN_INVALID"),
        ("a path as key", format!("{embedded}.{body}.{signature}"), "TOKEN_INVALID"),
        ("no signature", format!("{head}.{body}."), "TOKEN_INVALID"),
        ("cut signature", format!("{head}.{body}.{}", &signature[..60]), "TOKEN_INVALID"),
        ("another body", format!("{head}.{}.{signature}", part(&json!({}))), "TOKEN_INVALID"),
        ("another key by the same name", stranger.sign(&claims()), "TOKEN_INVALID"),
        ("an unknown key", Signer::generate("other").sign(&claims()), "TOKEN_INVALID"),
        ("huge", "x".repeat(6000), "TOKEN_INVALID"),
        ("expired", forged("exp", json!(now - 60)), "TOKEN_EXPIRED"),
        ("from the future", forged("iat", json!(now + 600)), "TOKEN_INVALID"),
        ("not yet valid", forged("nbf", json!(now + 600)), "TOKEN_INVALID"),
        ("another issuer", forged("iss", json!("evil")), "TOKEN_INVALID"),
        ("another audience", forged("aud", json!("other")), "TOKEN_INVALID"),
        ("no issuer", forged("iss", Value::Null), "TOKEN_INVALID"),
        ("no audience", forged("aud", Value::Null), "TOKEN_INVALID"),
        ("no expiry", forged("exp", Value::Null), "TOKEN_INVALID"),
        ("no subject", forged("sub", Value::Null), "TOKEN_INVALID"),
        ("another type", forged("typ", json!("refresh")), "TOKEN_INVALID"),
        ("no type", forged("typ", Value::Null), "TOKEN_INVALID"),
        ("no session", forged("sid", Value::Null), "TOKEN_INVALID"),
        ("an unknown role", forged("role", json!("god")), "TOKEN_INVALID"),
        ("an organization that is none", forged("org", json!("x' or 1=1")), "TOKEN_INVALID"),
        ("a user that is none", forged("sub", json!("service:gateway")), "TOKEN_INVALID"),
        ("a user as a service", forged("typ", json!("service")), "TOKEN_INVALID"),
    ];
    for (name, token, reason) in forgeries {
        assert_eq!(ask(&channel, &token).await?, unauthenticated(reason), "{name}");
    }
    assert!(stub.asked().is_empty(), "the handler was never reached");
    Ok(())
}

#[tokio::test]
async fn a_call_needs_exactly_one_token() -> Result {
    let url = testkit::serve_at(&testkit::mesh("test"), Stub::new().routes()).await;
    let bearer = raw::bearer();
    let basic = bearer.replace("Bearer", "Basic");
    let pairs: [(&[(&str, &str)], &str); 4] = [
        (&[], "16"),
        (&[("authorization", &basic)], "16"),
        (&[("authorization", &bearer), ("authorization", &bearer)], "16"),
        (&[("authorization", &bearer)], "0"),
    ];
    for (headers, status) in pairs {
        let answer = raw::call(&url, POLL, headers).await?;
        assert_eq!(answer.text("grpc-status"), Some(status), "{headers:?}");
    }
    Ok(())
}

#[tokio::test]
async fn keys_come_and_go() -> Result {
    let keys = Keys::new();
    let (old, new) = (Signer::generate("old"), Signer::generate("new"));
    keys.trust(old.public());
    let mesh = Mesh::testing("test", keys.clone());
    let channel = testkit::serve(mesh, Stub::new().routes()).await;
    assert_eq!(ask(&channel, &old.sign(&claims())).await?, ok());
    assert_eq!(ask(&channel, &new.sign(&claims())).await?, unauthenticated("TOKEN_INVALID"));

    // A key that is not known makes the server ask, though not more than once a second.
    keys.trust(new.public());
    let mut retired = old.public();
    retired.retire_time = Some(SystemTime::now() - Duration::from_secs(1));
    keys.trust(retired);
    testkit::eventually(async || {
        Ok::<_, String>(ask(&channel, &new.sign(&claims())).await.is_ok_and(|it| it == ok()))
    })
    .await?;
    assert_eq!(ask(&channel, &old.sign(&claims())).await?, unauthenticated("TOKEN_INVALID"));
    Ok(())
}

#[tokio::test]
async fn a_revoked_session_ends_within_seconds() -> Result {
    let keys = testkit::keys("test");
    let channel = testkit::serve(Mesh::testing("test", keys.clone()), Stub::new().routes()).await;
    let token = testkit::signer().sign(&claims());
    let revoked_claims = claims();
    let revoked = testkit::signer().sign(&revoked_claims);
    assert_eq!(ask(&channel, &revoked).await?, ok());
    keys.revoke(revoked_claims.sid.unwrap_or_default());
    keys.revoke(SessionId::generate());
    testkit::eventually(async || {
        let answer = ask(&channel, &revoked).await.map_err(|it| it.to_string())?;
        Ok::<_, String>(answer == unauthenticated("SESSION_REVOKED"))
    })
    .await?;
    assert_eq!(ask(&channel, &token).await?, ok());
    Ok(())
}

#[tokio::test]
async fn nobody_is_signed_out_because_identity_is_away() -> Result {
    let keys = testkit::keys("test");
    keys.set_away(true);
    let channel = testkit::serve(Mesh::testing("test", keys.clone()), Stub::new().routes()).await;
    let token = testkit::signer().sign(&claims());
    assert_eq!(ask(&channel, &token).await?, (Code::Unavailable, "KEYS_UNKNOWN".to_owned()));
    keys.set_away(false);
    testkit::eventually(async || {
        Ok::<_, String>(ask(&channel, &token).await.is_ok_and(|it| it == ok()))
    })
    .await?;
    // What is known stays known.
    keys.set_away(true);
    assert_eq!(ask(&channel, &token).await?, ok());
    Ok(())
}

#[tokio::test]
async fn the_word_of_a_service_counts_and_that_of_a_user_does_not() -> Result {
    let stub = Stub::new();
    // A method that services may call as well.
    let url = testkit::serve_at(&testkit::mesh("test"), stub.routes()).await;
    let other = OrganizationId::generate().to_string();
    let bearer = raw::bearer();
    let headers = [("authorization", &*bearer), ("x-sartiq-organization", &*other)];
    let answer = raw::call(&url, POLL, &headers).await?;
    assert_eq!(answer.text("grpc-status"), Some("0"));
    let caller = stub.asked()[0].caller.clone().ok_or("nobody")?;
    assert_ne!(caller.organization()?.to_string(), other);

    // No service may follow the events of an organization.
    let service = format!("Bearer {}", testkit::service_token("generation"));
    let headers = [("authorization", &*service), ("x-sartiq-organization", &*other)];
    let answer = raw::call(&url, POLL, &headers).await?;
    assert_eq!(answer.text("grpc-status"), Some("7"));
    Ok(())
}

#[tokio::test]
async fn rights_come_before_rules_and_unknown_methods_before_both() -> Result {
    let url = testkit::serve_at(&testkit::mesh("test"), Stub::new().routes()).await;
    let bearer = raw::bearer();
    let headers = [("authorization", &*bearer)];
    // A viewer and a message that is not even one: refused for being a viewer.
    let create = "/sartiq.catalog.v1.ProductService/CreateProduct";
    let answer = raw::call_with(&url, create, &headers, b"\xff\xff").await?;
    assert_eq!(answer.text("grpc-status"), Some("7"));
    for path in ["/sartiq.event.v1.EventService/Nothing", "/nothing", "/"] {
        for headers in [&headers[..], &[]] {
            let answer = raw::call(&url, path, headers).await?;
            assert_eq!(answer.text("grpc-status"), Some("12"), "{path}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_table_holds_for_every_method_and_everybody() -> Result {
    // Nothing is behind the table here: whoever passes finds no such service.
    let url = testkit::serve_at(&testkit::mesh("test"), Stub::new().routes()).await;
    let organization = OrganizationId::generate();
    let bearer = |token: String| format!("Bearer {token}");
    let mut n_refused = 0;
    for (path, access) in server::access::table() {
        if path.starts_with("/sartiq.event.") {
            continue;
        }
        let stranger = raw::call(&url, &path, &[]).await?;
        let is_public = *access == server::access::Access::Public;
        assert_eq!(
            stranger.text("grpc-status"),
            Some(if is_public { "12" } else { "16" }),
            "{path}"
        );
        for role in Role::ALL {
            let token = bearer(testkit::token(role, organization));
            let answer = raw::call(&url, &path, &[("authorization", &token)]).await?;
            let caller = server::Caller {
                role: Some(role),
                user_id: Some(UserId::generate()),
                ..server::Caller::default()
            };
            let expected = if access.admits(&caller) { "12" } else { "7" };
            assert_eq!(answer.text("grpc-status"), Some(expected), "{role} {path}");
            n_refused += usize::from(expected == "7");
        }
        let token = bearer(testkit::service_token("stranger"));
        let answer = raw::call(&url, &path, &[("authorization", &token)]).await?;
        let expected = if is_public { "12" } else { "7" };
        assert_eq!(answer.text("grpc-status"), Some(expected), "a service {path}");
    }
    assert!(100 < n_refused, "{n_refused}");
    Ok(())
}

#[test]
fn the_media_service_is_named_as_the_table_names_it() {
    let name = <MediaServiceServer<()> as tonic::server::NamedService>::NAME;
    assert!(server::access::of(&format!("/{name}/SignUrls")).is_some());
}
