//! What no RPC shows: that ended things are forgotten, and only those.

use sqlx::PgPool;
use time::{Duration, OffsetDateTime};
use types::id::{SessionId, UserId};

use crate::name::Name;
use crate::secret::Secret;
use crate::session::{RefreshToken, Revocation, Session};
use crate::signing_key::SigningKey;
use crate::store;
use crate::user::{Email, User};

type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

async fn session(db: &PgPool, user_id: UserId, opened: OffsetDateTime) -> Result<SessionId> {
    let id = SessionId::generate();
    let token = RefreshToken::random(id, 0);
    let session = Session::open(id, user_id, None, String::new(), &token, opened);
    store::session::insert(db, &session).await?;
    Ok(id)
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn ended_sessions_are_forgotten_and_open_ones_kept(db: PgPool) -> Result {
    let now = OffsetDateTime::now_utc();
    let user = User {
        id: UserId::generate(),
        email: Email::normalized("ana@sartiq.example"),
        name: Name::stored("Ana".into()),
        password_hash: "none".into(),
        last_organization_id: None,
        created_at: now,
    };
    store::user::insert(&db, &user).await?;
    let open = session(&db, user.id, now - Duration::days(20)).await?;
    session(&db, user.id, now - Duration::days(70)).await?;
    let revoked = session(&db, user.id, now).await?;
    let then = now - Duration::days(31);
    store::session::revoke(&db, revoked, user.id, Revocation::Logout, then).await?;

    assert_eq!(store::session::sweep(&db, now - Duration::days(30)).await?, 2);
    let left = store::session::list(&db, user.id, now).await?;
    assert_eq!(left.iter().map(|it| it.id).collect::<Vec<_>>(), [open]);
    Ok(())
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn retired_keys_are_forgotten_and_the_others_kept(db: PgPool) -> Result {
    let now = OffsetDateTime::now_utc();
    let secret: Secret = "s".repeat(32).parse()?;
    let (old, new) = (SigningKey::generate(&secret, now), SigningKey::generate(&secret, now));
    store::signing_key::insert(&db, &old).await?;
    store::signing_key::insert(&db, &new).await?;
    store::signing_key::retire(&db, new.id, now - Duration::days(31)).await?;
    assert_eq!(store::signing_key::sweep(&db, now - Duration::days(30)).await?, 1);
    let left = store::signing_key::list(&db, now).await?;
    assert_eq!(left.iter().map(|it| it.id).collect::<Vec<_>>(), [new.id]);
    Ok(())
}
