//! `media.media`.

use std::time::Duration;

use pixels::Kind;
use sqlx::types::Json;
use sqlx::{PgConnection, PgExecutor};
use time::OffsetDateTime;
use types::id::{MediaId, OrganizationId};
use uuid::Uuid;

use crate::error::Result;
use crate::media::{Media, Origin, Rendition, Sha256};

/// The place of a media in the list.
pub(crate) type Place = (OffsetDateTime, MediaId);

/// What became of a media that was to be kept.
#[derive(Debug)]
pub(crate) enum Kept {
    /// It is kept.
    New(Media),
    /// Its organization has the same bytes as this one.
    Known(Media),
}

/// Inserts `media`, unless its organization has these bytes already.
pub(crate) async fn keep(db: &mut PgConnection, media: Media) -> Result<Kept> {
    if let Some(created_at) = insert(&mut *db, &media).await? {
        return Ok(Kept::New(Media { created_at, ..media }));
    }
    let known = find_bytes(db, media.organization_id, &media.sha256).await?;
    // Whoever was faster has committed: the insertion waited for that.
    Ok(Kept::Known(known.expect("media are never deleted")))
}

/// Inserts `media`, unless its organization has these bytes already: then `None`.
async fn insert(db: impl PgExecutor<'_>, media: &Media) -> Result<Option<OffsetDateTime>> {
    let duration_us = media.duration.map(|it| i64::try_from(it.as_micros()).unwrap_or(i64::MAX));
    let inserted = sqlx::query_scalar!(
        r#"insert into media.media (
            media_id, organization_id, origin, filename, media_type, size_bytes,
            width_px, height_px, duration_us, sha256, placeholder, renditions
        ) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        on conflict on constraint media_bytes_are_unique do nothing
        returning created_at"#,
        media.id.uuid(),
        media.organization_id.uuid(),
        media.origin.as_str(),
        media.filename,
        media.kind.media_type(),
        media.size_bytes,
        media.width_px,
        media.height_px,
        duration_us,
        media.sha256.as_slice(),
        media.placeholder,
        Json(&media.renditions) as _,
    )
    .fetch_optional(db)
    .await?;
    Ok(inserted)
}

/// Finds the media with these bytes.
pub(crate) async fn find_bytes(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    sha256: &Sha256,
) -> Result<Option<Media>> {
    let row = sqlx::query_as!(
        Row,
        r#"select media_id, organization_id, origin, filename, media_type, size_bytes,
            width_px, height_px, duration_us, sha256, placeholder,
            renditions as "renditions: Json<Vec<Rendition>>", created_at,
            (select count(*) from media.attachment a where a.media_id = m.media_id)
                as "attachment_count!"
        from media.media m where organization_id = $1 and sha256 = $2"#,
        organization.uuid(),
        sha256.as_slice(),
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(Media::from))
}

/// Finds the media with these ids, in any order; those of other organizations are not there.
pub(crate) async fn find_all(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    ids: &[MediaId],
) -> Result<Vec<Media>> {
    let ids: Vec<Uuid> = ids.iter().map(|it| it.uuid()).collect();
    let rows = sqlx::query_as!(
        Row,
        r#"select media_id, organization_id, origin, filename, media_type, size_bytes,
            width_px, height_px, duration_us, sha256, placeholder,
            renditions as "renditions: Json<Vec<Rendition>>", created_at,
            (select count(*) from media.attachment a where a.media_id = m.media_id)
                as "attachment_count!"
        from media.media m where organization_id = $1 and media_id = any($2)"#,
        organization.uuid(),
        &ids,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Media::from).collect())
}

/// Finds the media with this id.
pub(crate) async fn find(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    id: MediaId,
) -> Result<Option<Media>> {
    Ok(find_all(db, organization, &[id]).await?.pop())
}

/// Lists media from the newest on, or from after the given place.
pub(crate) async fn list(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    origin: Option<Origin>,
    after: Option<Place>,
    limit: i64,
) -> Result<Vec<Media>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select media_id, organization_id, origin, filename, media_type, size_bytes,
            width_px, height_px, duration_us, sha256, placeholder,
            renditions as "renditions: Json<Vec<Rendition>>", created_at,
            (select count(*) from media.attachment a where a.media_id = m.media_id)
                as "attachment_count!"
        from media.media m
        where organization_id = $1
            and ($2::text is null or origin = $2)
            and ($3::timestamptz is null or (created_at, media_id) < ($3, $4))
        order by created_at desc, media_id desc
        limit $5"#,
        organization.uuid(),
        origin.map(Origin::as_str),
        after.map(|(created_at, _)| created_at),
        after.map(|(_, id)| id.uuid()),
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Media::from).collect())
}

struct Row {
    media_id: MediaId,
    organization_id: OrganizationId,
    origin: String,
    filename: String,
    media_type: String,
    size_bytes: i64,
    width_px: i32,
    height_px: i32,
    duration_us: Option<i64>,
    sha256: Vec<u8>,
    placeholder: Vec<u8>,
    renditions: Json<Vec<Rendition>>,
    created_at: OffsetDateTime,
    attachment_count: i64,
}

impl From<Row> for Media {
    fn from(row: Row) -> Self {
        Self {
            id: row.media_id,
            organization_id: row.organization_id,
            origin: Origin::named(&row.origin).expect("a constraint knows the origins"),
            filename: row.filename,
            kind: Kind::from_media_type(&row.media_type).expect("only known kinds are kept"),
            size_bytes: row.size_bytes,
            width_px: row.width_px,
            height_px: row.height_px,
            duration: row.duration_us.map(|it| Duration::from_micros(it.unsigned_abs())),
            sha256: row.sha256.try_into().expect("a constraint counts the bytes"),
            placeholder: row.placeholder,
            renditions: row.renditions.0,
            attachment_count: row.attachment_count,
            created_at: row.created_at,
        }
    }
}
