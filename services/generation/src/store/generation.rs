//! `generation.generation`.

use sqlx::{PgConnection, PgExecutor};
use types::Money;
use types::id::{GenerationId, OrganizationId, ShootingId, ShotId, WorkflowId};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::generation::{Generation, State, Tally};
use crate::problem::Problem;

struct Row {
    generation_id: GenerationId,
    organization_id: OrganizationId,
    shot_id: ShotId,
    shooting_id: ShootingId,
    state: String,
    kind: String,
    parent_prediction_id: Option<types::id::PredictionId>,
    note: String,
    workflow_id: Option<WorkflowId>,
    requested_count: i32,
    configuration: Vec<u8>,
    graph: Vec<u8>,
    quoted_micros: i64,
    currency: String,
    error_reason: Option<String>,
    error_message: Option<String>,
    is_retryable: bool,
    created_at: time::OffsetDateTime,
    ended_at: Option<time::OffsetDateTime>,
    traceparent: Option<String>,
    ready: i32,
    failed: i32,
    outstanding: i32,
    cost_micros: i64,
}

impl TryFrom<Row> for Generation {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let problem = row.error_reason.map(|reason| Problem {
            reason,
            message: row.error_message.unwrap_or_default(),
            is_retryable: row.is_retryable,
        });
        Ok(Self {
            id: row.generation_id,
            organization_id: row.organization_id,
            shot_id: row.shot_id,
            shooting_id: row.shooting_id,
            state: row.state.parse().map_err(Error::Corrupt)?,
            kind: row.kind.parse().map_err(Error::Corrupt)?,
            parent_prediction_id: row.parent_prediction_id,
            note: row.note,
            workflow_id: row.workflow_id,
            requested_count: row.requested_count,
            configuration: row.configuration,
            graph: row.graph,
            quote: Money::new(row.quoted_micros, row.currency),
            problem,
            created_at: row.created_at,
            ended_at: row.ended_at,
            traceparent: row.traceparent,
            tally: Tally {
                ready: row.ready,
                failed: row.failed,
                outstanding: row.outstanding,
                cost_micros: row.cost_micros,
            },
        })
    }
}

pub(crate) async fn insert(db: impl PgExecutor<'_>, generation: &Generation) -> Result<()> {
    sqlx::query!(
        "insert into generation.generation (generation_id, organization_id, shot_id, shooting_id,
             state, kind, parent_prediction_id, note, requested_count, configuration, graph,
             quoted_micros, currency, created_at, traceparent)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        generation.id as _,
        generation.organization_id as _,
        generation.shot_id as _,
        generation.shooting_id as _,
        generation.state.as_str(),
        generation.kind.as_str(),
        generation.parent_prediction_id as _,
        generation.note,
        generation.requested_count,
        generation.configuration,
        generation.graph,
        generation.quote.micros,
        generation.quote.currency,
        generation.created_at,
        generation.traceparent,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Finds the generations with `ids` that are of `organization`.
pub(crate) async fn find(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    ids: &[GenerationId],
) -> Result<Vec<Generation>> {
    let ids: Vec<Uuid> = ids.iter().map(|it| it.uuid()).collect();
    let rows = sqlx::query_file_as!(Row, "src/store/generation_find.sql", organization as _, &ids)
        .fetch_all(db)
        .await?;
    rows.into_iter().map(Generation::try_from).collect()
}

/// Locks a generation, so that whoever else changes it or its predictions waits.
///
/// Answers whose it is and its state, and none if there is no such generation.
pub(crate) async fn lock(
    db: &mut PgConnection,
    id: GenerationId,
) -> Result<Option<(OrganizationId, State)>> {
    let row = sqlx::query!(
        "select organization_id, state from generation.generation
         where generation_id = $1 for update",
        id as _,
    )
    .fetch_optional(db)
    .await?;
    row.map(|row| Ok((row.organization_id, row.state.parse().map_err(Error::Corrupt)?))).transpose()
}

/// What a list of generations is narrowed to.
#[derive(Clone, Copy, Debug, Default, Hash)]
pub(crate) struct Filter {
    pub(crate) shot_id: Option<Uuid>,
    pub(crate) shooting_id: Option<Uuid>,
}

pub(crate) async fn list(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    filter: Filter,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Generation>> {
    let rows = sqlx::query_file_as!(
        Row,
        "src/store/generation_list.sql",
        organization as _,
        filter.shot_id,
        filter.shooting_id,
        after,
        limit,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Generation::try_from).collect()
}

/// Moves a generation to `state`. Answers false if that is not possible from where it is.
pub(crate) async fn set_state(
    db: impl PgExecutor<'_>,
    id: GenerationId,
    state: State,
    problem: Option<&Problem>,
) -> Result<bool> {
    let n = sqlx::query!(
        "update generation.generation
         set state = $2, ended_at = case when $3 then now() end,
             error_reason = $4, error_message = $5, is_retryable = $6
         where generation_id = $1 and state = any($7)",
        id as _,
        state.as_str(),
        state.is_final(),
        problem.map(|it| &*it.reason),
        problem.map(|it| &*it.message),
        problem.is_some_and(|it| it.is_retryable),
        &State::before(state),
    )
    .execute(db)
    .await?
    .rows_affected();
    Ok(n == 1)
}

pub(crate) async fn set_workflow(
    db: impl PgExecutor<'_>,
    id: GenerationId,
    workflow: WorkflowId,
) -> Result<()> {
    sqlx::query!(
        "update generation.generation set workflow_id = $2 where generation_id = $1",
        id as _,
        workflow as _,
    )
    .execute(db)
    .await?;
    Ok(())
}
