//! `catalog.guideline`.

use pg::Page;
use sqlx::PgExecutor;
use time::OffsetDateTime;
use types::Version;
use types::id::{GuidelineId, OrganizationId};
use uuid::Uuid;

use crate::batch;
use crate::error::{Error, Noun, Result};
use crate::guideline::{Content, Guideline};

/// Inserts a guideline.
pub(crate) async fn insert(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    id: GuidelineId,
    content: &Content,
) -> Result<Guideline> {
    let row = sqlx::query_as!(
        Row,
        "insert into catalog.guideline (guideline_id, organization_id, name, rules)
         values ($1, $2, $3, $4)
         returning guideline_id, version, name, rules, created_at, updated_at",
        id.uuid(),
        organization.uuid(),
        &content.name,
        &content.rules,
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
    ids: &[GuidelineId],
) -> Result<Vec<Guideline>> {
    let ids: Vec<Uuid> = ids.iter().map(|it| it.uuid()).collect();
    let rows = sqlx::query_as!(
        Row,
        "select guideline_id, version, name, rules, created_at, updated_at
         from catalog.guideline where organization_id = $1 and guideline_id = any($2)",
        organization.uuid(),
        &ids,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Finds a guideline and keeps others from changing it until the transaction ends.
pub(crate) async fn lock(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    id: GuidelineId,
) -> Result<Guideline> {
    let row = sqlx::query_as!(
        Row,
        "select guideline_id, version, name, rules, created_at, updated_at
         from catalog.guideline where organization_id = $1 and guideline_id = $2 for update",
        organization.uuid(),
        id.uuid(),
    )
    .fetch_optional(db)
    .await?;
    batch::one(id, row.map(Into::into))
}

/// Lists a page of the organization's guidelines, newest first.
pub(crate) async fn list(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    page: &Page,
) -> Result<Vec<Guideline>> {
    let after = page.after::<GuidelineId>()?;
    let rows = sqlx::query_as!(
        Row,
        "select guideline_id, version, name, rules, created_at, updated_at
         from catalog.guideline
         where organization_id = $1 and ($2::uuid is null or guideline_id < $2)
         order by guideline_id desc limit $3",
        organization.uuid(),
        after.map(GuidelineId::uuid),
        page.limit(),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Writes the content of a guideline as its next version.
pub(crate) async fn update(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    id: GuidelineId,
    content: &Content,
) -> Result<Guideline> {
    let row = sqlx::query_as!(
        Row,
        "update catalog.guideline
         set name = $3, rules = $4,
             version = version + 1, updated_at = now()
         where organization_id = $1 and guideline_id = $2
         returning guideline_id, version, name, rules, created_at, updated_at",
        organization.uuid(),
        id.uuid(),
        &content.name,
        &content.rules,
    )
    .fetch_one(db)
    .await
    .map_err(|error| taken(error, content))?;
    Ok(row.into())
}

fn taken(error: sqlx::Error, content: &Content) -> Error {
    match pg::broken_constraint(&error) {
        Some("guideline_name_is_unique") => Error::NameTaken(Noun::Guideline, content.name.clone()),
        _ => error.into(),
    }
}

struct Row {
    guideline_id: GuidelineId,
    version: i64,
    name: String,
    rules: Vec<String>,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
}

impl From<Row> for Guideline {
    fn from(row: Row) -> Self {
        Self {
            id: row.guideline_id,
            version: Version(row.version),
            content: Content { name: row.name, rules: row.rules },
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}
