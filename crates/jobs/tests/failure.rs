//! What becomes of jobs that fail.

use super::*;

#[sqlx::test(migrations = false)]
async fn what_fails_is_tried_later_and_then_kept_as_dead(db: PgPool) -> Result {
    let (queue, diary) = (schema(&db).await?, Diary::default());
    enqueue(&queue, &db, &Fail::Always).await?;
    for n_tries in 1..=3 {
        // Only once now: the next try is in the future.
        assert_eq!(worker(&queue, &db, &diary).run_due().await, 1);
        assert_eq!(diary.of(0).started, n_tries);
        assert_eq!(diary.of(GIVEN_UP).started, u32::from(n_tries == 3));
        pass_time(&db).await?;
    }
    assert_eq!(worker(&queue, &db, &diary).run_due().await, 0);
    let dead = queue.dead(&db).await?;
    let [dead] = &dead[..] else { return Err(format!("{dead:?}").into()) };
    assert_eq!((dead.name.as_str(), dead.attempts), ("fail", 3));
    assert_eq!(dead.last_error.as_deref(), Some("no luck"));
    assert!(queue.revive(&db, dead.job_id).await?);
    assert_eq!(worker(&queue, &db, &diary).run_due().await, 1);
    assert!(queue.dead(&db).await?.is_empty());
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn a_second_try_may_succeed(db: PgPool) -> Result {
    let (queue, diary) = (schema(&db).await?, Diary::default());
    enqueue(&queue, &db, &Fail::Once).await?;
    assert_eq!(worker(&queue, &db, &diary).run_due().await, 1);
    pass_time(&db).await?;
    assert_eq!(worker(&queue, &db, &diary).run_due().await, 1);
    assert_eq!(queue.pending(&db).await?, 0);
    assert!(queue.dead(&db).await?.is_empty());
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn a_hopeless_job_is_given_up_at_once(db: PgPool) -> Result {
    let (queue, diary) = (schema(&db).await?, Diary::default());
    enqueue(&queue, &db, &Fail::Final).await?;
    sqlx::query(
        "insert into test.job (job_id, name, payload) values (gen_random_uuid(), 'note', '7')",
    )
    .execute(&db)
    .await?;
    assert_eq!(worker(&queue, &db, &diary).run_due().await, 2);
    assert_eq!(queue.dead(&db).await?.len(), 2);
    // Of what cannot be read, nobody knows what to tell.
    assert_eq!(diary.of(GIVEN_UP).started, 1);
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn a_panic_is_a_failure_and_a_wish_is_heard(db: PgPool) -> Result {
    let (queue, diary) = (schema(&db).await?, Diary::default());
    enqueue(&queue, &db, &Fail::Panic).await?;
    enqueue(&queue, &db, &Fail::Soon).await?;
    assert_eq!(worker(&queue, &db, &diary).run_due().await, 2);
    let waits: Vec<(String, f64)> = sqlx::query_as(
        "select last_error, extract(epoch from run_at - now())::float8 from test.job
         order by job_id",
    )
    .fetch_all(&db)
    .await?;
    let [(panic, soon), (busy, later)] = &waits[..] else {
        return Err(format!("{waits:?}").into());
    };
    assert_eq!((panic.as_str(), busy.as_str()), ("the job panicked", "busy"));
    assert!((-1.0..=1.0).contains(soon) && (70.0..=77.0).contains(later), "{waits:?}");
    Ok(())
}
