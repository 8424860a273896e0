//! `identity.invitation`.

use sqlx::PgExecutor;
use time::OffsetDateTime;
use types::id::{InvitationId, OrganizationId, UserId};

use crate::error::Result;
use crate::organization::Invitation;
use crate::store;
use crate::user::Email;

pub(crate) async fn insert(
    db: impl PgExecutor<'_>,
    invitation: &Invitation,
    token_hash: &[u8],
    invited_by: UserId,
) -> Result<()> {
    sqlx::query!(
        "insert into identity.invitation
             (invitation_id, organization_id, email, role, token_hash, invited_by, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
        invitation.id as _,
        invitation.organization_id as _,
        invitation.email.as_str(),
        invitation.role.as_str(),
        token_hash,
        invited_by as _,
        invitation.expires_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes back the invitation of `email` that waits to be accepted.
pub(crate) async fn withdraw(
    db: impl PgExecutor<'_>,
    organization_id: OrganizationId,
    email: &Email,
) -> Result<()> {
    sqlx::query!(
        "delete from identity.invitation
         where organization_id = $1 and email = $2 and accepted_at is null",
        organization_id as _,
        email.as_str(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Finds the invitation that a token is for, and holds off others who would accept it.
pub(crate) async fn lock_by_token(
    db: impl PgExecutor<'_>,
    token_hash: &[u8],
) -> Result<Option<Invitation>> {
    let row = sqlx::query!(
        "select invitation_id, organization_id, email, role, expires_at, accepted_at
         from identity.invitation where token_hash = $1
         for update",
        token_hash,
    );
    let Some(row) = row.fetch_optional(db).await? else { return Ok(None) };
    Ok(Some(Invitation {
        id: row.invitation_id,
        organization_id: row.organization_id,
        email: Email::normalized(&row.email),
        role: store::role(&row.role)?,
        expires_at: row.expires_at,
        is_accepted: row.accepted_at.is_some(),
    }))
}

pub(crate) async fn set_accepted(
    db: impl PgExecutor<'_>,
    id: InvitationId,
    now: OffsetDateTime,
) -> Result<()> {
    sqlx::query!(
        "update identity.invitation set accepted_at = $2 where invitation_id = $1",
        id as _,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets the invitations that expired before `then`.
pub(crate) async fn sweep(db: impl PgExecutor<'_>, then: OffsetDateTime) -> Result<u64> {
    let done = sqlx::query!("delete from identity.invitation where expires_at < $1", then);
    Ok(done.execute(db).await?.rows_affected())
}
