//! Signing up and signing in.

use std::time::{Duration, Instant};

use api::sartiq::identity::v1::*;
use futures::future::join_all;
use sqlx::PgPool;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::stage::{PASSWORD, Result, Stage, email, login_request, settings, sign_up_request};
use crate::stage::{reason, refusal};

#[sqlx::test(migrator = "identity::MIGRATIONS")]
async fn a_sign_up_makes_a_user_who_owns_an_organization(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let request = SignUpRequest { email: "Ana@Sartiq.Example".into(), ..sign_up_request("Ana") };
    let response = stage.auth().sign_up(request).await?.into_inner();
    let (user, organization) = (response.user.ok_or("user")?, response.organization.ok_or("org")?);
    assert_eq!((&*user.email, &*user.name), ("ana@sartiq.example", "Ana"));
    assert_eq!(organization.name, "Ana's");

    let ana = stage.login("ana").await?;
    let me = ana.me().await?;
    assert_eq!(me.user.as_ref(), Some(&user));
    assert_eq!(me.organization_id, organization.id);
    assert_eq!(me.role(), Role::Owner);
    assert_eq!(ana.tokens.role(), Role::Owner);
    Ok(())
}

#[sqlx::test(migrator = "identity::MIGRATIONS")]
async fn an_address_is_taken_however_it_is_typed(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    stage.sign_up("ana").await?;
    let request = SignUpRequest { email: "ANA@sartiq.example".into(), ..sign_up_request("ana") };
    let status = refusal(stage.auth().sign_up(request).await)?;
    assert_eq!(status.code(), Code::AlreadyExists);
    assert_eq!(testkit::reason(&status), "EMAIL_TAKEN");
    Ok(())
}

#[sqlx::test(migrator = "identity::MIGRATIONS")]
async fn fields_are_checked(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let good = sign_up_request("ana");
    let bad = [
        ("password", SignUpRequest { password: "too short".into(), ..good.clone() }),
        ("email", SignUpRequest { email: "ana".into(), ..good.clone() }),
        ("request_id", SignUpRequest { request_id: "1".into(), ..good.clone() }),
        ("name", SignUpRequest { name: "  ".into(), ..good.clone() }),
        ("organization_name", SignUpRequest { organization_name: " ".into(), ..good.clone() }),
    ];
    for (field, request) in bad {
        let status = refusal(stage.auth().sign_up(request).await)?;
        assert_eq!(status.code(), Code::InvalidArgument, "{field}");
        assert_eq!(testkit::reason(&status), "FIELD_INVALID");
        assert_eq!(testkit::fields(&status), [field]);
    }
    Ok(())
}

#[sqlx::test(migrator = "identity::MIGRATIONS")]
async fn two_sign_ups_that_race_with_one_request_id_are_one(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let request = sign_up_request("ana");
    let (mut one, mut other) = (stage.auth(), stage.auth());
    let (one, other) = futures::join!(one.sign_up(request.clone()), other.sign_up(request.clone()));
    let (one, other) = (one?.into_inner(), other?.into_inner());
    assert_eq!(one.user, other.user);
    assert_eq!(one.organization, other.organization);
    let (one, other) = (one.tokens.ok_or("tokens")?, other.tokens.ok_or("tokens")?);
    assert_eq!(one.session_id, other.session_id);
    assert_eq!(one.refresh_token, other.refresh_token);

    // Once its token is used, a late retry gets a session of its own and harms nobody.
    stage.refresh(&one.refresh_token).await?;
    let late = stage.auth().sign_up(request.clone()).await?.into_inner();
    let late = late.tokens.ok_or("tokens")?;
    assert_ne!(late.session_id, one.session_id);
    stage.refresh(&late.refresh_token).await?;

    // Whoever knows the id but not the password learns nothing.
    let stranger = SignUpRequest { password: "another horse".into(), ..request.clone() };
    let status = refusal(stage.auth().sign_up(stranger).await)?;
    assert_eq!(status.code(), Code::AlreadyExists);
    assert_eq!(testkit::reason(&status), "REQUEST_ID_REUSED");
    let other = SignUpRequest { name: "Bob".into(), ..request };
    assert_eq!(reason(stage.auth().sign_up(other).await)?, "REQUEST_ID_REUSED");
    Ok(())
}

