//! `media.workspace_file`.

use sqlx::PgExecutor;
use time::OffsetDateTime;
use types::id::{MediaId, OrganizationId};

use crate::error::Result;
use crate::workspace::{Content, WorkspaceFile};

/// Records that `file` may be written. No if it is another organization's, or adopted.
pub(crate) async fn grant(
    db: impl PgExecutor<'_>,
    file: &WorkspaceFile,
    expires_at: OffsetDateTime,
) -> Result<bool> {
    let done = sqlx::query!(
        "insert into media.workspace_file as kept (
            key, organization_id, media_type, size_bytes, candidate_id, expires_at
        ) values ($1, $2, $3, $4, $5, $6)
        on conflict (key) do update
        set media_type = excluded.media_type, size_bytes = excluded.size_bytes,
            expires_at = excluded.expires_at
        where kept.organization_id = excluded.organization_id and kept.media_id is null",
        file.key,
        file.organization_id.uuid(),
        file.content.media_type(),
        file.size_bytes,
        file.candidate_id.uuid(),
        expires_at,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Finds the files with these keys, in any order; those of other organizations are not there.
pub(crate) async fn find_all(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    keys: &[String],
) -> Result<Vec<WorkspaceFile>> {
    let rows = sqlx::query_as!(
        Row,
        "select key, organization_id, media_type, size_bytes, candidate_id, media_id, lease_until
        from media.workspace_file where organization_id = $1 and key = any($2)",
        organization.uuid(),
        keys,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(WorkspaceFile::from).collect())
}

/// Takes the lease of a file that nobody adopts. `None` if somebody else was faster.
pub(crate) async fn claim(
    db: impl PgExecutor<'_>,
    file: &WorkspaceFile,
    now: OffsetDateTime,
    lease_until: OffsetDateTime,
) -> Result<Option<i32>> {
    let attempt = sqlx::query_scalar!(
        "update media.workspace_file set attempt = attempt + 1, lease_until = $4
        where organization_id = $1 and key = $2 and media_id is null and removed_at is null
            and (lease_until is null or lease_until <= $3)
        returning attempt",
        file.organization_id.uuid(),
        file.key,
        now,
        lease_until,
    )
    .fetch_optional(db)
    .await?;
    Ok(attempt)
}

/// Prolongs a lease. No if it was lost.
pub(crate) async fn renew(
    db: impl PgExecutor<'_>,
    key: &str,
    attempt: i32,
    lease_until: OffsetDateTime,
) -> Result<bool> {
    let renewed = sqlx::query!(
        "update media.workspace_file set lease_until = $3
        where key = $1 and attempt = $2 and lease_until is not null",
        key,
        attempt,
        lease_until,
    )
    .execute(db)
    .await?;
    Ok(renewed.rows_affected() == 1)
}

/// Gives the lease back.
pub(crate) async fn release(db: impl PgExecutor<'_>, key: &str, attempt: i32) -> Result<()> {
    sqlx::query!(
        "update media.workspace_file set lease_until = null where key = $1 and attempt = $2",
        key,
        attempt,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Writes down what a file was adopted as. No if the lease was lost.
pub(crate) async fn set_media(
    db: impl PgExecutor<'_>,
    key: &str,
    attempt: i32,
    media: MediaId,
) -> Result<bool> {
    let done = sqlx::query!(
        "update media.workspace_file set media_id = $3, lease_until = null
        where key = $1 and attempt = $2 and media_id is null",
        key,
        attempt,
        media.uuid(),
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes the leases of up to `limit` files whose time is over.
pub(crate) async fn claim_expired(
    db: impl PgExecutor<'_>,
    now: OffsetDateTime,
    lease_until: OffsetDateTime,
    limit: i64,
) -> Result<Vec<WorkspaceFile>> {
    let rows = sqlx::query_as!(
        Row,
        "with due as materialized (
            select key from media.workspace_file
            where removed_at is null and expires_at <= $1
                and (lease_until is null or lease_until <= $1)
            order by expires_at limit $3 for update skip locked
        )
        update media.workspace_file set attempt = attempt + 1, lease_until = $2
        where key = any(array(select key from due))
        returning key, organization_id, media_type, size_bytes, candidate_id, media_id,
            lease_until",
        now,
        lease_until,
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(WorkspaceFile::from).collect())
}

/// Forgets files whose objects are gone and that were never adopted.
pub(crate) async fn delete(db: impl PgExecutor<'_>, keys: &[String]) -> Result<()> {
    sqlx::query!("delete from media.workspace_file where key = any($1) and media_id is null", keys)
        .execute(db)
        .await?;
    Ok(())
}

/// Remembers that the objects of adopted files are gone.
pub(crate) async fn set_removed(
    db: impl PgExecutor<'_>,
    keys: &[String],
    now: OffsetDateTime,
) -> Result<()> {
    sqlx::query!(
        "update media.workspace_file set removed_at = $2, lease_until = null
        where key = any($1) and media_id is not null",
        keys,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Lists those of `keys` whose objects are expected to be there.
pub(crate) async fn present(db: impl PgExecutor<'_>, keys: &[String]) -> Result<Vec<String>> {
    let keys = sqlx::query_scalar!(
        "select key from media.workspace_file where key = any($1) and removed_at is null",
        keys,
    )
    .fetch_all(db)
    .await?;
    Ok(keys)
}

struct Row {
    key: String,
    organization_id: OrganizationId,
    media_type: String,
    size_bytes: i64,
    candidate_id: MediaId,
    media_id: Option<MediaId>,
    lease_until: Option<OffsetDateTime>,
}

impl From<Row> for WorkspaceFile {
    fn from(row: Row) -> Self {
        Self {
            key: row.key,
            organization_id: row.organization_id,
            content: Content::from_media_type(&row.media_type).expect("only known types are kept"),
            size_bytes: row.size_bytes,
            candidate_id: row.candidate_id,
            media_id: row.media_id,
            lease_until: row.lease_until,
        }
    }
}
