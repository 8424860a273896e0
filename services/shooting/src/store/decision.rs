//! `shooting.decision`.

use pg::Page;
use sqlx::PgExecutor;
use time::OffsetDateTime;
use types::id::{DecisionId, GenerationId, OrganizationId, PredictionId, ShotId, UserId};

use crate::decision::{Decision, Kind, Reason};
use crate::error::Result;
use crate::shot::Shot;

/// What is decided.
#[derive(Debug)]
pub(crate) struct Verdict<'a> {
    pub(crate) prediction_id: PredictionId,
    pub(crate) kind: Kind,
    pub(crate) reason: Option<Reason>,
    pub(crate) note: &'a str,
    pub(crate) user_id: UserId,
}

/// Inserts a decision about `shot`, which is as it was before.
pub(crate) async fn insert(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    shot: &Shot,
    verdict: &Verdict<'_>,
) -> Result<Decision> {
    let row = sqlx::query_as!(
        Row,
        "insert into shooting.decision (decision_id, organization_id, shot_id, prediction_id, kind,
             reason, note, user_id, state_before, selected_before)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         returning decision_id, number, shot_id, prediction_id, kind, reason, note, user_id,
             generation_id, selected_before, created_at, undone_at",
        DecisionId::generate().uuid(),
        organization.uuid(),
        shot.id.uuid(),
        verdict.prediction_id.uuid(),
        verdict.kind.as_str(),
        verdict.reason.map(Reason::as_str),
        verdict.note,
        verdict.user_id.uuid(),
        shot.state.as_str(),
        shot.selected.map(PredictionId::uuid),
    )
    .fetch_one(db)
    .await?;
    Ok(row.into())
}

/// Finds a decision of the organization.
pub(crate) async fn find(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    id: DecisionId,
) -> Result<Option<Decision>> {
    let row = sqlx::query_as!(
        Row,
        "select decision_id, number, shot_id, prediction_id, kind, reason, note, user_id,
             generation_id, selected_before, created_at, undone_at
         from shooting.decision where organization_id = $1 and decision_id = $2",
        organization.uuid(),
        id.uuid(),
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(Into::into))
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

/// Finds what was last decided about a picture, and stands. A revision decides nothing about it.
pub(crate) async fn find_kind(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    prediction: PredictionId,
) -> Result<Option<Kind>> {
    let row = sqlx::query!(
        "select kind from shooting.decision
         where organization_id = $1 and prediction_id = $2 and kind <> 'revise'
             and undone_at is null
         order by number desc limit 1",
        organization.uuid(),
        prediction.uuid(),
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Kind::stored(&row.kind)))
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

/// Undoes a decision that stands.
pub(crate) async fn undo(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    id: DecisionId,
) -> Result<Decision> {
    let row = sqlx::query_as!(
        Row,
        "update shooting.decision set undone_at = now()
         where organization_id = $1 and decision_id = $2 and undone_at is null
         returning decision_id, number, shot_id, prediction_id, kind, reason, note, user_id,
             generation_id, selected_before, created_at, undone_at",
        organization.uuid(),
        id.uuid(),
    )
    .fetch_one(db)
    .await?;
    Ok(row.into())
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