#[sqlx::test(migrator = "identity::MIGRATIONS")]
async fn the_database_holds_neither_passwords_nor_tokens(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let ana = stage.sign_up("ana").await?;
    let hash: String =
        sqlx::query_scalar("select password_hash from identity.user").fetch_one(&stage.db).await?;
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    let rows = "select string_agg(row::text, ' ') from (
        select u::text as row from identity.user u
        union all select s::text from identity.session s
        union all select encode(reply, 'escape') || encode(fingerprint, 'escape')
            from identity.replay
    ) as rows";
    let rows: String = sqlx::query_scalar(rows).fetch_one(&stage.db).await?;
    for secret in [PASSWORD, &ana.tokens.refresh_token, &ana.tokens.access_token] {
        assert!(!rows.contains(secret));
    }
    Ok(())
}

#[sqlx::test(migrator = "identity::MIGRATIONS")]
async fn a_wrong_password_and_an_unknown_address_look_the_same(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    stage.sign_up("ana").await?;
    let attempt = async |name: &str| {
        let started = Instant::now();
        let status = refusal(stage.auth().login(login_request(name, "another horse")).await)?;
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>((status, started.elapsed()))
    };
    let said = |status: &Status| {
        let mut metadata = testkit::metadata(status);
        metadata.remove("request_id");
        let details = status.get_error_details_vec().len();
        (status.code(), status.message().to_owned(), testkit::reason(status), metadata, details)
    };
    let (mut known, mut unknown) = (Duration::MAX, Duration::MAX);
    for _ in 0..5 {
        let (wrong, time) = attempt("ana").await?;
        known = known.min(time);
        let (nobody, time) = attempt("nobody").await?;
        unknown = unknown.min(time);
        assert_eq!(said(&wrong), said(&nobody));
        assert_eq!(wrong.code(), Code::Unauthenticated);
        assert_eq!(testkit::reason(&wrong), "INVALID_CREDENTIALS");
    }
    // The best of five on a busy machine: without the decoy they are apart by a factor of ten.
    assert!(known < 3 * unknown && unknown < 3 * known, "{known:?} and {unknown:?}");
    Ok(())
}

#[sqlx::test(migrator = "identity::MIGRATIONS")]
async fn the_eleventh_attempt_within_a_minute_is_refused(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    stage.sign_up("bob").await?;
    for name in ["ana", "nobody"] {
        if name == "ana" {
            stage.sign_up(name).await?;
        }
        let mut n_tries = 0;
        let status = loop {
            let status = refusal(stage.auth().login(login_request(name, "another horse")).await)?;
            if status.code() != Code::Unauthenticated {
                break status;
            }
            n_tries += 1;
        };
        // A sign-up is a try, too.
        assert_eq!(n_tries, if name == "ana" { 9 } else { 10 });
        assert_eq!(status.code(), Code::ResourceExhausted);
        assert_eq!(testkit::reason(&status), "TOO_MANY_ATTEMPTS");
        let delay = status.get_details_retry_info().and_then(|it| it.retry_delay);
        assert!(delay.is_some_and(|it| Duration::from_secs(30) < it), "{delay:?}");
        // The right password does not help either, or it could be guessed for ever.
        let right = stage.auth().login(login_request(name, PASSWORD)).await;
        assert_eq!(reason(right)?, "TOO_MANY_ATTEMPTS");
    }
    stage.login("bob").await?;
    Ok(())
}

#[sqlx::test(migrator = "identity::MIGRATIONS")]
async fn replicas_count_attempts_together(db: PgPool) -> Result {
    #[expect(
        clippy::disallowed_methods,
        reason = "tests are told by the environment where Redis is"
    )]
    let Ok(url) = std::env::var("REDIS_URL") else { return Err("REDIS_URL is not set".into()) };
    let open = || async {
        let settings = identity::Settings { redis_url: Some(url.clone().into()), ..settings() };
        Stage::open_with(db.clone(), settings).await
    };
    let (one, other) = (open().await?, open().await?);
    // Redis is shared with other tests: nobody else tries this address.
    let name = testkit::request_id();
    let mut reasons = Vec::new();
    for index in 0..11 {
        let stage = if index % 2 == 0 { &one } else { &other };
        reasons.push(reason(stage.auth().login(login_request(&name, PASSWORD)).await)?);
    }
    assert!(reasons[..10].iter().all(|it| it == "INVALID_CREDENTIALS"), "{reasons:?}");
    assert_eq!(reasons[10], "TOO_MANY_ATTEMPTS");
    Ok(())
}

