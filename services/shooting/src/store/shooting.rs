//! `shooting.shooting`.

use pg::{Page, column};
use sqlx::{PgConnection, PgExecutor};
use time::OffsetDateTime;
use types::Version;
use types::id::{OrganizationId, ShootingId};

use crate::error::{Error, Noun, Result};
use crate::shooting::{Content, Counts, Shooting, State};

/// Inserts a shooting.
pub(crate) async fn insert(
    tx: &mut PgConnection,
    organization: OrganizationId,
    id: ShootingId,
    content: &Content,
) -> Result<Shooting> {
    sqlx::query!(
        "insert into shooting.shooting (shooting_id, organization_id, name, brief)
         values ($1, $2, $3, $4)",
        id.uuid(),
        organization.uuid(),
        &content.name,
        &content.brief,
    )
    .execute(&mut *tx)
    .await?;
    find_one(tx, organization, id).await
}

/// Finds those of `ids` that the organization has.
pub(crate) async fn find(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    ids: &[ShootingId],
) -> Result<Vec<Shooting>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select shooting_id, version, state, name, brief, created_at, updated_at,
                (select count(*) from shooting.look
                 where look.shooting_id = shooting.shooting_id) as "n_looks!",
                planned as "planned!", generating as "generating!", to_review as "to_review!",
                revision_requested as "revision_requested!", approved as "approved!",
                rejected as "rejected!"
         from shooting.shooting,
             lateral (
                 select count(*) filter (where state = 'planned') as planned,
                     count(*) filter (where state = 'generating') as generating,
                     count(*) filter (where state = 'to_review') as to_review,
                     count(*) filter (where state = 'revision_requested') as revision_requested,
                     count(*) filter (where state = 'approved') as approved,
                     count(*) filter (where state = 'rejected') as rejected
                 from shooting.shot where shot.shooting_id = shooting.shooting_id
             ) as counts
         where organization_id = $1 and shooting_id = any($2)"#,
        organization.uuid(),
        &column(ids, |it| it.uuid()),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Finds a shooting of the organization.
pub(crate) async fn find_one(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    id: ShootingId,
) -> Result<Shooting> {
    let found = find(db, organization, &[id]).await?;
    found.into_iter().next().ok_or_else(|| Error::NotFound(Noun::Shooting, vec![id.uuid()]))
}

/// Finds shootings and keeps others from changing them and their shots until the transaction ends.
pub(crate) async fn lock(
    tx: &mut PgConnection,
    organization: OrganizationId,
    ids: &[ShootingId],
) -> Result<Vec<Shooting>> {
    // Apart from reading them, so that the shots are counted after the locks are held; and in one
    // order, so that no two who lock several wait for each other.
    sqlx::query!(
        "select shooting_id from shooting.shooting
         where organization_id = $1 and shooting_id = any($2) order by shooting_id for update",
        organization.uuid(),
        &column(ids, |it| it.uuid()),
    )
    .fetch_all(&mut *tx)
    .await?;
    find(tx, organization, ids).await
}

/// Finds a shooting and keeps others from changing it and its shots until the transaction ends.
pub(crate) async fn lock_one(
    tx: &mut PgConnection,
    organization: OrganizationId,
    id: ShootingId,
) -> Result<Shooting> {
    let found = lock(tx, organization, &[id]).await?;
    found.into_iter().next().ok_or_else(|| Error::NotFound(Noun::Shooting, vec![id.uuid()]))
}

/// Lists a page of the organization's shootings, newest first; archived ones too if asked for.
pub(crate) async fn list(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    show_archived: bool,
    page: &Page,
) -> Result<Vec<Shooting>> {
    let after = page.after::<ShootingId>()?;
    let rows = sqlx::query_as!(
        Row,
        r#"select shooting_id, version, state, name, brief, created_at, updated_at,
                (select count(*) from shooting.look
                 where look.shooting_id = shooting.shooting_id) as "n_looks!",
                planned as "planned!", generating as "generating!", to_review as "to_review!",
                revision_requested as "revision_requested!", approved as "approved!",
                rejected as "rejected!"
         from (
                 select * from shooting.shooting
                 where organization_id = $1
                     and ($2::uuid is null or shooting_id < $2)
                     and ($3 or state <> 'archived')
                 order by shooting_id desc limit $4
             ) as shooting,
             lateral (
                 select count(*) filter (where state = 'planned') as planned,
                     count(*) filter (where state = 'generating') as generating,
                     count(*) filter (where state = 'to_review') as to_review,
                     count(*) filter (where state = 'revision_requested') as revision_requested,
                     count(*) filter (where state = 'approved') as approved,
                     count(*) filter (where state = 'rejected') as rejected
                 from shooting.shot where shot.shooting_id = shooting.shooting_id
             ) as counts
         order by shooting_id desc"#,
        organization.uuid(),
        after.map(ShootingId::uuid),
        show_archived,
        page.limit(),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Writes the content of a shooting as its next version.
pub(crate) async fn update(
    tx: &mut PgConnection,
    organization: OrganizationId,
    id: ShootingId,
    content: &Content,
) -> Result<Shooting> {
    sqlx::query!(
        "update shooting.shooting
         set name = $3, brief = $4, version = version + 1, updated_at = now()
         where organization_id = $1 and shooting_id = $2",
        organization.uuid(),
        id.uuid(),
        &content.name,
        &content.brief,
    )
    .execute(&mut *tx)
    .await?;
    find_one(tx, organization, id).await
}

/// Writes the states of shootings, each of which was in the first and is to be in the second. Their
/// versions stay: no editor's work is overwritten by it.
pub(crate) async fn set_states(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    changes: &[(ShootingId, State, State)],
) -> Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "update shooting.shooting set state = new.state, updated_at = now()
         from unnest($2::uuid[], $3::text[], $4::text[]) as new (id, before, state)
         where organization_id = $1 and shooting_id = new.id and shooting_id = any($2)
             and shooting.state = new.before",
        organization.uuid(),
        &column(changes, |it| it.0.uuid()),
        &column(changes, |it| it.1.as_str()) as _,
        &column(changes, |it| it.2.as_str()) as _,
    )
    .execute(db)
    .await?;
    Ok(())
}

struct Row {
    shooting_id: ShootingId,
    version: i64,
    state: String,
    name: String,
    brief: String,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
    n_looks: i64,
    planned: i64,
    generating: i64,
    to_review: i64,
    revision_requested: i64,
    approved: i64,
    rejected: i64,
}

impl From<Row> for Shooting {
    fn from(row: Row) -> Self {
        Self {
            id: row.shooting_id,
            version: Version(row.version),
            state: State::stored(&row.state),
            content: Content { name: row.name, brief: row.brief },
            n_looks: row.n_looks,
            shots: Counts {
                planned: row.planned,
                generating: row.generating,
                to_review: row.to_review,
                revision_requested: row.revision_requested,
                approved: row.approved,
                rejected: row.rejected,
            },
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}
