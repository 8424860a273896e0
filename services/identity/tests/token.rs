//! Tokens that identity did not make, or did not make for this.

use std::time::Duration;

use api::sartiq::identity::v1::user_service_client::UserServiceClient;
use api::sartiq::identity::v1::*;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sqlx::PgPool;
use testkit::{Claims, Signer};
use tonic::{Code, Status};
use types::id::SigningKeyId;

use crate::stage::{CATALOG_KEY, Person, Result, Stage, reason, refusal};

/// Puts a key beside those of identity whose private half the test holds.
async fn stolen_key(stage: &Stage, minutes: f64) -> Result<Signer> {
    let id = SigningKeyId::generate();
    let signer = Signer::generate(&id.to_string());
    sqlx::query(
        "insert into identity.signing_key
             (signing_key_id, public_key, sealed_key, signs_at, retires_at)
         values ($1, $2, '', now() - interval '1 day', now() + make_interval(mins => 1) * $3)",
    )
    .bind(id)
    .bind(&signer.public().public_key[..])
    .bind(minutes)
    .execute(&stage.db)
    .await?;
    Ok(signer)
}

async fn try_token(stage: &Stage, token: &str) -> Result<GetMeResponse, Status> {
    let mut users = UserServiceClient::new(stage.signed(token));
    Ok(users.get_me(GetMeRequest {}).await?.into_inner())
}

fn claims(person: &Person) -> Result<Claims> {
    let (user, organization) = (person.user.id.parse()?, person.tokens.organization_id.parse()?);
    Ok(Claims::user(user, server::Role::Owner, organization))
}

#[sqlx::test(migrator = "identity::MIGRATIONS")]
async fn forged_tokens_are_refused(db: PgPool) -> Result {
    let stage = Stage::open(db.clone()).await?;
    let ana = stage.sign_up("ana").await?;
    let signer = stolen_key(&stage, 10.0).await?;
    // Knows the key from its start.
    let stage = Stage::open(db).await?;
    let good = claims(&ana)?;
    try_token(&stage, &signer.sign(&good)).await?;

    let hour = 60 * 60;
    let text = |it: &str| it.to_owned();
    let forged = [
        ("expired", Claims { iat: good.iat - hour, exp: good.exp - hour, ..good.clone() }),
        ("wrong audience", Claims { aud: text("other"), ..good.clone() }),
        ("wrong issuer", Claims { iss: text("other"), ..good.clone() }),
        ("from the future", Claims { iat: good.iat + hour, exp: good.exp + hour, ..good.clone() }),
        ("unknown type", Claims { typ: text("refresh"), ..good.clone() }),
        ("no session", Claims { sid: None, ..good.clone() }),
        ("unknown role", Claims { role: Some(text("god")), ..good.clone() }),
        ("no id", Claims { sub: text("ana"), ..good.clone() }),
    ];
    for (what, claims) in forged {
        let status = refusal(try_token(&stage, &signer.sign(&claims)).await)?;
        assert_eq!(status.code(), Code::Unauthenticated, "{what}");
        let reason = testkit::reason(&status);
        let expected = if what == "expired" { "TOKEN_EXPIRED" } else { "TOKEN_INVALID" };
        assert_eq!(reason, expected, "{what}");
    }
    let unknown = Signer::generate(&SigningKeyId::generate().to_string());
    assert_eq!(reason(try_token(&stage, &unknown.sign(&good)).await)?, "TOKEN_INVALID");
    Ok(())
}

#[sqlx::test(migrator = "identity::MIGRATIONS")]
async fn nothing_but_our_algorithm_is_believed(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let ana = stage.sign_up("ana").await?;
    let token = &ana.tokens.access_token;
    let [header, body, signature] = token.split('.').collect::<Vec<_>>()[..] else {
        return Err("no JWT".into());
    };
    let header: serde_json::Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header)?)?;
    assert_eq!(header["alg"], "EdDSA");
    let with = |alg: &str| {
        let mut header = header.clone();
        header["alg"] = alg.into();
        URL_SAFE_NO_PAD.encode(header.to_string())
    };
    let longer = format!("{}.{}.{signature}", with("EdDSA"), "A".repeat(6000));
    let forged = [
        ("alg none, no signature", format!("{}.{body}.", with("none"))),
        ("alg none, signature", format!("{}.{body}.{signature}", with("none"))),
        ("alg HS256", format!("{}.{body}.{signature}", with("HS256"))),
        ("alg RS256", format!("{}.{body}.{signature}", with("RS256"))),
        ("no signature", format!("{}.{body}.", with("EdDSA"))),
        ("two parts", format!("{}.{body}", with("EdDSA"))),
        ("too long", longer),
        ("refresh token", ana.tokens.refresh_token.clone()),
        ("empty", String::new()),
    ];
    for (what, token) in forged {
        let status = refusal(try_token(&stage, &token).await)?;
        assert_eq!(status.code(), Code::Unauthenticated, "{what}");
    }
    try_token(&stage, token).await?;
    Ok(())
}

