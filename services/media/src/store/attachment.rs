//! `media.attachment`.

use sqlx::PgExecutor;
use types::id::{AttachmentId, MediaId, OrganizationId};
use uuid::Uuid;

use crate::attachment::{Attachment, Entity, Slotted};
use crate::error::Result;

/// Waits until nobody else changes what `entity` has; holds until the transaction ends.
pub(crate) async fn lock(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    entity: &Entity,
) -> Result<()> {
    let name = format!("media.attachment {organization} {} {}", entity.kind, entity.id);
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended($1, 0))", name).execute(db).await?;
    Ok(())
}

/// Detaches from `entity` all that is not in `kept`.
pub(crate) async fn retain(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    entity: &Entity,
    kept: &[Slotted],
) -> Result<()> {
    let (media_ids, slots) = columns(kept);
    sqlx::query!(
        "delete from media.attachment
        where organization_id = $1 and entity_type = $2 and entity_id = $3
            and (media_id, slot) not in (select * from unnest($4::uuid[], $5::text[]))",
        organization.uuid(),
        entity.kind,
        entity.id,
        &media_ids,
        &slots,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Attaches `added` to `entity`, in order; what is attached already only takes its place.
pub(crate) async fn upsert(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    entity: &Entity,
    added: &[Slotted],
) -> Result<()> {
    let ids: Vec<Uuid> = added.iter().map(|_| AttachmentId::generate().uuid()).collect();
    let (media_ids, slots) = columns(added);
    sqlx::query!(
        "insert into media.attachment
            (attachment_id, organization_id, media_id, entity_type, entity_id, slot, position)
        select attachment_id, $1, media_id, $2, $3, slot, ordinal::integer
        from unnest($4::uuid[], $5::uuid[], $6::text[]) with ordinality
            as it (attachment_id, media_id, slot, ordinal)
        on conflict on constraint attachment_is_unique
            do update set position = excluded.position",
        organization.uuid(),
        entity.kind,
        entity.id,
        &ids,
        &media_ids,
        &slots,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Lists what `entity` has, in its order.
pub(crate) async fn of_entity(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    entity: &Entity,
) -> Result<Vec<Attachment>> {
    let attachments = sqlx::query_as!(
        Attachment,
        "select attachment_id as id, media_id, entity_type, entity_id, slot, created_at
        from media.attachment
        where organization_id = $1 and entity_type = $2 and entity_id = $3
        order by position",
        organization.uuid(),
        entity.kind,
        entity.id,
    )
    .fetch_all(db)
    .await?;
    Ok(attachments)
}

/// Lists what a media is attached to, oldest first.
pub(crate) async fn of_media(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    media: MediaId,
    limit: i64,
) -> Result<Vec<Attachment>> {
    let attachments = sqlx::query_as!(
        Attachment,
        "select attachment_id as id, media_id, entity_type, entity_id, slot, created_at
        from media.attachment
        where organization_id = $1 and media_id = $2
        order by created_at, attachment_id limit $3",
        organization.uuid(),
        media.uuid(),
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(attachments)
}

fn columns(slotted: &[Slotted]) -> (Vec<Uuid>, Vec<String>) {
    slotted.iter().map(|it| (it.media_id.uuid(), it.slot.clone())).unzip()
}
