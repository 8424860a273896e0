//! What the owner writes: many changes of many workflows in one statement, which is fenced.

use events::Draft;
use sqlx::PgExecutor;
use time::OffsetDateTime;
use types::id::OrganizationId;
use uuid::Uuid;

use super::Result;
use crate::attempt::Phase;
use crate::{task, workflow};

/// A change of a workflow.
#[derive(Clone, Debug)]
pub(crate) struct Flow {
    pub(crate) key: i64,
    pub(crate) old_sequence: i64,
    pub(crate) sequence: i64,
    pub(crate) state: workflow::State,
    pub(crate) ended_count: i32,
    pub(crate) cost_micros: i64,
}

/// Where a task was before a change, which must still be so.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Before {
    pub(crate) state: task::State,
    pub(crate) attempt: i32,
}

/// A change of a task that has not ended.
#[derive(Clone, Debug)]
pub(crate) struct Hot {
    pub(crate) task: i64,
    pub(crate) before: Before,
    pub(crate) state: task::State,
    pub(crate) remaining: i16,
    pub(crate) attempt: i32,
    pub(crate) tries: i16,
    pub(crate) lane_tries: i16,
    pub(crate) fallback: i16,
    /// None where the task is looked at no earlier and no later than before.
    pub(crate) wake_time: Option<OffsetDateTime>,
}

/// The end of a task.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    pub(crate) task: i64,
    pub(crate) before: Before,
    pub(crate) state: task::State,
    pub(crate) outputs: Vec<u8>,
    pub(crate) failure: Option<Vec<u8>>,
    pub(crate) cost_micros: i64,
}

/// A new attempt.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    pub(crate) task: i64,
    pub(crate) number: i32,
    pub(crate) provider: String,
    pub(crate) model: String,
    pub(crate) reserved_micros: i64,
    pub(crate) currency: String,
}

/// The end of an attempt.
#[derive(Clone, Debug)]
pub(crate) struct Closed {
    pub(crate) organization: OrganizationId,
    pub(crate) task: i64,
    pub(crate) number: i32,
    pub(crate) phase: Phase,
    pub(crate) cost_micros: i64,
    pub(crate) failure: Option<Vec<u8>>,
    /// Whether it is to be cancelled at its provider.
    pub(crate) cancel: Option<String>,
    /// Where it is not stored yet.
    pub(crate) handle: Option<Handle>,
}

/// What an attempt reserves or costs.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) organization: OrganizationId,
    pub(crate) task: i64,
    pub(crate) attempt: i32,
    pub(crate) entry: &'static str,
    pub(crate) amount_micros: i64,
    pub(crate) currency: String,
}

/// The handle that a provider gave an attempt.
#[derive(Clone, Debug)]
pub(crate) struct Handle {
    pub(crate) task: i64,
    pub(crate) number: i32,
    pub(crate) vendor_job_id: String,
    pub(crate) resume_token: Vec<u8>,
}

/// What becomes of workflows, their tasks and attempts, what that costs, and what is told of it.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    pub(crate) flows: Vec<Flow>,
    pub(crate) hot: Vec<Hot>,
    pub(crate) ended: Vec<Ended>,
    pub(crate) closed: Vec<Closed>,
    /// Attempts of which nothing was sent, and which are forgotten.
    pub(crate) forgotten: Vec<(i64, i32)>,
    pub(crate) prepared: Vec<Prepared>,
    pub(crate) ledger: Vec<Entry>,
    pub(crate) events: Vec<Draft>,
}

/// What `compute.undo()` fails with.
const UNDONE: &str = "UNDO0";

macro_rules! column {
    ($rows:expr, $field:ident) => {
        pg::column($rows, |it| it.$field.clone())
    };
    ($rows:expr, |$it:ident| $value:expr) => {
        pg::column($rows, |$it| $value)
    };
}