#[sqlx::test(migrator = "identity::MIGRATIONS")]
async fn a_retired_key_is_believed_no_longer(db: PgPool) -> Result {
    let stage = Stage::open(db.clone()).await?;
    let ana = stage.sign_up("ana").await?;
    let signer = stolen_key(&stage, 1.5 / 60.0).await?;
    let stage = Stage::open(db).await?;
    let token = signer.sign(&claims(&ana)?);
    try_token(&stage, &token).await?;
    testkit::eventually(async || match try_token(&stage, &token).await {
        Ok(_) => Ok(false),
        Err(status) => match &*testkit::reason(&status) {
            "TOKEN_INVALID" => Ok(true),
            _ => Err(status),
        },
    })
    .await?;
    Ok(())
}

#[sqlx::test(migrator = "identity::MIGRATIONS")]
async fn a_service_proves_itself_by_its_own_key(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let exchange = async |service: &str, key: &str| {
        let request = ExchangeKeyRequest { service: service.into(), key: key.into() };
        stage.auth().exchange_key(request).await
    };
    let issued = exchange("catalog", CATALOG_KEY).await?.into_inner();
    let life = issued.expire_time.ok_or("no end")?.seconds
        - time::OffsetDateTime::now_utc().unix_timestamp();
    assert!((14 * 60..=15 * 60).contains(&life), "{life} seconds");

    let mut messages = Vec::new();
    for (service, key) in [("catalog", "wrong"), ("gateway", CATALOG_KEY), ("nobody", CATALOG_KEY)]
    {
        let status = refusal(exchange(service, key).await)?;
        assert_eq!(status.code(), Code::Unauthenticated);
        assert_eq!(testkit::reason(&status), "SERVICE_KEY_INVALID");
        messages.push(status.message().to_owned());
    }
    messages.dedup();
    assert_eq!(messages.len(), 1);
    Ok(())
}

#[sqlx::test(migrator = "identity::MIGRATIONS")]
async fn services_and_users_keep_to_their_own(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let ana = stage.sign_up("ana").await?;
    let status = refusal(ana.auth().list_revocations(ListRevocationsRequest {}).await)?;
    assert_eq!(status.code(), Code::PermissionDenied);
    let anonymous = stage.auth().list_revocations(ListRevocationsRequest {}).await;
    assert_eq!(refusal(anonymous)?.code(), Code::Unauthenticated);
    let status = refusal(stage.service().await?.logout(LogoutRequest {}).await)?;
    assert_eq!(status.code(), Code::PermissionDenied);
    // A user may not claim to act for somebody else.
    let bob = stage.sign_up("bob").await?;
    let mut request = tonic::Request::new(GetMeRequest {});
    request.metadata_mut().insert("x-sartiq-user", bob.user.id.parse()?);
    request.metadata_mut().insert("x-sartiq-organization", bob.tokens.organization_id.parse()?);
    let me = ana.users().get_me(request).await?.into_inner();
    assert_eq!(me.user.map(|it| it.id), Some(ana.user.id));
    assert_eq!(me.organization_id, ana.tokens.organization_id);
    Ok(())
}

#[sqlx::test(migrator = "identity::MIGRATIONS")]
async fn an_access_token_lasts_fifteen_minutes(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let ana = stage.sign_up("ana").await?;
    let body = ana.tokens.access_token.split('.').nth(1).ok_or("no body")?;
    let claims: serde_json::Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body)?)?;
    let seconds = |name: &str| claims[name].as_i64().unwrap_or_default();
    let life = Duration::from_secs(u64::try_from(seconds("exp") - seconds("iat"))?);
    assert_eq!(life, Duration::from_secs(15 * 60));
    assert_eq!((&claims["iss"], &claims["aud"]), (&"sartiq".into(), &"sartiq".into()));
    assert_eq!(claims["typ"], "user");
    assert_eq!(claims["sub"], *ana.user.id);
    assert_eq!(claims["sid"], *ana.tokens.session_id);
    assert_eq!(claims["org"], *ana.tokens.organization_id);
    assert_eq!(claims["role"], "owner");
    Ok(())
}
