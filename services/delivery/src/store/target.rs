//! `delivery.target`.

use pg::Page;
use sqlx::PgExecutor;
use time::OffsetDateTime;
use types::id::{OrganizationId, TargetId};

use crate::error::{Error, Result};
use crate::target::{Address, SealedSecret, State, Target};

/// Inserts a target.
pub(crate) async fn insert(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    target: &Target,
) -> Result<()> {
    sqlx::query!(
        "insert into delivery.target (target_id, organization_id, name, state, endpoint_url, region, bucket, prefix,
             access_key_id, sealed_secret, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        target.id.uuid(),
        organization.uuid(),
        &target.name,
        target.state.as_str(),
        &target.address.endpoint_url,
        &target.address.region,
        &target.address.bucket,
        &target.address.prefix,
        &target.address.access_key_id,
        &target.sealed_secret.0,
        target.created_at,
    )
    .execute(db)
    .await
    .map_err(|error| match pg::broken_constraint(&error) {
        Some("target_name_is_unique") => Error::NameTaken(target.name.clone()),
        _ => error.into(),
    })?;
    Ok(())
}

/// Finds a target of the organization.
pub(crate) async fn find(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    id: TargetId,
) -> Result<Target> {
    let row = sqlx::query_as!(
        Row,
        "select target_id, name, state, version, endpoint_url, region, bucket, prefix, access_key_id, sealed_secret,
                created_at
         from delivery.target where organization_id = $1 and target_id = $2",
        organization.uuid(),
        id.uuid(),
    )
    .fetch_optional(db)
    .await?;
    row.ok_or(Error::TargetNotFound(id))?.try_into()
}

/// Lists a page of the organization's targets, newest first.
pub(crate) async fn list(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    page: &Page,
) -> Result<Vec<Target>> {
    let after = page.after::<TargetId>()?;
    let rows = sqlx::query_as!(
        Row,
        "select target_id, name, state, version, endpoint_url, region, bucket, prefix, access_key_id, sealed_secret,
                created_at
         from delivery.target
         where organization_id = $1 and ($2::uuid is null or target_id < $2)
         order by target_id desc limit $3",
        organization.uuid(),
        after.map(TargetId::uuid),
        page.limit(),
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Target::try_from).collect()
}

/// Keeps a target from being deleted or judged until the transaction ends, and returns its state.
pub(crate) async fn hold(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    id: TargetId,
) -> Result<State> {
    let state = sqlx::query_scalar!(
        "select state from delivery.target where organization_id = $1 and target_id = $2 for share",
        organization.uuid(),
        id.uuid(),
    )
    .fetch_optional(db)
    .await?;
    state.ok_or(Error::TargetNotFound(id))?.parse().map_err(Error::Corrupt)
}

/// Keeps everybody else from holding a target until the transaction ends.
pub(crate) async fn lock(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    id: TargetId,
) -> Result<()> {
    let found = sqlx::query_scalar!(
        "select target_id from delivery.target
         where organization_id = $1 and target_id = $2 for update",
        organization.uuid(),
        id.uuid(),
    )
    .fetch_optional(db)
    .await?;
    found.map(|_| ()).ok_or(Error::TargetNotFound(id))
}

/// Writes what a test found out.
pub(crate) async fn set_state(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    id: TargetId,
    state: State,
) -> Result<()> {
    sqlx::query!(
        "update delivery.target set state = $3, version = version + 1
         where organization_id = $1 and target_id = $2",
        organization.uuid(),
        id.uuid(),
        state.as_str(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Writes what a delivery found out, unless the target was judged again since it was read.
pub(crate) async fn set_state_since(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    target: &Target,
    state: State,
) -> Result<bool> {
    let done = sqlx::query!(
        "update delivery.target set state = $4, version = version + 1
         where organization_id = $1 and target_id = $2 and version = $3",
        organization.uuid(),
        target.id.uuid(),
        target.version,
        state.as_str(),
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Deletes a target, and with it our copy of its secret.
pub(crate) async fn delete(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    id: TargetId,
) -> Result<()> {
    sqlx::query!(
        "delete from delivery.target where organization_id = $1 and target_id = $2",
        organization.uuid(),
        id.uuid(),
    )
    .execute(db)
    .await?;
    Ok(())
}

struct Row {
    target_id: TargetId,
    name: String,
    state: String,
    version: i64,
    endpoint_url: String,
    region: String,
    bucket: String,
    prefix: String,
    access_key_id: String,
    sealed_secret: Vec<u8>,
    created_at: OffsetDateTime,
}

impl TryFrom<Row> for Target {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: row.target_id,
            name: row.name,
            state: row.state.parse().map_err(Error::Corrupt)?,
            version: row.version,
            address: Address {
                endpoint_url: row.endpoint_url,
                region: row.region,
                bucket: row.bucket,
                prefix: row.prefix,
                access_key_id: row.access_key_id,
            },
            sealed_secret: SealedSecret(row.sealed_secret),
            created_at: row.created_at,
        })
    }
}