/// Writes all of `changes`, or nothing: returns whether everything was where it was thought to be, and
/// `epoch` is the owner's. It stays the owner's until the transaction ends.
pub(crate) async fn write(db: impl PgExecutor<'_>, changes: &Changes, epoch: i64) -> Result<bool> {
    let Changes { flows, hot, ended, closed, forgotten, prepared, ledger, events } = changes;
    // One statement: each of its own would cost as much again to send as to carry out, and most turns
    // need no other.
    let done = sqlx::query_scalar!(
        r#"with owner as materialized (
             select epoch from compute.owner where epoch = $26 for key share
         ), flows as (
             update compute.workflow
             set event_sequence = it.sequence, state = it.state, ended_count = it.ended_count,
                 cost_micros = it.cost_micros,
                 ended_at = case when it.state in (3, 4, 5) then now() end
             from (
                 -- Always in the same order, as whoever locks several must.
                 select * from unnest($39::bigint[], $40::bigint[], $41::bigint[], $42::smallint[],
                     $43::integer[], $44::bigint[])
                     as it (key, old_sequence, sequence, state, ended_count, cost_micros)
                 order by key
             ) as it
             where workflow_key = it.key and event_sequence = it.old_sequence
                 and workflow.state in (1, 2)
                 -- By keys, as everything below, whatever the planner believes of tables that were empty
                 -- when it last counted.
                 and workflow_key = any($39)
             returning workflow_key
         ), moved as (
             update compute.task_hot
             set state = it.state, remaining_parents = it.remaining, attempt = it.attempt,
                 tries = it.tries, lane_tries = it.lane_tries, fallback = it.fallback
             from unnest($1::bigint[], $2::smallint[], $3::integer[], $4::smallint[],
                 $5::smallint[], $6::integer[], $7::smallint[], $8::smallint[], $9::smallint[])
                 as it (task, old_state, old_attempt, state, remaining, attempt, tries, lane_tries,
                     fallback)
             where task_key = it.task and task_hot.state = it.old_state
                 and task_hot.attempt = it.old_attempt
                 and task_key = any($1)
             returning task_key
         ), moved_wakes as (
             update compute.task_wake set wake_at = it.wake_at
             from unnest($1::bigint[], $10::timestamptz[]) as it (task, wake_at)
             where task_wake.task_key = it.task and it.wake_at is not null
                 and task_wake.task_key = any($1)
         ), gone as (
             delete from compute.task_hot
             using unnest($11::bigint[], $12::smallint[], $13::integer[])
                 as it (task, old_state, old_attempt)
             where task_key = it.task and state = it.old_state and attempt = it.old_attempt
                 and task_key = any($11)
             returning task_key
         ), gone_wakes as (
             delete from compute.task_wake where task_key = any($11)
         ), ended as (
             update compute.task
             set state = it.state, outputs = it.outputs, failure = it.failure,
                 cost_micros = it.cost_micros, ended_at = now()
             from unnest($11::bigint[], $14::smallint[], $15::bytea[], $16::bytea[], $17::bigint[])
                 as it (task, state, outputs, failure, cost_micros)
             where task.task_key = it.task and task.task_key = any($11)
             returning task.task_key
         ), closed as (
             update compute.attempt
             set phase = it.phase, cost_micros = it.cost_micros, failure = it.failure,
                 ended_at = now(), resume_token = coalesce(it.resume_token, attempt.resume_token),
                 vendor_job_id = coalesce(it.vendor_job_id, attempt.vendor_job_id),
                 submitted_at =
                     case when it.resume_token is null then submitted_at else now() end
             from unnest($18::bigint[], $19::integer[], $20::smallint[], $21::bigint[],
                 $22::bytea[], $23::bytea[], $24::text[])
                 as it (task, number, phase, cost_micros, failure, resume_token, vendor_job_id)
             where task_key = it.task and attempt.number = it.number
                 and attempt.phase in (1, 2, 3, 4) and task_key = any($18)
             returning attempt.*
         ), intents as (
             insert into compute.cancellation (task_key, number, organization_id, provider, run_id,
                 resume_token, reserved_micros, currency)
             select closed.task_key, closed.number, organization_id, provider, run_id,
                 resume_token, reserved_micros, currency
             from closed
                 join unnest($18::bigint[], $19::integer[], $25::text[], $48::uuid[])
                     as it (task, number, run_id, organization_id)
                     on it.task = closed.task_key and it.number = closed.number
             where it.run_id is not null
         ), forgotten as (
             delete from compute.attempt using unnest($45::bigint[], $46::integer[])
                 as it (task, number)
             where task_key = it.task and attempt.number = it.number and phase = 1
                 and task_key = any($45)
         ), prepared as (
             insert into compute.attempt
                 (task_key, number, phase, provider, model, reserved_micros, currency, epoch)
             select task, number, 1, provider, model, reserved_micros, currency, $26
             from unnest($27::bigint[], $28::integer[], $29::text[], $30::text[], $31::bigint[],
                 $32::text[])
                 as it (task, number, provider, model, reserved_micros, currency)
         ), booked as (
             insert into compute.ledger
                 (organization_id, task_key, attempt, entry, amount_micros, currency)
             select * from unnest($33::uuid[], $34::bigint[], $35::integer[], $36::text[],
                 $37::bigint[], $38::text[])
         ), told as (
             insert into compute.outbox (event)
             select event from unnest($47::bytea[]) with ordinality as it (event, nth) order by nth
         )
         select case when exists (select from owner)
             and (select count(*) from flows) = cardinality($39)
             and (select count(*) from moved) = cardinality($1)
             and (select count(*) from gone) = cardinality($11)
             and (select count(*) from ended) = cardinality($11)
             and (select count(*) from closed) = cardinality($18)
             then true else compute.undo() end as done"#,
        &column!(hot, task),
        &column!(hot, |it| it.before.state.number()),
        &column!(hot, |it| it.before.attempt),
        &column!(hot, |it| it.state.number()),
        &column!(hot, remaining),
        &column!(hot, attempt),
        &column!(hot, tries),
        &column!(hot, lane_tries),
        &column!(hot, fallback),
        &column!(hot, wake_time) as _,
        &column!(ended, task),
        &column!(ended, |it| it.before.state.number()),
        &column!(ended, |it| it.before.attempt),
        &column!(ended, |it| it.state.number()),
        &column!(ended, outputs),
        &column!(ended, failure) as _,
        &column!(ended, cost_micros),
        &column!(closed, task),
        &column!(closed, number),
        &column!(closed, |it| it.phase.number()),
        &column!(closed, cost_micros),
        &column!(closed, failure) as _,
        &column!(closed, |it| it.handle.as_ref().map(|it| it.resume_token.clone())) as _,
        &column!(closed, |it| it.handle.as_ref().map(|it| it.vendor_job_id.clone())) as _,
        &column!(closed, cancel) as _,
        epoch,
        &column!(prepared, task),
        &column!(prepared, number),
        &column!(prepared, provider),
        &column!(prepared, model),
        &column!(prepared, reserved_micros),
        &column!(prepared, currency),
        &column!(ledger, |it| Uuid::from(it.organization)),
        &column!(ledger, task),
        &column!(ledger, attempt),
        &column!(ledger, |it| it.entry.to_owned()),
        &column!(ledger, amount_micros),
        &column!(ledger, currency),
        &column!(flows, key),
        &column!(flows, old_sequence),
        &column!(flows, sequence),
        &column!(flows, |it| it.state.number()),
        &column!(flows, ended_count),
        &column!(flows, cost_micros),
        &column!(forgotten, |it| it.0),
        &column!(forgotten, |it| it.1),
        &column!(events, |it| it.encode()),
        &column!(closed, |it| Uuid::from(it.organization)),
    )
    .fetch_one(db)
    .await;
    match done {
        Ok(_) => Ok(true),
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(UNDONE) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Returns which of `flows` are not where they were thought to be, since somebody cancelled them; or
/// nothing if `epoch` is not the owner's any more.
pub(crate) async fn astray(
    db: impl PgExecutor<'_>,
    flows: &[Flow],
    epoch: i64,
) -> Result<Option<Vec<i64>>> {
    let found = sqlx::query_scalar!(
        r#"select workflow_key as "key?"
         from compute.owner left join (
             select workflow_key
             from unnest($1::bigint[], $2::bigint[]) as it (key, old_sequence)
                 join compute.workflow on workflow_key = it.key
             where (event_sequence <> old_sequence or state not in (1, 2))
                 and workflow_key = any($1)
         ) as astray on true
         where epoch = $3"#,
        &column!(flows, key),
        &column!(flows, old_sequence),
        epoch,
    )
    .fetch_all(db)
    .await?;
    Ok((!found.is_empty()).then(|| found.into_iter().flatten().collect()))
}
