//! `media.upload`.

use pixels::Kind;
use sqlx::PgExecutor;
use time::OffsetDateTime;
use types::id::{MediaId, OrganizationId, UploadId};
use uuid::Uuid;

use crate::error::Result;
use crate::refusal::{Reason, Refusal};
use crate::upload::{State, Upload};

/// Inserts a fresh upload.
pub(crate) async fn insert(db: impl PgExecutor<'_>, upload: &Upload) -> Result<()> {
    sqlx::query!(
        "insert into media.upload (
            upload_id, organization_id, state, filename, media_type, size_bytes, sha256, key,
            multipart_id, candidate_id, created_at, updated_at, expires_at, media_id
        ) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12, $13)",
        upload.id.uuid(),
        upload.organization_id.uuid(),
        upload.state.as_str(),
        upload.filename,
        upload.kind.media_type(),
        upload.size_bytes,
        upload.sha256.as_ref().map(<[u8; 32]>::as_slice),
        upload.key,
        upload.multipart_id,
        upload.candidate_id.uuid(),
        upload.created_at,
        upload.expires_at,
        upload.media_id.map(MediaId::uuid),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Finds an upload.
pub(crate) async fn find(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    id: UploadId,
) -> Result<Option<Upload>> {
    let row = sqlx::query_as!(
        Row,
        "select upload_id, organization_id, state, filename, media_type, size_bytes, sha256, key,
            multipart_id, candidate_id, media_id, reject_reason, reject_message, attempt,
            lease_until, created_at, expires_at
        from media.upload where organization_id = $1 and upload_id = $2",
        organization.uuid(),
        id.uuid(),
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(Upload::from))
}

/// Takes the lease of an upload that nobody judges. `None` if somebody else was faster.
pub(crate) async fn claim(
    db: impl PgExecutor<'_>,
    upload: &Upload,
    now: OffsetDateTime,
    lease_until: OffsetDateTime,
) -> Result<Option<Upload>> {
    let attempt = sqlx::query_scalar!(
        "update media.upload
        set state = 'verifying', attempt = attempt + 1, lease_until = $4, updated_at = $3
        where organization_id = $1 and upload_id = $2 and $3 < expires_at
            and (state = 'created' or (state = 'verifying' and lease_until <= $3))
        returning attempt",
        upload.organization_id.uuid(),
        upload.id.uuid(),
        now,
        lease_until,
    )
    .fetch_optional(db)
    .await?;
    let state = State::Verifying;
    let lease_until = Some(lease_until);
    Ok(attempt.map(|attempt| Upload { state, attempt, lease_until, ..upload.clone() }))
}

/// Prolongs the lease of an upload. No if it was lost.
pub(crate) async fn renew(
    db: impl PgExecutor<'_>,
    upload: &Upload,
    lease_until: OffsetDateTime,
) -> Result<bool> {
    let renewed = sqlx::query!(
        "update media.upload set lease_until = $3
        where upload_id = $1 and state = 'verifying' and attempt = $2",
        upload.id.uuid(),
        upload.attempt,
        lease_until,
    )
    .execute(db)
    .await?;
    Ok(renewed.rows_affected() == 1)
}