#[sqlx::test(migrator = "identity::MIGRATIONS")]
async fn nobody_is_locked_out_while_redis_is_away(db: PgPool) -> Result {
    // Nothing listens on the port of a listener that is gone.
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let redis_url = Some(format!("redis://127.0.0.1:{port}").into());
    let stage = Stage::open_with(db, identity::Settings { redis_url, ..settings() }).await?;
    stage.sign_up("ana").await?;
    stage.login("ana").await?;
    let mut reasons = Vec::new();
    for _ in 0..9 {
        reasons.push(reason(stage.auth().login(login_request("ana", "another horse")).await)?);
    }
    assert_eq!(reasons.last().map(String::as_str), Some("TOO_MANY_ATTEMPTS"), "{reasons:?}");
    Ok(())
}

#[sqlx::test(migrator = "identity::MIGRATIONS")]
async fn a_flood_of_sign_ins_is_refused_instead_of_queued(db: PgPool) -> Result {
    let tight = identity::Settings { hash_concurrency: 1, hash_queue: 1, ..settings() };
    let stage = Stage::open_with(db, tight).await?;
    let logins = (0..16).map(|index| {
        let mut auth = stage.auth();
        async move { auth.login(login_request(&format!("user{index}"), PASSWORD)).await }
    });
    let statuses: Vec<_> =
        join_all(logins).await.into_iter().map(refusal).collect::<Result<_>>()?;
    let busy: Vec<_> = statuses.iter().filter(|it| it.code() == Code::ResourceExhausted).collect();
    assert!(!busy.is_empty(), "all of 16 were hashed");
    for status in &busy {
        assert_eq!(testkit::reason(status), "SIGN_IN_BUSY");
        assert!(status.get_details_retry_info().is_some());
    }
    assert!(busy.len() < statuses.len(), "nobody was hashed");
    Ok(())
}

#[sqlx::test(migrator = "identity::MIGRATIONS")]
async fn a_source_that_only_the_gateway_may_name_is_limited(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let key =
        ExchangeKeyRequest { service: "gateway".into(), key: "gateway-key-0123456789".to_owned() };
    let token = stage.auth().exchange_key(key).await?.into_inner().access_token;
    let bearer = format!("Bearer {token}");
    let attempt = async |index: usize, is_gateway: bool| {
        let mut request = tonic::Request::new(LoginRequest {
            email: email(&format!("guess{index}")),
            ..login_request("x", PASSWORD)
        });
        // What the client claims comes before what the gateway saw.
        let hops = format!("10.0.0.{}, 192.0.2.7", index % 250);
        request.metadata_mut().insert("x-forwarded-for", hops.parse()?);
        if is_gateway {
            request.metadata_mut().insert("authorization", bearer.parse()?);
        }
        reason(stage.auth().login(request).await)
    };
    for index in 0..100 {
        assert_eq!(attempt(index, true).await?, "INVALID_CREDENTIALS", "{index}");
    }
    assert_eq!(attempt(100, true).await?, "TOO_MANY_ATTEMPTS");
    // Somebody else's word about it counts for nothing, neither for nor against them.
    assert_eq!(attempt(101, false).await?, "INVALID_CREDENTIALS");
    Ok(())
}

#[sqlx::test(migrator = "identity::MIGRATIONS")]
async fn hashes_that_have_become_cheap_are_renewed(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    stage.sign_up("ana").await?;
    // "correct horse" with less memory and one pass.
    let cheap = cheap_hash()?;
    sqlx::query("update identity.user set password_hash = $1")
        .bind(cheap)
        .execute(&stage.db)
        .await?;
    stage.login("ana").await?;
    let hash: String =
        sqlx::query_scalar("select password_hash from identity.user").fetch_one(&stage.db).await?;
    assert!(hash.contains("m=19456,t=2,p=1"), "{hash}");
    stage.login("ana").await?;
    Ok(())
}

fn cheap_hash() -> Result<String> {
    use argon2::password_hash::PasswordHasher;
    use argon2::{Algorithm, Argon2, Params, Version};
    let params = Params::new(64, 1, 1, None).map_err(|it| it.to_string())?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hash: argon2::password_hash::phc::PasswordHash =
        argon2.hash_password(PASSWORD.as_bytes()).map_err(|it| it.to_string())?;
    Ok(hash.to_string())
}
