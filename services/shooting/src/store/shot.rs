//! `shooting.shot`.

use pg::{Page, column};
use sqlx::PgExecutor;
use time::OffsetDateTime;
use types::id::{
    GenerationId, LookId, OrganizationId, PredictionId, ShootingId, ShotId, ShotTypeId,
};
use uuid::Uuid;

use crate::error::{Error, Noun, Result};
use crate::look::Look;
use crate::shot::{Shot, State};

/// Inserts a planned shot of `look` for each of `shot_types`.
pub(crate) async fn insert(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    look: &Look,
    shot_types: &[ShotTypeId],
) -> Result<()> {
    let ids: Vec<Uuid> = shot_types.iter().map(|_| ShotId::generate().uuid()).collect();
    let shot_types: Vec<Uuid> = shot_types.iter().map(|it| it.uuid()).collect();
    sqlx::query!(
        "insert into shooting.shot
             (shot_id, organization_id, shooting_id, look_id, position, shot_type_id)
         select shot_id, $1, $2, $3, 0, shot_type_id
         from unnest($4::uuid[], $5::uuid[]) as shot (shot_id, shot_type_id)",
        organization.uuid(),
        look.shooting_id.uuid(),
        look.id.uuid(),
        &ids,
        &shot_types,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Gives the shots of `look` the order of its shot types.
pub(crate) async fn arrange(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    look: &Look,
) -> Result<()> {
    let shot_types: Vec<Uuid> = look.content.shot_type_ids.iter().map(|it| it.uuid()).collect();
    sqlx::query!(
        "update shooting.shot set position = array_position($3, shot_type_id) - 1
         where organization_id = $1 and look_id = $2",
        organization.uuid(),
        look.id.uuid(),
        &shot_types,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Finds those of `ids` that the organization has.
pub(crate) async fn find(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    ids: &[ShotId],
) -> Result<Vec<Shot>> {
    let ids: Vec<Uuid> = ids.iter().map(|it| it.uuid()).collect();
    let rows = sqlx::query_as!(
        Row,
        "select shot_id, shooting_id, look_id, position, shot_type_id, state, revision_number,
             selected_prediction_id, fallback_prediction_id, generation_id, created_at, updated_at
         from shooting.shot where organization_id = $1 and shot_id = any($2)",
        organization.uuid(),
        &ids,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Finds one shot of the organization.
pub(crate) async fn find_one(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    id: ShotId,
) -> Result<Shot> {
    let found = find(db, organization, &[id]).await?;
    found.into_iter().next().ok_or_else(|| Error::NotFound(Noun::Shot, vec![id.uuid()]))
}

/// Finds the shots of a look, in its order.
pub(crate) async fn of_look(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    look: LookId,
) -> Result<Vec<Shot>> {
    let rows = sqlx::query_as!(
        Row,
        "select shot_id, shooting_id, look_id, position, shot_type_id, state, revision_number,
             selected_prediction_id, fallback_prediction_id, generation_id, created_at, updated_at
         from shooting.shot where organization_id = $1 and look_id = $2 order by position",
        organization.uuid(),
        look.uuid(),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Lists a page of the shots of a shooting, look by look; only those in `state` if there is one.
pub(crate) async fn list(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    shooting: ShootingId,
    state: Option<State>,
    page: &Page,
) -> Result<Vec<Shot>> {
    let after_look = page.part::<LookId>(0)?;
    let after_position = page.part::<i32>(1)?;
    let rows = sqlx::query_as!(
        Row,
        "select shot_id, shooting_id, look_id, position, shot_type_id, state, revision_number,
             selected_prediction_id, fallback_prediction_id, generation_id, created_at, updated_at
         from shooting.shot
         where organization_id = $1 and shooting_id = $2
             and ($3::uuid is null or ($3, $4::integer) < (look_id, position))
             and ($5::text is null or state = $5)
         order by look_id, position limit $6",
        organization.uuid(),
        shooting.uuid(),
        after_look.map(LookId::uuid),
        after_position,
        state.map(State::as_str),
        page.limit(),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Writes where shots are in their lives.
pub(crate) async fn update(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    shots: &[&Shot],
) -> Result<Vec<Shot>> {
    if shots.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query_as!(
        Row,
        "update shooting.shot
         set state = new.state, revision_number = new.revision_number,
             selected_prediction_id = new.selected, fallback_prediction_id = new.fallback,
             generation_id = new.generation, updated_at = now()
         from unnest($2::uuid[], $3::text[], $4::integer[], $5::uuid[], $6::uuid[], $7::uuid[])
             as new (id, state, revision_number, selected, fallback, generation)
         where organization_id = $1 and shot_id = new.id and shot_id = any($2)
         returning shot_id, shooting_id, look_id, position, shot_type_id, shot.state,
             shot.revision_number, selected_prediction_id, fallback_prediction_id, generation_id,
             created_at, updated_at",
        organization.uuid(),
        &column(shots, |it| it.id.uuid()),
        &column(shots, |it| it.state.as_str()) as _,
        &column(shots, |it| it.revision_number),
        &column(shots, |it| it.selected.map(PredictionId::uuid)) as _,
        &column(shots, |it| it.fallback.map(PredictionId::uuid)) as _,
        &column(shots, |it| it.generation_id.map(GenerationId::uuid)) as _,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Deletes shots that nothing was generated for.
pub(crate) async fn delete(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    shots: &[&Shot],
) -> Result<()> {
    let ids: Vec<Uuid> = shots.iter().map(|it| it.id.uuid()).collect();
    sqlx::query!(
        "delete from shooting.shot where organization_id = $1 and shot_id = any($2)",
        organization.uuid(),
        &ids,
    )
    .execute(db)
    .await?;
    Ok(())
}

struct Row {
    shot_id: ShotId,
    shooting_id: ShootingId,
    look_id: LookId,
    position: i32,
    shot_type_id: ShotTypeId,
    state: String,
    revision_number: i32,
    selected_prediction_id: Option<PredictionId>,
    fallback_prediction_id: Option<PredictionId>,
    generation_id: Option<GenerationId>,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
}

impl From<Row> for Shot {
    fn from(row: Row) -> Self {
        Self {
            id: row.shot_id,
            shooting_id: row.shooting_id,
            look_id: row.look_id,
            position: row.position,
            shot_type_id: row.shot_type_id,
            state: State::stored(&row.state),
            revision_number: row.revision_number,
            selected: row.selected_prediction_id,
            fallback: row.fallback_prediction_id,
            generation_id: row.generation_id,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}
