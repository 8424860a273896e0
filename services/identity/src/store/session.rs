//! `identity.session` and `identity.session_departure`.

use sqlx::PgExecutor;
use time::OffsetDateTime;
use types::id::{OrganizationId, SessionId, UserId};

use crate::error::Result;
use crate::session::{Revocation, Session};

pub(crate) async fn insert(db: impl PgExecutor<'_>, session: &Session) -> Result<()> {
    sqlx::query!(
        "insert into identity.session (session_id, user_id, organization_id, device, generation,
             token_hash, created_at, refreshed_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        session.id as _,
        session.user_id as _,
        session.organization_id as _,
        session.device,
        session.generation,
        session.token_hash,
        session.created_at,
        session.refreshed_at,
        session.expires_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Finds a session and holds off everybody else who would change it.
pub(crate) async fn lock(db: impl PgExecutor<'_>, id: SessionId) -> Result<Option<Session>> {
    let row = sqlx::query_as!(
        Row,
        "select session_id, user_id, organization_id, device, generation, token_hash,
             previous_hash, rotated_at, skipped_generation, created_at, refreshed_at, expires_at,
             revoked_at
         from identity.session where session_id = $1
         for update",
        id as _,
    );
    Ok(row.fetch_optional(db).await?.map(Session::from))
}

/// Lists the sessions of a user that have not ended at `now`, the newest first.
pub(crate) async fn list(
    db: impl PgExecutor<'_>,
    user_id: UserId,
    now: OffsetDateTime,
) -> Result<Vec<Session>> {
    let rows = sqlx::query_as!(
        Row,
        "select session_id, user_id, organization_id, device, generation, token_hash,
             previous_hash, rotated_at, skipped_generation, created_at, refreshed_at, expires_at,
             revoked_at
         from identity.session
         where user_id = $1 and revoked_at is null and $2 < expires_at
         order by session_id desc
         limit 200",
        user_id as _,
        now,
    );
    Ok(rows.fetch_all(db).await?.into_iter().map(Session::from).collect())
}

/// Writes down how a locked session goes on.
pub(crate) async fn update(db: impl PgExecutor<'_>, session: &Session) -> Result<()> {
    sqlx::query!(
        "update identity.session
         set organization_id = $2, generation = $3, token_hash = $4, previous_hash = $5,
             rotated_at = $6, skipped_generation = $7, refreshed_at = $8, expires_at = $9
         where session_id = $1",
        session.id as _,
        session.organization_id as _,
        session.generation,
        session.token_hash,
        session.previous_hash,
        session.rotated_at,
        session.skipped_generation,
        session.refreshed_at,
        session.expires_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Remembers that a session has left an organization, whose tokens it may still hold.
pub(crate) async fn depart(
    db: impl PgExecutor<'_>,
    id: SessionId,
    organization_id: OrganizationId,
    now: OffsetDateTime,
) -> Result<()> {
    sqlx::query!(
        "insert into identity.session_departure (session_id, organization_id, departed_at)
         values ($1, $2, $3)
         on conflict (session_id, organization_id) do update set departed_at = excluded.departed_at",
        id as _,
        organization_id as _,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Revokes a session of a user, and says whether there is one that had not ended.
pub(crate) async fn revoke(
    db: impl PgExecutor<'_>,
    id: SessionId,
    user_id: UserId,
    revocation: Revocation,
    now: OffsetDateTime,
) -> Result<bool> {
    let done = sqlx::query!(
        "update identity.session set revoked_at = $4, revocation = $3
         where session_id = $1 and user_id = $2 and revoked_at is null",
        id as _,
        user_id as _,
        revocation.as_str(),
        now,
    );
    Ok(0 < done.execute(db).await?.rows_affected())
}

/// Tells whether a user has, or had, a session.
pub(crate) async fn is_of(db: impl PgExecutor<'_>, id: SessionId, user_id: UserId) -> Result<bool> {
    let row = sqlx::query!(
        "select session_id from identity.session where session_id = $1 and user_id = $2",
        id as _,
        user_id as _,
    );
    Ok(row.fetch_optional(db).await?.is_some())
}

/// Revokes the sessions of a user that act in an organization, or did so after `since`.
pub(crate) async fn revoke_in(
    db: impl PgExecutor<'_>,
    user_id: UserId,
    organization_id: OrganizationId,
    since: OffsetDateTime,
    revocation: Revocation,
    now: OffsetDateTime,
) -> Result<Vec<SessionId>> {
    let rows = sqlx::query!(
        "update identity.session as session set revoked_at = $5, revocation = $4
         where user_id = $1 and revoked_at is null and (
             organization_id = $2
             or exists (
                 select from identity.session_departure as departure
                 where departure.session_id = session.session_id
                     and departure.organization_id = $2 and $3 < departed_at
             )
         )
         returning session_id",
        user_id as _,
        organization_id as _,
        since,
        revocation.as_str(),
        now,
    );
    Ok(rows.fetch_all(db).await?.into_iter().map(|row| row.session_id).collect())
}

/// Lists the sessions that were revoked after `since`, and when.
pub(crate) async fn revoked(
    db: impl PgExecutor<'_>,
    since: OffsetDateTime,
) -> Result<Vec<(SessionId, OffsetDateTime)>> {
    let rows = sqlx::query!(
        r#"select session_id, revoked_at as "revoked_at!" from identity.session
           where revoked_at > $1"#,
        since,
    );
    Ok(rows.fetch_all(db).await?.into_iter().map(|row| (row.session_id, row.revoked_at)).collect())
}

/// Forgets the sessions that ended before `then`.
pub(crate) async fn sweep(db: impl PgExecutor<'_>, then: OffsetDateTime) -> Result<u64> {
    let done = sqlx::query!(
        "delete from identity.session where expires_at < $1 or revoked_at < $1",
        then,
    );
    Ok(done.execute(db).await?.rows_affected())
}

struct Row {
    session_id: SessionId,
    user_id: UserId,
    organization_id: Option<OrganizationId>,
    device: String,
    generation: i64,
    token_hash: Vec<u8>,
    previous_hash: Option<Vec<u8>>,
    rotated_at: Option<OffsetDateTime>,
    skipped_generation: Option<i64>,
    created_at: OffsetDateTime,
    refreshed_at: OffsetDateTime,
    expires_at: OffsetDateTime,
    revoked_at: Option<OffsetDateTime>,
}

impl From<Row> for Session {
    fn from(row: Row) -> Self {
        Self {
            id: row.session_id,
            user_id: row.user_id,
            organization_id: row.organization_id,
            device: row.device,
            generation: row.generation,
            token_hash: row.token_hash,
            previous_hash: row.previous_hash,
            rotated_at: row.rotated_at,
            skipped_generation: row.skipped_generation,
            created_at: row.created_at,
            refreshed_at: row.refreshed_at,
            expires_at: row.expires_at,
            is_revoked: row.revoked_at.is_some(),
        }
    }
}
