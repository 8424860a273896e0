//! `catalog.subject`.

use pg::Page;
use sqlx::PgExecutor;
use time::OffsetDateTime;
use types::Version;
use types::id::{MediaId, OrganizationId, SubjectId};
use uuid::Uuid;

use crate::batch;
use crate::error::{Error, Result};
use crate::subject::{Content, Subject};

/// Inserts a subject.
pub(crate) async fn insert(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    id: SubjectId,
    content: &Content,
) -> Result<Subject> {
    let row = sqlx::query_as!(
        Row,
        "insert into catalog.subject (subject_id, organization_id, handle, name, description, portrait_media_id)
         values ($1, $2, $3, $4, $5, $6)
         returning subject_id, version, handle, name, description, portrait_media_id,
                   created_at, updated_at",
        id.uuid(),
        organization.uuid(),
        &content.handle,
        &content.name,
        &content.description,
        content.portrait.map(MediaId::uuid),
    )
    .fetch_one(db)
    .await
    .map_err(|error| taken(error, content))?;
    Ok(row.into())
}

/// Finds those of `ids` that the organization has.
pub(crate) async fn find(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    ids: &[SubjectId],
) -> Result<Vec<Subject>> {
    let ids: Vec<Uuid> = ids.iter().map(|it| it.uuid()).collect();
    let rows = sqlx::query_as!(
        Row,
        "select subject_id, version, handle, name, description, portrait_media_id,
                created_at, updated_at
         from catalog.subject where organization_id = $1 and subject_id = any($2)",
        organization.uuid(),
        &ids,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Finds a subject and keeps others from changing it until the transaction ends.
pub(crate) async fn lock(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    id: SubjectId,
) -> Result<Subject> {
    let row = sqlx::query_as!(
        Row,
        "select subject_id, version, handle, name, description, portrait_media_id,
                created_at, updated_at
         from catalog.subject where organization_id = $1 and subject_id = $2 for update",
        organization.uuid(),
        id.uuid(),
    )
    .fetch_optional(db)
    .await?;
    batch::one(id, row.map(Into::into))
}

/// Lists a page of the organization's subjects, newest first.
pub(crate) async fn list(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    page: &Page,
) -> Result<Vec<Subject>> {
    let after = page.after::<SubjectId>()?;
    let rows = sqlx::query_as!(
        Row,
        "select subject_id, version, handle, name, description, portrait_media_id,
                created_at, updated_at
         from catalog.subject
         where organization_id = $1 and ($2::uuid is null or subject_id < $2)
         order by subject_id desc limit $3",
        organization.uuid(),
        after.map(SubjectId::uuid),
        page.limit(),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Writes the content of a subject as its next version.
pub(crate) async fn update(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    id: SubjectId,
    content: &Content,
) -> Result<Subject> {
    let row = sqlx::query_as!(
        Row,
        "update catalog.subject
         set handle = $3, name = $4, description = $5, portrait_media_id = $6,
             version = version + 1, updated_at = now()
         where organization_id = $1 and subject_id = $2
         returning subject_id, version, handle, name, description, portrait_media_id,
                   created_at, updated_at",
        organization.uuid(),
        id.uuid(),
        &content.handle,
        &content.name,
        &content.description,
        content.portrait.map(MediaId::uuid),
    )
    .fetch_one(db)
    .await
    .map_err(|error| taken(error, content))?;
    Ok(row.into())
}

fn taken(error: sqlx::Error, content: &Content) -> Error {
    match pg::broken_constraint(&error) {
        Some("subject_handle_is_unique") => Error::HandleTaken(content.handle.clone()),
        _ => error.into(),
    }
}

struct Row {
    subject_id: SubjectId,
    version: i64,
    handle: String,
    name: String,
    description: String,
    portrait_media_id: Option<MediaId>,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
}

impl From<Row> for Subject {
    fn from(row: Row) -> Self {
        Self {
            id: row.subject_id,
            version: Version(row.version),
            content: Content {
                handle: row.handle,
                name: row.name,
                description: row.description,
                portrait: row.portrait_media_id,
            },
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}
