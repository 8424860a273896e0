//! `catalog.shot_type`.

use pg::Page;
use sqlx::PgExecutor;
use time::OffsetDateTime;
use types::Version;
use types::id::{OrganizationId, ShotTypeId};
use uuid::Uuid;

use crate::batch;
use crate::error::{Error, Result};
use crate::shot_type::{Content, Origin, ShotType};

/// Inserts a shot type.
pub(crate) async fn insert(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    id: ShotTypeId,
    content: &Content,
) -> Result<ShotType> {
    let row = sqlx::query_as!(
        Row,
        r#"insert into catalog.shot_type (shot_type_id, organization_id, code, name, framing, angle,
             pose, width_px, height_px, default_variants)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         returning shot_type_id, version, organization_id is null as "system!", code, name, framing,
             angle, pose, width_px, height_px, default_variants, created_at, updated_at"#,
        id.uuid(),
        organization.uuid(),
        &content.code,
        &content.name,
        &content.framing,
        &content.angle,
        &content.pose,
        content.width_px,
        content.height_px,
        content.default_variants,
    )
    .fetch_one(db)
    .await
    .map_err(|error| taken(error, content))?;
    Ok(row.into())
}

/// Finds those of `ids` that the organization or the system set has.
pub(crate) async fn find(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    ids: &[ShotTypeId],
) -> Result<Vec<ShotType>> {
    let ids: Vec<Uuid> = ids.iter().map(|it| it.uuid()).collect();
    let rows = sqlx::query_as!(
        Row,
        r#"select shot_type_id, version, organization_id is null as "system!", code, name, framing,
             angle, pose, width_px, height_px, default_variants, created_at, updated_at
         from catalog.shot_type
         where (organization_id = $1 or organization_id is null) and shot_type_id = any($2)"#,
        organization.uuid(),
        &ids,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Finds a shot type and keeps others from changing it until the transaction ends.
pub(crate) async fn lock(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    id: ShotTypeId,
) -> Result<ShotType> {
    let row = sqlx::query_as!(
        Row,
        r#"select shot_type_id, version, organization_id is null as "system!", code, name, framing,
             angle, pose, width_px, height_px, default_variants, created_at, updated_at
         from catalog.shot_type
         where (organization_id = $1 or organization_id is null) and shot_type_id = $2
         for update"#,
        organization.uuid(),
        id.uuid(),
    )
    .fetch_optional(db)
    .await?;
    batch::one(id, row.map(Into::into))
}

/// Tells whether the system set has a shot type with `code`.
pub(crate) async fn is_system_code(db: impl PgExecutor<'_>, code: &str) -> Result<bool> {
    let row = sqlx::query!(
        r#"select exists (
             select from catalog.shot_type where organization_id is null and code = $1
         ) as "exists!""#,
        code,
    )
    .fetch_one(db)
    .await?;
    Ok(row.exists)
}

/// Lists a page of the organization's shot types, newest first, and then of the system set.
pub(crate) async fn list(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    page: &Page,
) -> Result<Vec<ShotType>> {
    let after_system = page.part::<bool>(0)?;
    let after = page.part::<ShotTypeId>(1)?;
    let rows = sqlx::query_as!(
        Row,
        r#"select shot_type_id, version, organization_id is null as "system!", code, name, framing,
             angle, pose, width_px, height_px, default_variants, created_at, updated_at
         from catalog.shot_type
         where (organization_id = $1 or organization_id is null)
             and ($2::bool is null
                 or $2 < (organization_id is null)
                 or ($2 = (organization_id is null) and shot_type_id < $3))
         order by organization_id is null, shot_type_id desc limit $4"#,
        organization.uuid(),
        after_system,
        after.map(ShotTypeId::uuid),
        page.limit(),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Writes the content of a shot type of the organization as its next version.
pub(crate) async fn update(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    id: ShotTypeId,
    content: &Content,
) -> Result<ShotType> {
    let row = sqlx::query_as!(
        Row,
        r#"update catalog.shot_type
         set code = $3, name = $4, framing = $5, angle = $6, pose = $7, width_px = $8,
             height_px = $9, default_variants = $10, version = version + 1, updated_at = now()
         where organization_id = $1 and shot_type_id = $2
         returning shot_type_id, version, organization_id is null as "system!", code, name, framing,
             angle, pose, width_px, height_px, default_variants, created_at, updated_at"#,
        organization.uuid(),
        id.uuid(),
        &content.code,
        &content.name,
        &content.framing,
        &content.angle,
        &content.pose,
        content.width_px,
        content.height_px,
        content.default_variants,
    )
    .fetch_one(db)
    .await
    .map_err(|error| taken(error, content))?;
    Ok(row.into())
}

fn taken(error: sqlx::Error, content: &Content) -> Error {
    match pg::broken_constraint(&error) {
        Some("shot_type_code_is_unique") => Error::CodeTaken(content.code.clone()),
        _ => error.into(),
    }
}

struct Row {
    shot_type_id: ShotTypeId,
    version: i64,
    system: bool,
    code: String,
    name: String,
    framing: String,
    angle: String,
    pose: String,
    width_px: i32,
    height_px: i32,
    default_variants: i32,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
}

impl From<Row> for ShotType {
    fn from(row: Row) -> Self {
        Self {
            id: row.shot_type_id,
            version: Version(row.version),
            origin: match row.system {
                true => Origin::System,
                false => Origin::Organization,
            },
            content: Content {
                code: row.code,
                name: row.name,
                framing: row.framing,
                angle: row.angle,
                pose: row.pose,
                width_px: row.width_px,
                height_px: row.height_px,
                default_variants: row.default_variants,
            },
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}
