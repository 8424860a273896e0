//! `delivery.export_item`.

use pg::Page;
use sqlx::PgExecutor;
use time::OffsetDateTime;
use types::id::{ExportId, ExportItemId, MediaId, OrganizationId, PredictionId, ShotId};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::export::Export;
use crate::item::{Digest, Item, Receipt, State};

/// Inserts the items of an export.
pub(crate) async fn insert_all(
    db: impl PgExecutor<'_>,
    export: ExportId,
    items: &[Item],
) -> Result<()> {
    let ids: Vec<Uuid> = items.iter().map(|it| it.id.uuid()).collect();
    let shots: Vec<Uuid> = items.iter().map(|it| it.shot_id.uuid()).collect();
    let predictions: Vec<Uuid> = items.iter().map(|it| it.prediction_id.uuid()).collect();
    let media: Vec<Uuid> = items.iter().map(|it| it.media_id.uuid()).collect();
    let filenames: Vec<String> = items.iter().map(|it| it.filename.clone()).collect();
    sqlx::query!(
        "insert into delivery.export_item (export_id, export_item_id, shot_id, prediction_id, media_id, filename)
         select $1, * from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[])",
        export.uuid(),
        &ids,
        &shots,
        &predictions,
        &media,
        &filenames,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Lists a page of the items of an export, by filename.
pub(crate) async fn list(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    export: ExportId,
    page: &Page,
) -> Result<Vec<Item>> {
    let after = page.after::<String>()?;
    let rows = sqlx::query_as!(
        Row,
        "select export_item_id, shot_id, prediction_id, media_id, filename, item.state, attempt_count, forgiven_count,
                item.problem, sha256, size_bytes, location, remote_id, delivered_at
         from delivery.export_item as item join delivery.export using (export_id)
         where organization_id = $1 and export_id = $2 and ($3::text is null or filename > $3)
         order by filename limit $4",
        organization.uuid(),
        export.uuid(),
        after,
        page.limit(),
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Item::try_from).collect()
}

/// Reads up to `limit` items of an export that are in one of `states`, by filename after `after`.
pub(crate) async fn next(
    db: impl PgExecutor<'_>,
    export: &Export,
    states: &[State],
    after: &str,
    limit: i64,
) -> Result<Vec<Item>> {
    let states: Vec<String> = states.iter().map(|it| it.as_str().to_owned()).collect();
    let rows = sqlx::query_as!(
        Row,
        "select export_item_id, shot_id, prediction_id, media_id, filename, item.state, attempt_count, forgiven_count,
                item.problem, sha256, size_bytes, location, remote_id, delivered_at
         from delivery.export_item as item join delivery.export using (export_id)
         where organization_id = $1 and export_id = $2 and item.state = any($3) and filename > $4
         order by filename limit $5",
        export.organization_id.uuid(),
        export.id.uuid(),
        &states,
        after,
        limit,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Item::try_from).collect()
}

/// Writes down what is about to be sent. No if the run was overtaken.
pub(crate) async fn prepare(
    db: impl PgExecutor<'_>,
    export: &Export,
    id: ExportItemId,
    digest: &Digest,
) -> Result<bool> {
    let done = sqlx::query!(
        "update delivery.export_item as item set sha256 = $5, size_bytes = $6
         from delivery.export as export
         where export.export_id = item.export_id and organization_id = $1 and export.export_id = $2
             and run = $3 and export.state = 'delivering' and export_item_id = $4 and item.state = 'pending'",
        export.organization_id.uuid(),
        export.id.uuid(),
        export.run,
        id.uuid(),
        digest.sha256.as_slice(),
        digest.size_bytes,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Writes down what the receiver confirmed, even if the export was cancelled meanwhile: it is there. No if
/// the run was overtaken.
pub(crate) async fn set_delivered(
    db: impl PgExecutor<'_>,
    export: &Export,
    id: ExportItemId,
    receipt: &Receipt,
) -> Result<bool> {
    let done = sqlx::query!(
        "update delivery.export_item as item
         set state = 'delivered', attempt_count = attempt_count + 1, problem = '', location = $5, remote_id = $6,
             sha256 = $7, size_bytes = $8, delivered_at = $9
         from delivery.export as export
         where export.export_id = item.export_id and organization_id = $1 and export.export_id = $2
             and run = $3 and export_item_id = $4",
        export.organization_id.uuid(),
        export.id.uuid(),
        export.run,
        id.uuid(),
        &receipt.location,
        &receipt.remote_id,
        receipt.digest.sha256.as_slice(),
        receipt.digest.size_bytes,
        receipt.delivered_at,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Writes down a problem, and whether the item goes on. No if the run was overtaken, or the export cancelled.
pub(crate) async fn set_problem(
    db: impl PgExecutor<'_>,
    export: &Export,
    id: ExportItemId,
    state: State,
    problem: &str,
) -> Result<bool> {
    let done = sqlx::query!(
        "update delivery.export_item as item
         set state = $5, attempt_count = attempt_count + 1, problem = $6, location = null, remote_id = null,
             delivered_at = null
         from delivery.export as export
         where export.export_id = item.export_id and organization_id = $1 and export.export_id = $2
             and run = $3 and export.state = 'delivering' and export_item_id = $4",
        export.organization_id.uuid(),
        export.id.uuid(),
        export.run,
        id.uuid(),
        state.as_str(),
        problem,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends all items of an export that are pending.
pub(crate) async fn end_pending(
    db: impl PgExecutor<'_>,
    export: &Export,
    state: State,
    problem: &str,
) -> Result<()> {
    sqlx::query!(
        "update delivery.export_item as item set state = $3, problem = $4
         from delivery.export as export
         where export.export_id = item.export_id and organization_id = $1 and export.export_id = $2
             and item.state = 'pending'",
        export.organization_id.uuid(),
        export.id.uuid(),
        state.as_str(),
        problem,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Lets all items of an export that failed be tried again.
pub(crate) async fn forgive(db: impl PgExecutor<'_>, export: &Export) -> Result<()> {
    sqlx::query!(
        "update delivery.export_item as item set state = 'pending', forgiven_count = attempt_count
         from delivery.export as export
         where export.export_id = item.export_id and organization_id = $1 and export.export_id = $2
             and item.state = 'failed'",
        export.organization_id.uuid(),
        export.id.uuid(),
    )
    .execute(db)
    .await?;
    Ok(())
}

struct Row {
    export_item_id: ExportItemId,
    shot_id: ShotId,
    prediction_id: PredictionId,
    media_id: MediaId,
    filename: String,
    state: String,
    attempt_count: i32,
    forgiven_count: i32,
    problem: String,
    sha256: Option<Vec<u8>>,
    size_bytes: Option<i64>,
    location: Option<String>,
    remote_id: Option<String>,
    delivered_at: Option<OffsetDateTime>,
}

impl TryFrom<Row> for Item {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let sha256 = row.sha256.map(|it| it.try_into());
        let sha256 = sha256.transpose().map_err(|_| Error::Corrupt("SHA-256".to_owned()))?;
        let prepared =
            sha256.zip(row.size_bytes).map(|(sha256, size_bytes)| Digest { sha256, size_bytes });
        let receipt = prepared.zip(row.location).zip(row.delivered_at);
        let remote_id = row.remote_id.unwrap_or_default();
        Ok(Self {
            id: row.export_item_id,
            shot_id: row.shot_id,
            prediction_id: row.prediction_id,
            media_id: row.media_id,
            filename: row.filename,
            state: row.state.parse().map_err(Error::Corrupt)?,
            attempt_count: row.attempt_count,
            forgiven_count: row.forgiven_count,
            problem: row.problem,
            prepared,
            receipt: receipt.map(|((digest, location), delivered_at)| Receipt {
                location,
                remote_id,
                digest,
                delivered_at,
            }),
        })
    }
}
