//! `delivery.export`.

use pg::Page;
use pixels::Kind;
use sqlx::{PgConnection, PgExecutor};
use time::OffsetDateTime;
use types::id::{ExportId, OrganizationId, ShootingId, TargetId};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::export::{Export, State, Tally, Zip};
use crate::format::Format;

/// Inserts an export.
pub(crate) async fn insert(db: impl PgExecutor<'_>, export: &Export) -> Result<()> {
    sqlx::query!(
        "insert into delivery.export (export_id, organization_id, state, name, shooting_id, target_id, media_type,
             long_edge_px, quality, created_at, traceparent)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        export.id.uuid(),
        export.organization_id.uuid(),
        export.state.as_str(),
        &export.name,
        export.shooting_id.uuid(),
        export.target_id.map(TargetId::uuid),
        export.format.kind.map(Kind::media_type),
        export.format.long_edge.and_then(|it| i32::try_from(it).ok()).unwrap_or_default(),
        export.format.quality.map(i32::from).unwrap_or_default(),
        export.created_at,
        export.traceparent,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Finds those of `ids` that the organization has, newest first.
pub(crate) async fn find(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    ids: &[ExportId],
) -> Result<Vec<Export>> {
    let ids: Vec<Uuid> = ids.iter().map(|it| it.uuid()).collect();
    let rows = sqlx::query_file_as!(Row, "src/store/export_find.sql", organization.uuid(), &ids)
        .fetch_all(db)
        .await?;
    rows.into_iter().map(Export::try_from).collect()
}

/// Finds an export of the organization.
pub(crate) async fn get(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    id: ExportId,
) -> Result<Export> {
    let found = find(db, organization, &[id]).await?;
    found.into_iter().next().ok_or(Error::ExportNotFound(id))
}

/// Finds an export and keeps others from changing it until the transaction ends.
pub(crate) async fn lock(
    tx: &mut PgConnection,
    organization: OrganizationId,
    id: ExportId,
) -> Result<Export> {
    // Apart from reading it, so that the items are counted after the lock is held.
    sqlx::query!(
        "select export_id from delivery.export
         where organization_id = $1 and export_id = $2 for update",
        organization.uuid(),
        id.uuid(),
    )
    .fetch_optional(&mut *tx)
    .await?;
    get(tx, organization, id).await
}

/// Lists the ids of a page of the organization's exports, newest first.
pub(crate) async fn list(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    shooting: Option<ShootingId>,
    page: &Page,
) -> Result<Vec<ExportId>> {
    let after = page.after::<ExportId>()?;
    let ids = sqlx::query_scalar!(
        "select export_id from delivery.export
         where organization_id = $1 and ($2::uuid is null or shooting_id = $2)
             and ($3::uuid is null or export_id < $3)
         order by export_id desc limit $4",
        organization.uuid(),
        shooting.map(ShootingId::uuid),
        after.map(ExportId::uuid),
        page.limit(),
    )
    .fetch_all(db)
    .await?;
    Ok(ids)
}

/// Begins a run, and returns its number. Earlier runs write nothing any more.
pub(crate) async fn start(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    id: ExportId,
) -> Result<i32> {
    let run = sqlx::query_scalar!(
        "update delivery.export set state = 'delivering', run = run + 1
         where organization_id = $1 and export_id = $2 returning run",
        organization.uuid(),
        id.uuid(),
    )
    .fetch_one(db)
    .await?;
    Ok(run)
}

/// Lets an export be `state` until it is tried again.
pub(crate) async fn pause(
    db: impl PgExecutor<'_>,
    export: &Export,
    state: State,
    problem: &str,
) -> Result<()> {
    sqlx::query!(
        "update delivery.export
         set state = $3, problem = $4, pauses = pauses + 1, stuck_since = coalesce(stuck_since, now())
         where organization_id = $1 and export_id = $2",
        export.organization_id.uuid(),
        export.id.uuid(),
        state.as_str(),
        problem,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets the pauses of an export that got on.
pub(crate) async fn unstick(db: impl PgExecutor<'_>, export: &Export) -> Result<()> {
    sqlx::query!(
        "update delivery.export set pauses = 0, stuck_since = null
         where organization_id = $1 and export_id = $2 and run = $3 and pauses <> 0",
        export.organization_id.uuid(),
        export.id.uuid(),
        export.run,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Ends an export, with its zip if it has one.
pub(crate) async fn end(
    db: impl PgExecutor<'_>,
    export: &Export,
    state: State,
    zip: Option<&Zip>,
) -> Result<()> {
    sqlx::query!(
        "update delivery.export
         set state = $3, zip_key = $4, zip_bytes = $5, zip_expires_at = $6, ended_at = now(), problem = $7,
             pauses = 0, stuck_since = null
         where organization_id = $1 and export_id = $2",
        export.organization_id.uuid(),
        export.id.uuid(),
        state.as_str(),
        zip.map(|it| it.key.as_str()),
        zip.map(|it| it.size_bytes),
        zip.map(|it| it.expires_at),
        &export.problem,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Cancels an export. Its run finds out by itself; what it delivered meanwhile stays delivered.
pub(crate) async fn cancel(db: impl PgExecutor<'_>, export: &Export) -> Result<()> {
    sqlx::query!(
        "update delivery.export set state = 'cancelled', ended_at = now()
         where organization_id = $1 and export_id = $2",
        export.organization_id.uuid(),
        export.id.uuid(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Opens an ended export again, as a part of the trace that `traceparent` names.
pub(crate) async fn reopen(
    db: impl PgExecutor<'_>,
    export: &Export,
    traceparent: Option<String>,
) -> Result<()> {
    sqlx::query!(
        "update delivery.export
         set state = 'queued', run = run + 1, ended_at = null, problem = '', pauses = 0, stuck_since = null,
             traceparent = $3
         where organization_id = $1 and export_id = $2",
        export.organization_id.uuid(),
        export.id.uuid(),
        traceparent,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Lists the exports that wait for a target.
pub(crate) async fn waiting(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    target: TargetId,
) -> Result<Vec<ExportId>> {
    let ids = sqlx::query_scalar!(
        "select export_id from delivery.export
         where organization_id = $1 and target_id = $2 and state = 'waiting'",
        organization.uuid(),
        target.uuid(),
    )
    .fetch_all(db)
    .await?;
    Ok(ids)
}

/// Tells whether an export that has not ended delivers to a target.
pub(crate) async fn is_open(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    target: TargetId,
) -> Result<bool> {
    let is_open = sqlx::query_scalar!(
        r#"select exists (
             select from delivery.export
             where organization_id = $1 and target_id = $2 and state in ('queued', 'delivering', 'waiting')
         ) as "is_open!""#,
        organization.uuid(),
        target.uuid(),
    )
    .fetch_one(db)
    .await?;
    Ok(is_open)
}

struct Row {
    export_id: ExportId,
    organization_id: OrganizationId,
    state: String,
    name: String,
    shooting_id: ShootingId,
    target_id: Option<TargetId>,
    media_type: Option<String>,
    long_edge_px: i32,
    quality: i32,
    run: i32,
    pauses: i32,
    stuck_since: Option<OffsetDateTime>,
    zip_key: Option<String>,
    zip_bytes: Option<i64>,
    zip_expires_at: Option<OffsetDateTime>,
    problem: String,
    created_at: OffsetDateTime,
    ended_at: Option<OffsetDateTime>,
    traceparent: Option<String>,
    items: i32,
    delivered: i32,
    failed: i32,
}

impl TryFrom<Row> for Export {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let zip = row.zip_key.zip(row.zip_bytes).zip(row.zip_expires_at);
        Ok(Self {
            id: row.export_id,
            organization_id: row.organization_id,
            state: row.state.parse().map_err(Error::Corrupt)?,
            name: row.name,
            shooting_id: row.shooting_id,
            target_id: row.target_id,
            format: Format {
                kind: row.media_type.as_deref().and_then(Kind::from_media_type),
                long_edge: u32::try_from(row.long_edge_px).ok().filter(|it| *it != 0),
                quality: u8::try_from(row.quality).ok().filter(|it| *it != 0),
            },
            run: row.run,
            pauses: row.pauses,
            stuck_since: row.stuck_since,
            zip: zip.map(|((key, size_bytes), expires_at)| Zip { key, size_bytes, expires_at }),
            problem: row.problem,
            created_at: row.created_at,
            ended_at: row.ended_at,
            traceparent: row.traceparent,
            tally: Tally { items: row.items, delivered: row.delivered, failed: row.failed },
        })
    }
}
