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
#[derive(Clone, Debug, Hash)]
pub(crate) struct Filter {
    pub(crate) shot_id: Option<Uuid>,
    pub(crate) shooting_id: Option<Uuid>,
    /// In the order of [`State::ALL`]; all of them if it is narrowed to none.
    pub(crate) states: Vec<String>,
}

/// Returns the ids of the generations that `filter` lets through and that come before `before`,
/// newest first.
pub(crate) async fn list(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    filter: &Filter,
    before: Uuid,
    limit: i64,
) -> Result<Vec<GenerationId>> {
    match filter {
        Filter { shot_id: Some(shot), shooting_id, states } => {
            of_shot(db, organization, *shot, *shooting_id, states, before, limit).await
        }
        Filter { shot_id: None, shooting_id: Some(shooting), states } => {
            of_shooting(db, organization, *shooting, states, before, limit).await
        }
        Filter { shot_id: None, shooting_id: None, states } => {
            of_organization(db, organization, states, before, limit).await
        }
    }
}

async fn of_shot(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    shot: Uuid,
    shooting: Option<Uuid>,
    states: &[String],
    before: Uuid,
    limit: i64,
) -> Result<Vec<GenerationId>> {
    let ids = sqlx::query_scalar!(
        r#"select generation_id as "generation_id: GenerationId" from generation.generation
         where organization_id = $1 and shot_id = $2 and ($3::uuid is null or shooting_id = $3)
             and state = any($4) and generation_id < $5
         order by generation_id desc
         limit $6"#,
        organization as _,
        shot,
        shooting,
        states,
        before,
        limit,
    );
    Ok(ids.fetch_all(db).await?)
}

async fn of_shooting(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    shooting: Uuid,
    states: &[String],
    before: Uuid,
    limit: i64,
) -> Result<Vec<GenerationId>> {
    let ids = sqlx::query_scalar!(
        r#"select generation_id as "generation_id: GenerationId" from generation.generation
         where organization_id = $1 and shooting_id = $2
             and state = any($3) and generation_id < $4
         order by generation_id desc
         limit $5"#,
        organization as _,
        shooting,
        states,
        before,
        limit,
    );
    Ok(ids.fetch_all(db).await?)
}

/// Reads one range for each state, so that few of many are found without reading the others. The
/// ranges and their order are spelt out as the index has them; of an equal state, the planner would
/// rather read the newest of all organizations until enough of them fit.
async fn of_organization(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    states: &[String],
    before: Uuid,
    limit: i64,
) -> Result<Vec<GenerationId>> {
    let ids = sqlx::query_scalar!(
        r#"select found.generation_id as "generation_id: GenerationId"
         from unnest($2::text[]) as one (state)
         cross join lateral (
             select generation_id from generation.generation
             where organization_id = $1 and generation.state >= one.state
                 and (generation.state, generation_id) < (one.state, $3)
             order by generation.state desc, generation_id desc
             limit $4
         ) as found
         order by generation_id desc
         limit $4"#,
        organization as _,
        states,
        before,
        limit,
    );
    Ok(ids.fetch_all(db).await?)
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
