//! `identity.organization`.

use sqlx::PgExecutor;
use types::id::{OrganizationId, UserId};

use crate::error::Result;
use crate::name::Name;
use crate::organization::Organization;
use crate::store;

pub(crate) async fn insert(db: impl PgExecutor<'_>, organization: &Organization) -> Result<()> {
    sqlx::query!(
        "insert into identity.organization (organization_id, name, created_at)
         values ($1, $2, $3)",
        organization.id as _,
        organization.name.as_str(),
        organization.created_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Holds off other changes of the members of an organization until the transaction ends.
pub(crate) async fn lock(db: impl PgExecutor<'_>, id: OrganizationId) -> Result<()> {
    sqlx::query!(
        "select from identity.organization where organization_id = $1 for update",
        id as _,
    )
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn rename(
    db: impl PgExecutor<'_>,
    id: OrganizationId,
    name: &Name,
) -> Result<Option<Organization>> {
    let row = sqlx::query!(
        "update identity.organization set name = $2 where organization_id = $1
         returning organization_id, name, created_at",
        id as _,
        name.as_str(),
    );
    let row = row.fetch_optional(db).await?;
    Ok(row.map(|row| Organization {
        id: row.organization_id,
        name: Name::stored(row.name),
        created_at: row.created_at,
    }))
}

/// Finds an organization that `user_id` is a member of, and as what.
pub(crate) async fn find_of_member(
    db: impl PgExecutor<'_>,
    id: OrganizationId,
    user_id: UserId,
) -> Result<Option<(Organization, server::Role)>> {
    let row = sqlx::query!(
        "select organization_id, name, organization.created_at, role
         from identity.organization join identity.membership using (organization_id)
         where organization_id = $1 and user_id = $2",
        id as _,
        user_id as _,
    );
    let Some(row) = row.fetch_optional(db).await? else { return Ok(None) };
    let role = store::role(&row.role)?;
    let name = Name::stored(row.name);
    Ok(Some((Organization { id: row.organization_id, name, created_at: row.created_at }, role)))
}

/// Lists the organizations of `user_id` that come after `after`, the oldest first.
pub(crate) async fn list_of_member(
    db: impl PgExecutor<'_>,
    user_id: UserId,
    after: Option<OrganizationId>,
    limit: i64,
) -> Result<Vec<Organization>> {
    let rows = sqlx::query!(
        r#"select it.organization_id as "organization_id!", name as "name!",
               it.created_at as "created_at!"
         from identity.membership
             cross join lateral (
                 select * from identity.organization
                 where organization.organization_id = membership.organization_id offset 0
             ) as it
         where user_id = $1 and ($2::uuid is null or $2 < membership.organization_id)
         order by membership.organization_id
         limit $3"#,
        user_id as _,
        after as _,
        limit,
    );
    let rows = rows.fetch_all(db).await?.into_iter();
    let organizations = rows.map(|row| Organization {
        id: row.organization_id,
        name: Name::stored(row.name),
        created_at: row.created_at,
    });
    Ok(organizations.collect())
}
