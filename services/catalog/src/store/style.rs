//! `catalog.style`.

use pg::Page;
use sqlx::PgExecutor;
use time::OffsetDateTime;
use types::Version;
use types::id::{OrganizationId, StyleId};
use uuid::Uuid;

use crate::batch;
use crate::error::{Error, Noun, Result};
use crate::style::{Content, Style};

/// Inserts a style.
pub(crate) async fn insert(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    id: StyleId,
    content: &Content,
) -> Result<Style> {
    let row = sqlx::query_as!(
        Row,
        "insert into catalog.style (style_id, organization_id, name, prompt, negative_prompt, background, light)
         values ($1, $2, $3, $4, $5, $6, $7)
         returning style_id, version, name, prompt, negative_prompt, background, light,
                   created_at, updated_at",
        id.uuid(),
        organization.uuid(),
        &content.name,
        &content.prompt,
        &content.negative_prompt,
        &content.background,
        &content.light,
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
    ids: &[StyleId],
) -> Result<Vec<Style>> {
    let ids: Vec<Uuid> = ids.iter().map(|it| it.uuid()).collect();
    let rows = sqlx::query_as!(
        Row,
        "select style_id, version, name, prompt, negative_prompt, background, light,
                created_at, updated_at
         from catalog.style where organization_id = $1 and style_id = any($2)",
        organization.uuid(),
        &ids,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Finds a style and keeps others from changing it until the transaction ends.
pub(crate) async fn lock(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    id: StyleId,
) -> Result<Style> {
    let row = sqlx::query_as!(
        Row,
        "select style_id, version, name, prompt, negative_prompt, background, light,
                created_at, updated_at
         from catalog.style where organization_id = $1 and style_id = $2 for update",
        organization.uuid(),
        id.uuid(),
    )
    .fetch_optional(db)
    .await?;
    batch::one(id, row.map(Into::into))
}

/// Lists a page of the organization's styles, newest first.
pub(crate) async fn list(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    page: &Page,
) -> Result<Vec<Style>> {
    let after = page.after::<StyleId>()?;
    let rows = sqlx::query_as!(
        Row,
        "select style_id, version, name, prompt, negative_prompt, background, light,
                created_at, updated_at
         from catalog.style
         where organization_id = $1 and ($2::uuid is null or style_id < $2)
         order by style_id desc limit $3",
        organization.uuid(),
        after.map(StyleId::uuid),
        page.limit(),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Writes the content of a style as its next version.
pub(crate) async fn update(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    id: StyleId,
    content: &Content,
) -> Result<Style> {
    let row = sqlx::query_as!(
        Row,
        "update catalog.style
         set name = $3, prompt = $4, negative_prompt = $5, background = $6, light = $7,
             version = version + 1, updated_at = now()
         where organization_id = $1 and style_id = $2
         returning style_id, version, name, prompt, negative_prompt, background, light,
                   created_at, updated_at",
        organization.uuid(),
        id.uuid(),
        &content.name,
        &content.prompt,
        &content.negative_prompt,
        &content.background,
        &content.light,
    )
    .fetch_one(db)
    .await
    .map_err(|error| taken(error, content))?;
    Ok(row.into())
}

fn taken(error: sqlx::Error, content: &Content) -> Error {
    match pg::broken_constraint(&error) {
        Some("style_name_is_unique") => Error::NameTaken(Noun::Style, content.name.clone()),
        _ => error.into(),
    }
}

struct Row {
    style_id: StyleId,
    version: i64,
    name: String,
    prompt: String,
    negative_prompt: String,
    background: String,
    light: String,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
}

impl From<Row> for Style {
    fn from(row: Row) -> Self {
        Self {
            id: row.style_id,
            version: Version(row.version),
            content: Content {
                name: row.name,
                prompt: row.prompt,
                negative_prompt: row.negative_prompt,
                background: row.background,
                light: row.light,
            },
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}
