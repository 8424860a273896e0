//! `identity.signing_key`.

use sqlx::PgExecutor;
use time::OffsetDateTime;
use types::id::SigningKeyId;

use crate::error::{Error, Result};
use crate::signing_key::SigningKey;

/// Lists the keys that are believed at `now`, the newest first.
pub(crate) async fn list(db: impl PgExecutor<'_>, now: OffsetDateTime) -> Result<Vec<SigningKey>> {
    let rows = sqlx::query!(
        "select signing_key_id, public_key, sealed_key, signs_at, retires_at
         from identity.signing_key
         where retires_at is null or $1 < retires_at
         order by signs_at desc, signing_key_id desc",
        now,
    );
    let keys = rows.fetch_all(db).await?.into_iter().map(|row| {
        let id: SigningKeyId = row.signing_key_id;
        let public_key = row.public_key.try_into();
        Ok(SigningKey {
            id,
            public_key: public_key.map_err(|_| Error::Stored(format!("public key of {id}")))?,
            sealed_key: row.sealed_key,
            signs_at: row.signs_at,
            retires_at: row.retires_at,
        })
    });
    keys.collect()
}

pub(crate) async fn insert(db: impl PgExecutor<'_>, key: &SigningKey) -> Result<()> {
    sqlx::query!(
        "insert into identity.signing_key
             (signing_key_id, public_key, sealed_key, signs_at, retires_at)
         values ($1, $2, $3, $4, $5)",
        key.id as _,
        &key.public_key[..],
        key.sealed_key,
        key.signs_at,
        key.retires_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Lets every key but `successor` end at `retires_at`, if it does not end anyway.
pub(crate) async fn retire(
    db: impl PgExecutor<'_>,
    successor: SigningKeyId,
    retires_at: OffsetDateTime,
) -> Result<()> {
    sqlx::query!(
        "update identity.signing_key set retires_at = $2
         where signing_key_id <> $1 and retires_at is null",
        successor as _,
        retires_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Lets one process at a time decide about the keys.
pub(crate) async fn lock(db: impl PgExecutor<'_>) -> Result<()> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('identity.signing_key', 0))")
        .execute(db)
        .await?;
    Ok(())
}

/// Forgets the keys that ended before `then`.
pub(crate) async fn sweep(db: impl PgExecutor<'_>, then: OffsetDateTime) -> Result<u64> {
    let done = sqlx::query!("delete from identity.signing_key where retires_at < $1", then);
    Ok(done.execute(db).await?.rows_affected())
}
