//! What has to be so at the end of every test, seen from outside the engine.

use std::collections::{BTreeMap, HashSet};

use api::sartiq::event::v1::Event;
use api::sartiq::event::v1::event::Payload;
use prost::Message;
use sqlx::PgPool;

use crate::Result;
use crate::provider::Fake;

/// Checks the invariants. `fakes` are all providers that were asked.
pub(crate) async fn audit(db: &PgPool, fakes: &[&Fake]) -> Result {
    let count = |sql: &'static str| sqlx::query_scalar::<_, i64>(sql).fetch_one(db);
    let asleep =
        "select count(*) from compute.task_hot full join compute.task_wake using (task_key)
         where task_hot.task_key is null or wake_at is null";
    assert_eq!(count(asleep).await?, 0, "a task without a wake time, or the other way round");
    let stuck = "select count(*) from compute.workflow
         where (state in (1, 2)) <> exists (select from compute.task_hot
             where task_hot.workflow_key = workflow.workflow_key)";
    assert_eq!(count(stuck).await?, 0, "a workflow that ended with tasks, or did not without");
    let torn = "select count(*) from compute.task
         where (state is null) <> exists (select from compute.task_hot
             where task_hot.task_key = task.task_key)";
    assert_eq!(count(torn).await?, 0, "a task that is both, or neither");
    let uncounted = "select count(*) from compute.workflow
         where ended_count <> (select count(*) from compute.task
             where task.workflow_key = workflow.workflow_key and state is not null)";
    assert_eq!(count(uncounted).await?, 0, "ended tasks are miscounted");
    let unsettled = "select count(*) from compute.attempt
         where phase in (5, 6, 7, 8) and 1 <> (
             select count(*) from compute.ledger
             where ledger.task_key = attempt.task_key and ledger.attempt = number
                 and entry <> 'reserve')
             and not exists (select from compute.cancellation
                 where cancellation.task_key = attempt.task_key
                     and cancellation.number = attempt.number)";
    assert_eq!(count(unsettled).await?, 0, "an attempt that was not settled once");
    events(db).await?;
    submissions(db, fakes).await
}

/// The events of each workflow are numbered from 1 without a gap, up to what the workflow says.
async fn events(db: &PgPool) -> Result {
    let rows: Vec<Vec<u8>> =
        sqlx::query_scalar("select event from compute.outbox order by outbox_id")
            .fetch_all(db)
            .await?;
    let mut sequences: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for row in rows {
        let event = Event::decode(row.as_slice())?;
        let (workflow, sequence) = match event.payload.ok_or("empty event")? {
            Payload::TaskStarted(it) => (it.workflow_id, it.workflow_sequence),
            Payload::TaskCompleted(it) | Payload::TaskFailed(it) => {
                (it.workflow_id, it.workflow_sequence)
            }
            Payload::TaskRetrying(it) => (it.workflow_id, it.workflow_sequence),
            Payload::WorkflowEnded(it) => (it.workflow_id, it.workflow_sequence),
            other => return Err(format!("unexpected {other:?}").into()),
        };
        sequences.entry(workflow).or_default().push(sequence);
    }
    let rows: Vec<(uuid::Uuid, i64)> =
        sqlx::query_as("select workflow_id, event_sequence from compute.workflow")
            .fetch_all(db)
            .await?;
    for (id, last) in rows {
        let told = sequences.remove(&id.to_string()).unwrap_or_default();
        assert_eq!(told, (1..=last).collect::<Vec<_>>(), "events of {id}");
    }
    assert!(sequences.is_empty(), "events of nobody");
    Ok(())
}

/// Every submission is of one attempt, and no attempt was submitted twice.
async fn submissions(db: &PgPool, fakes: &[&Fake]) -> Result {
    let rows: Vec<String> = sqlx::query_scalar(
        "select task_id::text || '-' || number from compute.attempt join compute.task using (task_key)",
    )
    .fetch_all(db)
    .await?;
    let attempts: HashSet<String> = rows.into_iter().collect();
    let mut seen = HashSet::new();
    for submission in fakes.iter().flat_map(|it| it.submissions()) {
        assert!(
            seen.insert(submission.run_id.clone()),
            "{} was submitted twice",
            submission.run_id
        );
        let is_refused = submission.prompt.starts_with("unsent");
        assert!(is_refused || attempts.contains(&submission.run_id), "{}", submission.run_id);
    }
    Ok(())
}

/// Returns the payloads that were told of a workflow, in order.
pub(crate) async fn told(db: &PgPool) -> Result<Vec<Payload>> {
    let rows: Vec<Vec<u8>> =
        sqlx::query_scalar("select event from compute.outbox order by outbox_id")
            .fetch_all(db)
            .await?;
    let payloads =
        rows.iter().map(|it| Ok(Event::decode(it.as_slice())?.payload.ok_or("empty")?));
    payloads.collect()
}
