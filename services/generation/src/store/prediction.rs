//! `generation.prediction`.

use std::cmp::Reverse;
use std::time::Duration;

use sqlx::{PgExecutor, PgPool};
use types::id::{GenerationId, MediaId, OrganizationId, PredictionId, ShootingId, ShotId};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::generation::Generation;
use crate::prediction::{Made, Prediction, State};
use crate::problem::Problem;

/// What the listed predictions are of.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scope {
    /// A shot, which is of `shooting` if that is given.
    Shot {
        shot: ShotId,
        shooting: Option<ShootingId>,
    },
    Shooting(ShootingId),
}

struct Row {
    prediction_id: PredictionId,
    generation_id: GenerationId,
    shot_id: ShotId,
    index: i32,
    state: String,
    media_id: Option<MediaId>,
    seed: i64,
    provider: String,
    model: String,
    prompt: String,
    queue_ms: Option<i64>,
    run_ms: Option<i64>,
    post_ms: Option<i64>,
    cost_micros: i64,
    error_reason: Option<String>,
    error_message: Option<String>,
    is_retryable: bool,
    created_at: time::OffsetDateTime,
    ready_at: Option<time::OffsetDateTime>,
}

impl TryFrom<Row> for Prediction {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let millis = |it: i64| Duration::from_millis(u64::try_from(it).unwrap_or_default());
        let problem = row.error_reason.map(|reason| Problem {
            reason,
            message: row.error_message.unwrap_or_default(),
            is_retryable: row.is_retryable,
        });
        Ok(Self {
            id: row.prediction_id,
            generation_id: row.generation_id,
            shot_id: row.shot_id,
            index: row.index,
            state: row.state.parse().map_err(Error::Corrupt)?,
            media_id: row.media_id,
            made: Made {
                seed: u32::try_from(row.seed).unwrap_or_default(),
                provider: row.provider,
                model: row.model,
                prompt: row.prompt,
                queue: row.queue_ms.map(millis),
                run: row.run_ms.map(millis),
                post: row.post_ms.map(millis),
                cost_micros: row.cost_micros,
            },
            problem,
            created_at: row.created_at,
            ready_at: row.ready_at,
        })
    }
}

