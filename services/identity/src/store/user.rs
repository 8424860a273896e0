//! `identity.user`.

use secrecy::{ExposeSecret, SecretString};
use sqlx::PgExecutor;
use types::id::{OrganizationId, UserId};

use crate::error::{Error, Result};
use crate::name::Name;
use crate::user::{Email, User};

pub(crate) async fn insert(db: impl PgExecutor<'_>, user: &User) -> Result<()> {
    sqlx::query!(
        "insert into identity.user
             (user_id, email, name, password_hash, last_organization_id, created_at)
         values ($1, $2, $3, $4, $5, $6)",
        user.id as _,
        user.email.as_str(),
        user.name.as_str(),
        user.password_hash.expose_secret(),
        user.last_organization_id as _,
        user.created_at,
    )
    .execute(db)
    .await
    .map_err(|error| match pg::broken_constraint(&error) {
        Some("user_email_is_unique") => Error::EmailTaken(user.email.to_string()),
        _ => error.into(),
    })?;
    Ok(())
}

pub(crate) async fn find(db: impl PgExecutor<'_>, id: UserId) -> Result<Option<User>> {
    let row = sqlx::query_as!(
        Row,
        "select user_id, email, name, password_hash, last_organization_id, created_at
         from identity.user where user_id = $1",
        id as _,
    );
    Ok(row.fetch_optional(db).await?.map(User::from))
}

pub(crate) async fn find_by_email(db: impl PgExecutor<'_>, email: &Email) -> Result<Option<User>> {
    let row = sqlx::query_as!(
        Row,
        "select user_id, email, name, password_hash, last_organization_id, created_at
         from identity.user where email = $1",
        email.as_str(),
    );
    Ok(row.fetch_optional(db).await?.map(User::from))
}

pub(crate) async fn rename(
    db: impl PgExecutor<'_>,
    id: UserId,
    name: &Name,
) -> Result<Option<User>> {
    let row = sqlx::query_as!(
        Row,
        "update identity.user set name = $2 where user_id = $1
         returning user_id, email, name, password_hash, last_organization_id, created_at",
        id as _,
        name.as_str(),
    );
    Ok(row.fetch_optional(db).await?.map(User::from))
}

pub(crate) async fn set_last_organization(
    db: impl PgExecutor<'_>,
    id: UserId,
    organization_id: OrganizationId,
) -> Result<()> {
    sqlx::query!(
        "update identity.user set last_organization_id = $2
         where user_id = $1 and last_organization_id is distinct from $2",
        id as _,
        organization_id as _,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Replaces the hash of an unchanged password, unless the password changed meanwhile.
pub(crate) async fn set_password_hash(
    db: impl PgExecutor<'_>,
    user: &User,
    hash: &SecretString,
) -> Result<()> {
    sqlx::query!(
        "update identity.user set password_hash = $3 where user_id = $1 and password_hash = $2",
        user.id as _,
        user.password_hash.expose_secret(),
        hash.expose_secret(),
    )
    .execute(db)
    .await?;
    Ok(())
}

struct Row {
    user_id: UserId,
    email: String,
    name: String,
    password_hash: String,
    last_organization_id: Option<OrganizationId>,
    created_at: time::OffsetDateTime,
}

impl From<Row> for User {
    fn from(row: Row) -> Self {
        Self {
            id: row.user_id,
            email: Email::normalized(&row.email),
            name: Name::stored(row.name),
            password_hash: row.password_hash.into(),
            last_organization_id: row.last_organization_id,
            created_at: row.created_at,
        }
    }
}
