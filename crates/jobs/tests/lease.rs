//! Who holds a job, and what becomes of it when they do not.

use super::*;

#[sqlx::test(migrations = false)]
async fn two_workers_never_hold_one_job(db: PgPool) -> Result {
    let (queue, diary) = (schema(&db).await?, Diary::default());
    for n in 0..60 {
        enqueue(&queue, &db, &Note { n, takes: Duration::from_millis(20) }).await?;
    }
    // The same queue in several processes, with leases that need renewing all the time.
    let shutdown = CancellationToken::new();
    let workers: Vec<_> = (0..3)
        .map(|_| {
            let worker = worker(&Queue::new("test"), &db, &diary);
            tokio::spawn(worker.lease(Duration::from_millis(400)).run(shutdown.clone()))
        })
        .collect();
    eventually(async || Ok::<_, Box<dyn Error>>(queue.pending(&db).await? == 0)).await?;
    shutdown.cancel();
    for worker in workers {
        worker.await?;
    }
    let once = Entry { started: 1, ended: 1, inside: 0, most_inside: 1 };
    assert!((0..60).all(|n| diary.of(n) == once), "{diary:?}");
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn a_long_job_keeps_its_lease(db: PgPool) -> Result {
    let (queue, diary) = (schema(&db).await?, Diary::default());
    enqueue(&queue, &db, &Note { n: 1, takes: Duration::from_secs(3) }).await?;
    let shutdown = CancellationToken::new();
    for _ in 0..2 {
        let worker = worker(&Queue::new("test"), &db, &diary).lease(Duration::from_secs(1));
        tokio::spawn(worker.run(shutdown.clone()));
    }
    eventually(async || Ok::<_, Box<dyn Error>>(queue.pending(&db).await? == 0)).await?;
    shutdown.cancel();
    assert_eq!(diary.of(1), Entry { started: 1, ended: 1, inside: 0, most_inside: 1 });
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn a_dead_workers_job_is_taken_over(db: PgPool) -> Result {
    let (queue, diary) = (schema(&db).await?, Diary::default());
    enqueue(&queue, &db, &Note { n: 1, takes: Duration::from_secs(2) }).await?;
    let first = worker(&queue, &db, &diary).lease(Duration::from_millis(600));
    let first = tokio::spawn(first.run(CancellationToken::new()));
    eventually(async || Ok::<_, Box<dyn Error>>(diary.of(1).started == 1)).await?;
    // As a killed process: no goodbye.
    first.abort();
    assert!(first.await.is_err_and(|it| it.is_cancelled()));
    assert_eq!(queue.pending(&db).await?, 1);
    assert_eq!(worker(&queue, &db, &diary).run_due().await, 0);
    sleep(Duration::from_millis(700)).await;
    assert_eq!(worker(&queue, &db, &diary).run_due().await, 1);
    assert_eq!((diary.of(1).started, diary.of(1).ended), (2, 1));
    assert_eq!(queue.pending(&db).await?, 0);
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn a_worker_that_lost_its_lease_changes_nothing(db: PgPool) -> Result {
    let (queue, diary) = (schema(&db).await?, Diary::default());
    enqueue(&queue, &db, &Note { n: 1, takes: Duration::from_millis(500) }).await?;
    let late = tokio::spawn(worker(&queue, &db, &diary).run_due());
    eventually(async || Ok::<_, Box<dyn Error>>(diary.of(1).started == 1)).await?;
    // Somebody else holds it now.
    sqlx::query("update test.job set fence = fence + 1, run_at = now() + interval '1 hour'")
        .execute(&db)
        .await?;
    late.await?;
    assert_eq!(diary.of(1).ended, 1);
    let state: String = sqlx::query_scalar("select state from test.job").fetch_one(&db).await?;
    assert_eq!(state, "running");
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn a_stop_puts_back_what_does_not_end(db: PgPool) -> Result {
    let (queue, diary) = (schema(&db).await?, Diary::default());
    enqueue(&queue, &db, &Note { n: 1, takes: Duration::from_secs(60) }).await?;
    enqueue(&queue, &db, &Note { n: 2, takes: Duration::from_millis(400) }).await?;
    let shutdown = CancellationToken::new();
    let worker = worker(&queue, &db, &diary).patience(Duration::from_millis(800));
    let running = tokio::spawn(worker.run(shutdown.clone()));
    eventually(async || Ok::<_, Box<dyn Error>>(diary.of(1).started + diary.of(2).started == 2))
        .await?;
    shutdown.cancel();
    running.await?;
    assert_eq!(diary.of(2).ended, 1, "it had the time");
    let left: (String, i32, bool) =
        sqlx::query_as("select state, attempts, run_at <= now() from test.job")
            .fetch_one(&db)
            .await?;
    assert_eq!(left, ("ready".to_owned(), 0, true));
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn no_plan_of_the_database_takes_more_than_asked(db: PgPool) -> Result {
    let (queue, diary) = (schema(&db).await?, Diary::default());
    for n in 0..40 {
        enqueue(&queue, &db, &Note { n, takes: Duration::from_secs(2) }).await?;
    }
    // What is left is a nested loop, which reads its inner side once for each row of the outer one.
    let off = ["hashagg", "hashjoin", "mergejoin", "material", "memoize", "sort"];
    let options = off.map(|it| (format!("enable_{it}"), "off"));
    let options = PgConnectOptions::clone(&db.connect_options()).options(options);
    let narrow = PgPool::connect_with(options).await?;
    let shutdown = CancellationToken::new();
    let worker = worker(&queue, &narrow, &diary).concurrency(2);
    let working = tokio::spawn(worker.run(shutdown.clone()));
    eventually(async || Ok::<_, Box<dyn Error>>(diary.of(0).started == 1)).await?;
    let running = "select count(*) from test.job where state = 'running'";
    let n_running: i64 = sqlx::query_scalar(running).fetch_one(&db).await?;
    assert!((1..=2).contains(&n_running), "{n_running} are running");
    shutdown.cancel();
    Ok(working.await?)
}