/// Inserts the expected predictions of `generation`.
pub(crate) async fn insert(
    db: impl PgExecutor<'_>,
    generation: &Generation,
    predictions: &[Prediction],
) -> Result<()> {
    let Some(first) = predictions.first() else { return Ok(()) };
    let ids: Vec<Uuid> = predictions.iter().map(|it| it.id.uuid()).collect();
    let indexes: Vec<i32> = predictions.iter().map(|it| it.index).collect();
    let seeds: Vec<i64> = predictions.iter().map(|it| it.made.seed.into()).collect();
    sqlx::query!(
        "insert into generation.prediction
             (prediction_id, generation_id, organization_id, shot_id, shooting_id, index, state, seed,
              created_at)
         select it.id, $1, $2, $3, $9, it.index, $4, it.seed, $8
         from unnest($5::uuid[], $6::int[], $7::bigint[]) as it (id, index, seed)",
        generation.id as _,
        generation.organization_id as _,
        generation.shot_id as _,
        first.state.as_str(),
        &ids,
        &indexes,
        &seeds,
        first.created_at,
        generation.shooting_id as _,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Finds the predictions with `ids` that are of `organization`.
pub(crate) async fn find(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    ids: &[PredictionId],
) -> Result<Vec<Prediction>> {
    let ids: Vec<Uuid> = ids.iter().map(|it| it.uuid()).collect();
    let rows = sqlx::query_as!(
        Row,
        "select prediction_id, generation_id, shot_id, index, state, media_id, seed, provider,
             model, prompt, queue_ms, run_ms, post_ms, cost_micros, error_reason, error_message,
             is_retryable, created_at, ready_at
         from generation.prediction where organization_id = $1 and prediction_id = any($2)",
        organization as _,
        &ids,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Prediction::try_from).collect()
}

/// Lists the predictions of generations that are known to be of the caller, by index.
pub(crate) async fn of_generations(
    db: impl PgExecutor<'_>,
    ids: &[GenerationId],
) -> Result<Vec<Prediction>> {
    let ids: Vec<Uuid> = ids.iter().map(|it| it.uuid()).collect();
    let rows = sqlx::query_as!(
        Row,
        "select prediction_id, generation_id, shot_id, index, state, media_id, seed, provider,
             model, prompt, queue_ms, run_ms, post_ms, cost_micros, error_reason, error_message,
             is_retryable, created_at, ready_at
         from generation.prediction where generation_id = any($1) order by generation_id, index",
        &ids,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Prediction::try_from).collect()
}

/// Lists the predictions of `scope` that come before `before`, newest first.
pub(crate) async fn list(
    db: &PgPool,
    organization: OrganizationId,
    scope: Scope,
    before: Uuid,
    limit: i64,
) -> Result<Vec<Prediction>> {
    let ids = match scope {
        Scope::Shot { shot, shooting } => {
            of_shot(db, organization, shot, shooting, before, limit).await?
        }
        Scope::Shooting(shooting) => of_shooting(db, organization, shooting, before, limit).await?,
    };
    let mut found = find(db, organization, &ids).await?;
    found.sort_unstable_by_key(|it| Reverse(it.id));
    Ok(found)
}

async fn of_shot(
    db: &PgPool,
    organization: OrganizationId,
    shot: ShotId,
    shooting: Option<ShootingId>,
    before: Uuid,
    limit: i64,
) -> Result<Vec<PredictionId>> {
    let ids = sqlx::query_scalar!(
        r#"select prediction_id as "id: PredictionId"
         from generation.prediction
         where organization_id = $1 and shot_id = $2
           and prediction_id < $3
           and ($5::uuid is null or shooting_id = $5)
         order by prediction_id desc
         limit $4"#,
        organization as _,
        shot as _,
        before,
        limit,
        shooting as _,
    );
    Ok(ids.fetch_all(db).await?)
}

async fn of_shooting(
    db: &PgPool,
    organization: OrganizationId,
    shooting: ShootingId,
    before: Uuid,
    limit: i64,
) -> Result<Vec<PredictionId>> {
    let ids = sqlx::query_scalar!(
        r#"select prediction_id as "id: PredictionId"
         from generation.prediction
         where organization_id = $1 and shooting_id = $2
           and prediction_id < $3
         order by prediction_id desc
         limit $4"#,
        organization as _,
        shooting as _,
        before,
        limit,
    );
    Ok(ids.fetch_all(db).await?)
}

/// Moves one prediction to `state`. Answers its id, and none if that is not possible from where it is.
pub(crate) async fn set_state(
    db: impl PgExecutor<'_>,
    generation: GenerationId,
    index: i32,
    state: State,
    problem: Option<&Problem>,
) -> Result<Option<PredictionId>> {
    let row = sqlx::query!(
        "update generation.prediction
         set state = $3, error_reason = $4, error_message = $5, is_retryable = $6
         where generation_id = $1 and index = $2 and state = any($7)
         returning prediction_id",
        generation as _,
        index,
        state.as_str(),
        problem.map(|it| &*it.reason),
        problem.map(|it| &*it.message),
        problem.is_some_and(|it| it.is_retryable),
        &State::before(state),
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|it| it.prediction_id))
}

/// Makes one prediction ready. Answers its id, and none if it is final already.
pub(crate) async fn set_ready(
    db: impl PgExecutor<'_>,
    generation: GenerationId,
    index: i32,
    media: MediaId,
    made: &Made,
) -> Result<Option<PredictionId>> {
    let millis =
        |it: Option<Duration>| it.map(|it| i64::try_from(it.as_millis()).unwrap_or(i64::MAX));
    let row = sqlx::query!(
        "update generation.prediction
         set state = 'ready', media_id = $3, seed = $4, provider = $5, model = $6, prompt = $7,
             queue_ms = $8, run_ms = $9, post_ms = $10, cost_micros = $11, ready_at = now()
         where generation_id = $1 and index = $2 and state = any($12)
         returning prediction_id",
        generation as _,
        index,
        media as _,
        i64::from(made.seed),
        made.provider,
        made.model,
        made.prompt,
        millis(made.queue),
        millis(made.run),
        millis(made.post),
        made.cost_micros,
        &State::before(State::Ready),
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|it| it.prediction_id))
}

/// Cancels what is outstanding of a generation.
pub(crate) async fn cancel(db: impl PgExecutor<'_>, generation: GenerationId) -> Result<()> {
    sqlx::query!(
        "update generation.prediction set state = 'cancelled'
         where generation_id = $1 and state = any($2)",
        generation as _,
        &State::before(State::Cancelled),
    )
    .execute(db)
    .await?;
    Ok(())
}
