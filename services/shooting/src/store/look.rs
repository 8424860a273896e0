//! `shooting.look`.

use pg::Page;
use sqlx::PgExecutor;
use time::OffsetDateTime;
use types::Version;
use types::id::{LookId, OrganizationId, ProductId, ShootingId, StyleId, SubjectId};
use uuid::Uuid;

use crate::error::{Error, Noun, Result};
use crate::look::{Content, Look};

/// Inserts a look.
pub(crate) async fn insert(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    shooting: ShootingId,
    id: LookId,
    content: &Content,
) -> Result<Look> {
    let row = sqlx::query_as!(
        Row,
        "insert into shooting.look (look_id, organization_id, shooting_id, name, product_id,
             subject_id, style_id, guideline_ids, shot_type_ids)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         returning look_id, version, shooting_id, name, product_id, subject_id, style_id,
             guideline_ids, shot_type_ids, created_at, updated_at",
        id.uuid(),
        organization.uuid(),
        shooting.uuid(),
        &content.name,
        content.product_id.uuid(),
        content.subject_id.uuid(),
        content.style_id.uuid(),
        &uuids(&content.guideline_ids),
        &uuids(&content.shot_type_ids),
    )
    .fetch_one(db)
    .await?;
    Ok(row.into())
}

/// Finds those of `ids` that the organization has.
pub(crate) async fn find(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    ids: &[LookId],
) -> Result<Vec<Look>> {
    let rows = sqlx::query_as!(
        Row,
        "select look_id, version, shooting_id, name, product_id, subject_id, style_id,
             guideline_ids, shot_type_ids, created_at, updated_at
         from shooting.look where organization_id = $1 and look_id = any($2)
         order by look_id",
        organization.uuid(),
        &uuids(ids),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Finds one look of the organization.
pub(crate) async fn find_one(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    id: LookId,
) -> Result<Look> {
    let found = find(db, organization, &[id]).await?;
    found.into_iter().next().ok_or_else(|| Error::NotFound(Noun::Look, vec![id.uuid()]))
}

/// Lists a page of the looks of a shooting, in the order they were created.
pub(crate) async fn list(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    shooting: ShootingId,
    page: &Page,
) -> Result<Vec<Look>> {
    let after = page.after::<LookId>()?;
    let rows = sqlx::query_as!(
        Row,
        "select look_id, version, shooting_id, name, product_id, subject_id, style_id,
             guideline_ids, shot_type_ids, created_at, updated_at
         from shooting.look
         where organization_id = $1 and shooting_id = $2 and ($3::uuid is null or $3 < look_id)
         order by look_id limit $4",
        organization.uuid(),
        shooting.uuid(),
        after.map(LookId::uuid),
        page.limit(),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Writes the content of a look as its next version.
pub(crate) async fn update(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    id: LookId,
    content: &Content,
) -> Result<Look> {
    let row = sqlx::query_as!(
        Row,
        "update shooting.look
         set name = $3, product_id = $4, subject_id = $5, style_id = $6, guideline_ids = $7,
             shot_type_ids = $8, version = version + 1, updated_at = now()
         where organization_id = $1 and look_id = $2
         returning look_id, version, shooting_id, name, product_id, subject_id, style_id,
             guideline_ids, shot_type_ids, created_at, updated_at",
        organization.uuid(),
        id.uuid(),
        &content.name,
        content.product_id.uuid(),
        content.subject_id.uuid(),
        content.style_id.uuid(),
        &uuids(&content.guideline_ids),
        &uuids(&content.shot_type_ids),
    )
    .fetch_one(db)
    .await?;
    Ok(row.into())
}

/// Deletes a look that has no shots.
pub(crate) async fn delete(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    id: LookId,
) -> Result<()> {
    sqlx::query!(
        "delete from shooting.look where organization_id = $1 and look_id = $2",
        organization.uuid(),
        id.uuid(),
    )
    .execute(db)
    .await?;
    Ok(())
}

fn uuids<I: Copy + Into<Uuid>>(ids: &[I]) -> Vec<Uuid> {
    ids.iter().map(|it| (*it).into()).collect()
}

struct Row {
    look_id: LookId,
    version: i64,
    shooting_id: ShootingId,
    name: String,
    product_id: ProductId,
    subject_id: SubjectId,
    style_id: StyleId,
    guideline_ids: Vec<Uuid>,
    shot_type_ids: Vec<Uuid>,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
}

impl From<Row> for Look {
    fn from(row: Row) -> Self {
        Self {
            id: row.look_id,
            version: Version(row.version),
            shooting_id: row.shooting_id,
            content: Content {
                name: row.name,
                product_id: row.product_id,
                subject_id: row.subject_id,
                style_id: row.style_id,
                guideline_ids: row.guideline_ids.into_iter().map(Into::into).collect(),
                shot_type_ids: row.shot_type_ids.into_iter().map(Into::into).collect(),
            },
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}
