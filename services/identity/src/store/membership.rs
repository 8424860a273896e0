//! `identity.membership`.

use server::Role;
use sqlx::PgExecutor;
use types::id::{OrganizationId, UserId};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::name::Name;
use crate::organization::{Member, Membership};
use crate::store;
use crate::user::Email;

pub(crate) async fn insert(
    db: impl PgExecutor<'_>,
    membership: Membership,
    user_id: UserId,
    email: &Email,
) -> Result<()> {
    sqlx::query!(
        "insert into identity.membership (membership_id, organization_id, user_id, role)
         values ($1, $2, $3, $4)",
        Uuid::now_v7(),
        membership.organization_id as _,
        user_id as _,
        membership.role.as_str(),
    )
    .execute(db)
    .await
    .map_err(|error| match pg::broken_constraint(&error) {
        Some("membership_is_unique") => Error::AlreadyMember(email.to_string()),
        _ => error.into(),
    })?;
    Ok(())
}

pub(crate) async fn role_of(
    db: impl PgExecutor<'_>,
    organization_id: OrganizationId,
    user_id: UserId,
) -> Result<Option<Role>> {
    let role = sqlx::query_scalar!(
        "select role from identity.membership where organization_id = $1 and user_id = $2",
        organization_id as _,
        user_id as _,
    );
    role.fetch_optional(db).await?.map(|it| store::role(&it)).transpose()
}

/// Finds the membership, which neither ends nor changes until the transaction does.
///
/// Comes before any lock of a session, as it does where memberships end.
pub(crate) async fn hold(
    db: impl PgExecutor<'_>,
    organization_id: OrganizationId,
    user_id: UserId,
) -> Result<Option<Membership>> {
    let role = sqlx::query_scalar!(
        "select role from identity.membership where organization_id = $1 and user_id = $2
         for share",
        organization_id as _,
        user_id as _,
    );
    let role = role.fetch_optional(db).await?.map(|it| store::role(&it)).transpose()?;
    Ok(role.map(|role| Membership { organization_id, role }))
}

/// Finds where a user acts: where `wish` says if it may be so, else where they joined first.
///
/// The membership neither ends nor changes until the transaction does.
pub(crate) async fn hold_first(
    db: impl PgExecutor<'_>,
    user_id: UserId,
    wish: Option<OrganizationId>,
) -> Result<Option<Membership>> {
    let row = sqlx::query!(
        "select organization_id, role from identity.membership where user_id = $1
         order by organization_id is not distinct from $2 desc, membership_id
         limit 1
         for share",
        user_id as _,
        wish as _,
    );
    let Some(row) = row.fetch_optional(db).await? else { return Ok(None) };
    let role = store::role(&row.role)?;
    Ok(Some(Membership { organization_id: row.organization_id, role }))
}

pub(crate) async fn is_member(
    db: impl PgExecutor<'_>,
    organization_id: OrganizationId,
    email: &Email,
) -> Result<bool> {
    let row = sqlx::query!(
        "select user_id from identity.membership
         where organization_id = $1
             and user_id = (select user_id from identity.user where email = $2)",
        organization_id as _,
        email.as_str(),
    );
    Ok(row.fetch_optional(db).await?.is_some())
}

pub(crate) async fn count_owners(
    db: impl PgExecutor<'_>,
    organization_id: OrganizationId,
) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from identity.membership
           where organization_id = $1 and role = 'owner'"#,
        organization_id as _,
    );
    Ok(count.fetch_one(db).await?)
}

/// Finds a member of an organization, and the place in its list.
pub(crate) async fn find(
    db: impl PgExecutor<'_>,
    organization_id: OrganizationId,
    user_id: UserId,
) -> Result<Option<Member>> {
    let row = sqlx::query_as!(
        Row,
        r#"select membership_id, user_id, email, person.name as "name!", role,
               membership.created_at
           from identity.membership join identity.user as person using (user_id)
           where organization_id = $1 and user_id = $2"#,
        organization_id as _,
        user_id as _,
    );
    let row = row.fetch_optional(db).await?;
    Ok(row.map(Row::member).transpose()?.map(|(_, member)| member))
}

/// Lists the members that joined after the one at `after`, the longest first.
pub(crate) async fn list(
    db: impl PgExecutor<'_>,
    organization_id: OrganizationId,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<(Uuid, Member)>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select membership_id, person.user_id as "user_id!", email as "email!",
               person.name as "name!", role, membership.created_at
           from identity.membership
               cross join lateral (
                   select * from identity.user where "user".user_id = membership.user_id offset 0
               ) as person
           where organization_id = $1 and ($2::uuid is null or $2 < membership_id)
           order by membership_id
           limit $3"#,
        organization_id as _,
        after,
        limit,
    );
    rows.fetch_all(db).await?.into_iter().map(Row::member).collect()
}

pub(crate) async fn set_role(
    db: impl PgExecutor<'_>,
    organization_id: OrganizationId,
    user_id: UserId,
    role: Role,
) -> Result<()> {
    sqlx::query!(
        "update identity.membership set role = $3 where organization_id = $1 and user_id = $2",
        organization_id as _,
        user_id as _,
        role.as_str(),
    )
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn delete(
    db: impl PgExecutor<'_>,
    organization_id: OrganizationId,
    user_id: UserId,
) -> Result<()> {
    sqlx::query!(
        "delete from identity.membership where organization_id = $1 and user_id = $2",
        organization_id as _,
        user_id as _,
    )
    .execute(db)
    .await?;
    Ok(())
}

struct Row {
    membership_id: Uuid,
    user_id: UserId,
    email: String,
    name: String,
    role: String,
    created_at: time::OffsetDateTime,
}

impl Row {
    fn member(self) -> Result<(Uuid, Member)> {
        let member = Member {
            user_id: self.user_id,
            email: Email::normalized(&self.email),
            name: Name::stored(self.name),
            role: store::role(&self.role)?,
            created_at: self.created_at,
        };
        Ok((self.membership_id, member))
    }
}
