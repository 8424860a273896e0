//! The keys that tokens are verified with, as others learn of them.

use api::sartiq::identity::v1::*;
use identity::Settings;
use sqlx::PgPool;

use crate::stage::{Result, Stage, settings};

async fn keys(stage: &Stage) -> Result<Vec<SigningKey>> {
    let request = ListSigningKeysRequest {};
    Ok(stage.auth().list_signing_keys(request).await?.into_inner().keys)
}

#[sqlx::test(migrator = "identity::MIGRATIONS")]
async fn replicas_agree_on_their_first_key(db: PgPool) -> Result {
    let opened = futures::join!(Stage::open(db.clone()), Stage::open(db.clone()), Stage::open(db));
    let (one, two, three) = (opened.0?, opened.1?, opened.2?);
    let first = keys(&one).await?;
    assert_eq!(first.len(), 1);
    assert_eq!(first[0].public_key.len(), 32);
    assert_eq!(first[0].retire_time, None);
    assert_eq!(keys(&two).await?, first);
    assert_eq!(keys(&three).await?, first);
    // What one signs, another believes.
    let ana = one.sign_up("ana").await?;
    let mut users =
        user_service_client::UserServiceClient::new(three.signed(&ana.tokens.access_token));
    users.get_me(GetMeRequest {}).await?;
    Ok(())
}

#[sqlx::test(migrator = "identity::MIGRATIONS")]
async fn an_old_key_is_replaced_and_believed_a_little_longer(db: PgPool) -> Result {
    let stage = Stage::open(db.clone()).await?;
    let [old] = &keys(&stage).await?[..] else { return Err("not one key".into()) };
    stage
        .execute("update identity.signing_key set signs_at = signs_at - interval '30 days'")
        .await?;
    let stage = Stage::open(db.clone()).await?;
    let [new, retiring] = &keys(&stage).await?[..] else { return Err("not two keys".into()) };
    assert_eq!(retiring.id, old.id);
    assert_ne!(new.id, old.id);
    let signs_at = new.create_time.ok_or("no start")?.seconds;
    let lead = signs_at - time::OffsetDateTime::now_utc().unix_timestamp();
    assert!((55..=60).contains(&lead), "{lead} seconds");
    let overlap = retiring.retire_time.ok_or("no end")?.seconds - signs_at;
    assert_eq!(overlap, 20 * 60);

    // Until the new one begins, the old one signs.
    let ana = stage.sign_up("ana").await?;
    let kid = jsonwebtoken::decode_header(&ana.tokens.access_token)?.kid;
    assert_eq!(kid.as_ref(), Some(&old.id));
    stage
        .execute(
            "update identity.signing_key set signs_at = signs_at - interval '1 minute',
                 retires_at = retires_at - interval '1 minute'",
        )
        .await?;
    let stage = Stage::open(db).await?;
    let ana = stage.login("ana").await?;
    let kid = jsonwebtoken::decode_header(&ana.tokens.access_token)?.kid;
    assert_eq!(kid.as_ref(), Some(&new.id));
    Ok(())
}

#[sqlx::test(migrator = "identity::MIGRATIONS")]
async fn a_wrong_secret_stops_identity_instead_of_signing_everybody_out(db: PgPool) -> Result {
    Stage::open(db.clone()).await?;
    let key_secret = "fedcba9876543210fedcba9876543210".into();
    let opened = Stage::open_with(db, Settings { key_secret, ..settings() }).await;
    let error = opened.err().ok_or("opened with another secret")?;
    assert!(error.to_string().contains("KEY_SECRET"), "{error}");
    Ok(())
}

#[sqlx::test(migrator = "identity::MIGRATIONS")]
async fn bad_secrets_are_refused_without_being_shown(db: PgPool) -> Result {
    let bad = [
        ("KEY_SECRET", Settings { key_secret: "hunter2".into(), ..settings() }),
        ("SERVICE_KEYS", Settings { service_keys: "media=hunter2".into(), ..settings() }),
        ("SERVICE_KEYS", Settings { service_keys: "hunter2".into(), ..settings() }),
    ];
    for (name, settings) in bad {
        let opened = Stage::open_with(db.clone(), settings).await;
        let error = opened.err().ok_or("opened with a bad secret")?.to_string();
        assert!(error.contains(name) && !error.contains("hunter2"), "{error}");
    }
    Ok(())
}
