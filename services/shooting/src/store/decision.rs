//! `shooting.decision`.

use std::collections::BTreeMap;

use pg::{Page, column};
use sqlx::PgExecutor;
use time::OffsetDateTime;
use types::id::{DecisionId, GenerationId, OrganizationId, PredictionId, ShotId, UserId};

use crate::decision::{Decision, Kind, NewDecision, Place, Reason};
use crate::error::{Error, Noun, Result};

/// Inserts decisions, in their order.
pub(crate) async fn insert(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    new: &[NewDecision],
) -> Result<Vec<Decision>> {
    if new.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query_as!(
        Row,
        "insert into shooting.decision (decision_id, organization_id, shot_id, prediction_id, kind,
             reason, note, user_id, state_before, selected_before)
         select decision_id, $1, shot_id, prediction_id, kind, reason, note, user_id, state_before,
             selected_before
         from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[],
             $8::uuid[], $9::text[], $10::uuid[]) with ordinality
             as new (decision_id, shot_id, prediction_id, kind, reason, note, user_id, state_before,
                 selected_before, nth)
         order by nth
         returning decision_id, number, shot_id, prediction_id, kind, reason, note, user_id,
             generation_id, selected_before, created_at, undone_at",
        organization.uuid(),
        &column(new, |it| it.id.uuid()),
        &column(new, |it| it.shot_id.uuid()),
        &column(new, |it| it.verdict.prediction_id.uuid()),
        &column(new, |it| it.verdict.kind.as_str()) as _,
        &column(new, |it| it.verdict.reason.map(Reason::as_str)) as _,
        &column(new, |it| it.verdict.note.clone()),
        &column(new, |it| it.verdict.user_id.uuid()),
        &column(new, |it| it.state_before.as_str()) as _,
        &column(new, |it| it.selected_before.map(PredictionId::uuid)) as _,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Finds those of `ids` that the organization has.
pub(crate) async fn find(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    ids: &[DecisionId],
) -> Result<Vec<Decision>> {
    let rows = sqlx::query_as!(
        Row,
        "select decision_id, number, shot_id, prediction_id, kind, reason, note, user_id,
             generation_id, selected_before, created_at, undone_at
         from shooting.decision where organization_id = $1 and decision_id = any($2)",
        organization.uuid(),
        &column(ids, |it| it.uuid()),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Finds a decision of the organization.
pub(crate) async fn find_one(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    id: DecisionId,
) -> Result<Decision> {
    let found = find(db, organization, &[id]).await?;
    found.into_iter().next().ok_or_else(|| Error::NotFound(Noun::Decision, vec![id.uuid()]))
}

/// Finds the latest decision about a shot that stands.
pub(crate) async fn latest(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    shot: ShotId,
) -> Result<Option<Decision>> {
    let row = sqlx::query_as!(
        Row,
        "select decision_id, number, shot_id, prediction_id, kind, reason, note, user_id,
             generation_id, selected_before, created_at, undone_at
         from shooting.decision
         where organization_id = $1 and shot_id = $2 and undone_at is null
         order by number desc limit 1",
        organization.uuid(),
        shot.uuid(),
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(Into::into))
}

/// Finds what was last decided about each of `predictions`, and stands. A revision decides nothing
/// about it.
pub(crate) async fn find_kinds(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    predictions: &[PredictionId],
) -> Result<BTreeMap<PredictionId, Kind>> {
    let rows = sqlx::query!(
        r#"select it.prediction_id as "prediction_id!", latest.kind
         from unnest($2::uuid[]) as it (prediction_id), lateral (
             select kind from shooting.decision
             where organization_id = $1 and decision.prediction_id = it.prediction_id
                 and kind <> 'revise' and undone_at is null
             order by number desc limit 1
         ) as latest"#,
        organization.uuid(),
        &column(predictions, |it| it.uuid()),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|it| (it.prediction_id.into(), Kind::stored(&it.kind))).collect())
}

/// Finds where each of `ids` is among the decisions that stand.
pub(crate) async fn find_places(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    ids: &[DecisionId],
) -> Result<BTreeMap<DecisionId, Place>> {
    let rows = sqlx::query!(
        r#"select decision_id,
             (select kind from shooting.decision as earlier
              where earlier.prediction_id = decision.prediction_id
                  and earlier.number < decision.number
                  and earlier.kind <> 'revise' and earlier.undone_at is null
              order by earlier.number desc limit 1) as earlier,
             (select count(*) from shooting.decision as later
              where later.shot_id = decision.shot_id and decision.number < later.number
                  and later.undone_at is null) as "n_later!"
         from shooting.decision where organization_id = $1 and decision_id = any($2)"#,
        organization.uuid(),
        &column(ids, |it| it.uuid()),
    )
    .fetch_all(db)
    .await?;
    let places = rows.into_iter().map(|it| {
        let earlier = it.earlier.as_deref().map(Kind::stored);
        (it.decision_id, Place { earlier, n_later: it.n_later })
    });
    Ok(places.collect())
}

/// Lists a page of the decisions about a shot, newest first.
pub(crate) async fn list(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    shot: ShotId,
    page: &Page,
) -> Result<Vec<Decision>> {
    let rows = sqlx::query_as!(
        Row,
        "select decision_id, number, shot_id, prediction_id, kind, reason, note, user_id,
             generation_id, selected_before, created_at, undone_at
         from shooting.decision
         where organization_id = $1 and shot_id = $2 and ($3::bigint is null or number < $3)
         order by number desc limit $4",
        organization.uuid(),
        shot.uuid(),
        page.after::<i64>()?,
        page.limit(),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Undoes decisions that stand.
pub(crate) async fn undo(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    ids: &[DecisionId],
) -> Result<Vec<Decision>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query_as!(
        Row,
        "update shooting.decision set undone_at = now()
         where organization_id = $1 and decision_id = any($2) and undone_at is null
         returning decision_id, number, shot_id, prediction_id, kind, reason, note, user_id,
             generation_id, selected_before, created_at, undone_at",
        organization.uuid(),
        &column(ids, |it| it.uuid()),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Notes which generation a revision started.
pub(crate) async fn set_generation(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    id: DecisionId,
    generation: GenerationId,
) -> Result<()> {
    sqlx::query!(
        "update shooting.decision set generation_id = $3
         where organization_id = $1 and decision_id = $2",
        organization.uuid(),
        id.uuid(),
        generation.uuid(),
    )
    .execute(db)
    .await?;
    Ok(())
}

struct Row {
    decision_id: DecisionId,
    number: i64,
    shot_id: ShotId,
    prediction_id: PredictionId,
    kind: String,
    reason: Option<String>,
    note: String,
    user_id: UserId,
    generation_id: Option<GenerationId>,
    selected_before: Option<PredictionId>,
    created_at: OffsetDateTime,
    undone_at: Option<OffsetDateTime>,
}

impl From<Row> for Decision {
    fn from(row: Row) -> Self {
        Self {
            id: row.decision_id,
            number: row.number,
            shot_id: row.shot_id,
            prediction_id: row.prediction_id,
            kind: Kind::stored(&row.kind),
            reason: row.reason.as_deref().map(Reason::stored),
            note: row.note,
            user_id: row.user_id,
            generation_id: row.generation_id,
            selected_before: row.selected_before,
            created_at: row.created_at,
            undone_at: row.undone_at,
        }
    }
}
