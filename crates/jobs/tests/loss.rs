//! What becomes of jobs whose process dies, or whose end cannot be told.

use super::*;

/// Whose end is hard to tell of: that fails so many times.
#[derive(Debug, Deserialize, Serialize)]
struct Poison {
    n_mute: u32,
}

impl Job for Poison {
    const NAME: &'static str = "poison";
    const ATTEMPTS: u32 = 2;
    type State = Diary;

    async fn run(&self, diary: &Diary, _: &Attempt) -> Result<(), Failure> {
        diary.write(0, |it| it.started += 1);
        Err(Failure::GiveUp("no use".into()))
    }

    async fn give_up(&self, diary: &Diary) -> Result<(), Failure> {
        diary.write(GIVEN_UP, |it| it.started += 1);
        match diary.of(GIVEN_UP).started <= self.n_mute {
            true => Err(Failure::Retry("nobody listens".into())),
            false => Ok(()),
        }
    }
}

fn worker(queue: &Queue, db: &PgPool, diary: &Diary) -> Worker<Diary> {
    super::worker(queue, db, diary).job::<Poison>()
}

/// Makes the only job one whose lease ended `ago` with its process, as so many did before.
async fn lose(db: &PgPool, losses: i32, ago: Duration) -> Result {
    sqlx::query(
        "update test.job set state = 'running', losses = $1, fence = fence + 1,
             run_at = now() - $2 * interval '1 second'",
    )
    .bind(losses)
    .bind(ago.as_secs_f64())
    .execute(db)
    .await?;
    Ok(())
}

/// The attempts and losses of the only job.
async fn tries(db: &PgPool) -> Result<(i32, i32)> {
    Ok(sqlx::query_as("select attempts, losses from test.job").fetch_one(db).await?)
}

const LONG_AGO: Duration = Duration::from_secs(3_600);

#[sqlx::test(migrations = false)]
async fn a_lost_lease_is_no_failed_try(db: PgPool) -> Result {
    let (queue, diary) = (schema(&db).await?, Diary::default());
    enqueue(&queue, &db, &Note { n: 1, takes: Duration::from_secs(60) }).await?;
    // Three times as often as it may fail.
    for n_killed in 1..=9 {
        let victim = tokio::spawn(worker(&queue, &db, &diary).run(CancellationToken::new()));
        eventually(async || Ok::<_, Box<dyn Error>>(diary.of(1).started == n_killed)).await?;
        victim.abort();
        assert!(victim.await.is_err_and(|it| it.is_cancelled()));
        assert_eq!(tries(&db).await?, (0, i32::try_from(n_killed)? - 1));
        lose(&db, i32::try_from(n_killed)? - 1, LONG_AGO).await?;
    }
    sqlx::query("update test.job set payload = jsonb_set(payload, '{takes,secs}', '0')")
        .execute(&db)
        .await?;
    assert_eq!(worker(&queue, &db, &diary).run_due().await, 1);
    assert_eq!((diary.of(1).started, diary.of(1).ended), (10, 1));
    assert_eq!(queue.pending(&db).await?, 0);
    assert!(queue.dead(&db).await?.is_empty());
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn the_first_loss_costs_nothing_and_each_further_one_more(db: PgPool) -> Result {
    let (queue, diary) = (schema(&db).await?, Diary::default());
    // The pause after each loss but the first: one second, two, four, up to half an hour.
    for (losses, pause) in [(0, 0), (1, 1), (3, 4), (11, 1_024), (12, 1_800), (17, 1_800)] {
        enqueue(&queue, &db, &note(1)).await?;
        if 0 < pause {
            lose(&db, losses, Duration::from_millis(pause * 1_000 - 500)).await?;
            assert_eq!(worker(&queue, &db, &diary).run_due().await, 0, "after {losses}");
        }
        lose(&db, losses, Duration::from_secs(pause)).await?;
        assert_eq!(worker(&queue, &db, &diary).run_due().await, 1, "after {losses}");
        assert_eq!(queue.pending(&db).await?, 0);
    }
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn a_try_that_ends_by_itself_forgets_the_losses(db: PgPool) -> Result {
    let (queue, diary) = (schema(&db).await?, Diary::default());
    enqueue(&queue, &db, &Fail::Always).await?;
    lose(&db, 9, LONG_AGO).await?;
    assert_eq!(worker(&queue, &db, &diary).run_due().await, 1);
    assert_eq!(tries(&db).await?, (1, 0));
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn a_job_that_kills_its_process_is_given_up(db: PgPool) -> Result {
    let (queue, diary) = (schema(&db).await?, Diary::default());
    enqueue(&queue, &db, &Fail::Always).await?;
    lose(&db, 19, LONG_AGO).await?;
    assert_eq!(worker(&queue, &db, &diary).run_due().await, 1);
    // It is not run any more, and whoever waits for it is told.
    assert_eq!((diary.of(0).started, diary.of(GIVEN_UP).started), (0, 1));
    let dead = queue.dead(&db).await?;
    let [dead] = &dead[..] else { return Err(format!("{dead:?}").into()) };
    assert_eq!((dead.attempts, dead.losses), (0, 20));
    assert!(queue.revive(&db, dead.job_id).await?);
    assert_eq!(tries(&db).await?, (0, 0));
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn giving_up_is_tried_again_and_does_not_run_the_job(db: PgPool) -> Result {
    let (queue, diary) = (schema(&db).await?, Diary::default());
    enqueue(&queue, &db, &Poison { n_mute: 2 }).await?;
    lose(&db, 19, LONG_AGO).await?;
    for n_told in 1..=3 {
        assert_eq!(worker(&queue, &db, &diary).run_due().await, 1);
        assert_eq!((diary.of(0).started, diary.of(GIVEN_UP).started), (0, n_told));
        assert_eq!(queue.dead(&db).await?.len(), usize::from(n_told == 3));
        pass_time(&db).await?;
    }
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn even_giving_up_ends(db: PgPool) -> Result {
    let (queue, diary) = (schema(&db).await?, Diary::default());
    // It fails each time it is told,
    enqueue(&queue, &db, &Poison { n_mute: 100 }).await?;
    for _ in 0..4 {
        assert!(queue.dead(&db).await?.is_empty());
        assert_eq!(worker(&queue, &db, &diary).run_due().await, 1);
        pass_time(&db).await?;
    }
    assert_eq!((diary.of(GIVEN_UP).started, queue.dead(&db).await?.len()), (3, 1));
    // or ends the process.
    sqlx::query("delete from test.job").execute(&db).await?;
    enqueue(&queue, &db, &Poison { n_mute: 100 }).await?;
    lose(&db, 39, LONG_AGO).await?;
    assert_eq!(worker(&queue, &db, &diary).run_due().await, 1);
    assert_eq!((diary.of(GIVEN_UP).started, queue.dead(&db).await?.len()), (3, 1));
    Ok(())
}