/// Gives the lease back, so that completing can be tried again.
pub(crate) async fn release(db: impl PgExecutor<'_>, upload: &Upload) -> Result<()> {
    sqlx::query!(
        "update media.upload set state = 'created', lease_until = null
        where upload_id = $1 and state = 'verifying' and attempt = $2",
        upload.id.uuid(),
        upload.attempt,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Writes down what became of an upload. No if the lease was lost.
pub(crate) async fn settle(
    db: impl PgExecutor<'_>,
    upload: &Upload,
    now: OffsetDateTime,
) -> Result<bool> {
    let done = sqlx::query!(
        "update media.upload
        set state = $3, media_id = $4, reject_reason = $5, reject_message = $6,
            lease_until = null, updated_at = $7
        where upload_id = $1 and state = 'verifying' and attempt = $2",
        upload.id.uuid(),
        upload.attempt,
        upload.state.as_str(),
        upload.media_id.map(MediaId::uuid),
        upload.refusal.as_ref().map(|it| it.reason.as_str()),
        upload.refusal.as_ref().map(|it| it.message.as_str()),
        now,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Gives an upload up that nobody judges. No if somebody does, or it is decided.
pub(crate) async fn abort(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    id: UploadId,
    now: OffsetDateTime,
) -> Result<bool> {
    let done = sqlx::query!(
        "update media.upload set state = 'aborted', lease_until = null, updated_at = $3
        where organization_id = $1 and upload_id = $2
            and (state = 'created' or (state = 'verifying' and lease_until <= $3))",
        organization.uuid(),
        id.uuid(),
        now,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends up to `limit` uploads whose time is over, and says how many those were.
pub(crate) async fn expire(
    db: impl PgExecutor<'_>,
    now: OffsetDateTime,
    limit: i64,
) -> Result<u64> {
    let done = sqlx::query!(
        "with due as materialized (
            select upload_id from media.upload
            where state in ('created', 'verifying') and expires_at <= $1
                and (lease_until is null or lease_until <= $1)
            order by expires_at limit $2 for update skip locked
        )
        update media.upload set state = 'expired', lease_until = null, updated_at = $1
        where upload_id = any(array(select upload_id from due))",
        now,
        limit,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// Lists up to `limit` decided uploads that may have left something in the store.
pub(crate) async fn uncleared(db: impl PgExecutor<'_>, limit: i64) -> Result<Vec<Upload>> {
    let rows = sqlx::query_as!(
        Row,
        "select upload_id, organization_id, state, filename, media_type, size_bytes, sha256, key,
            multipart_id, candidate_id, media_id, reject_reason, reject_message, attempt,
            lease_until, created_at, expires_at
        from media.upload
        where cleared_at is null and state not in ('created', 'verifying')
        order by updated_at limit $1",
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Upload::from).collect())
}

/// Remembers that nothing of an upload is left in the store.
pub(crate) async fn set_cleared(
    db: impl PgExecutor<'_>,
    id: UploadId,
    now: OffsetDateTime,
) -> Result<()> {
    sqlx::query!("update media.upload set cleared_at = $2 where upload_id = $1", id.uuid(), now,)
        .execute(db)
        .await?;
    Ok(())
}

/// Lists those of `ids` that are not decided yet.
pub(crate) async fn open(db: impl PgExecutor<'_>, ids: &[UploadId]) -> Result<Vec<UploadId>> {
    let ids: Vec<Uuid> = ids.iter().map(|it| it.uuid()).collect();
    let open = sqlx::query_scalar!(
        "select upload_id from media.upload
        where upload_id = any($1) and state in ('created', 'verifying')",
        &ids,
    )
    .fetch_all(db)
    .await?;
    Ok(open)
}

struct Row {
    upload_id: UploadId,
    organization_id: OrganizationId,
    state: String,
    filename: String,
    media_type: String,
    size_bytes: i64,
    sha256: Option<Vec<u8>>,
    key: String,
    multipart_id: Option<String>,
    candidate_id: MediaId,
    media_id: Option<MediaId>,
    reject_reason: Option<String>,
    reject_message: Option<String>,
    attempt: i32,
    lease_until: Option<OffsetDateTime>,
    created_at: OffsetDateTime,
    expires_at: OffsetDateTime,
}

impl From<Row> for Upload {
    fn from(row: Row) -> Self {
        let refusal = row.reject_reason.map(|reason| Refusal {
            reason: Reason::named(&reason).expect("only known reasons are kept"),
            message: row.reject_message.unwrap_or_default(),
        });
        Self {
            id: row.upload_id,
            organization_id: row.organization_id,
            state: State::named(&row.state).expect("a constraint knows the states"),
            filename: row.filename,
            kind: Kind::from_media_type(&row.media_type).expect("only known kinds are kept"),
            size_bytes: row.size_bytes,
            sha256: row.sha256.map(|it| it.try_into().expect("only whole hashes are kept")),
            key: row.key,
            multipart_id: row.multipart_id,
            candidate_id: row.candidate_id,
            media_id: row.media_id,
            refusal,
            attempt: row.attempt,
            lease_until: row.lease_until,
            created_at: row.created_at,
            expires_at: row.expires_at,
        }
    }
}
