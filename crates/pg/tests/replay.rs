//! A mutation happens once, on a real database.

use std::error::Error;
use std::time::Duration;

use pg::replay::{self, Replay};
use prost::Message;
use prost_types::Timestamp;
use server::Fault;
use sqlx::PgPool;
use uuid::Uuid;

type Failure = Box<dyn Error + Send + Sync>;
type Result<T = (), E = Failure> = std::result::Result<T, E>;

const SCHEMA: &str = "
    create schema shop;
    create table shop.replay (
        organization_id uuid not null,
        method text not null,
        request_id uuid not null,
        fingerprint bytea not null,
        reply bytea not null,
        created_at timestamptz not null default now(),
        primary key (organization_id, method, request_id)
    );
    create table shop.sale (sale_id bigserial primary key)";

/// Sells once: the request says what, the answer says which sale it was.
async fn sell(db: &PgPool, scope: Uuid, request_id: &str, seconds: i64) -> Result<i64> {
    let request = Timestamp { seconds, nanos: 0 };
    let replay = Replay::of("shop", scope, "Sell", request_id, &request)?;
    let mut tx = db.begin().await?;
    if let Some(Timestamp { seconds, .. }) = replay.find(&mut tx).await? {
        return Ok(seconds);
    }
    let sale = sqlx::query_scalar("insert into shop.sale default values returning sale_id")
        .fetch_one(&mut *tx)
        .await?;
    replay.store(&mut tx, &Timestamp { seconds: sale, nanos: 0 }).await?;
    tx.commit().await?;
    Ok(sale)
}

async fn sales(db: &PgPool) -> Result<i64> {
    Ok(sqlx::query_scalar("select count(*) from shop.sale").fetch_one(db).await?)
}

#[sqlx::test(migrations = false)]
async fn equal_requests_at_once_are_one(db: PgPool) -> Result {
    sqlx::raw_sql(SCHEMA).execute(&db).await?;
    let (scope, id) = (Uuid::now_v7(), Uuid::new_v4().to_string());
    let tries = (0..16).map(|_| sell(&db, scope, &id, 7));
    let answers = futures::future::try_join_all(tries).await?;
    assert!(answers.iter().all(|it| *it == answers[0]), "{answers:?}");
    assert_eq!(sales(&db).await?, 1);
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn many_are_kept_at_once(db: PgPool) -> Result {
    sqlx::raw_sql(SCHEMA).execute(&db).await?;
    let scope = Uuid::now_v7();
    let ids: Vec<String> = (0..3).map(|_| Uuid::new_v4().to_string()).collect();
    assert_eq!(sell(&db, scope, &ids[0], 7).await?, 1);
    // One that was answered, two that are new, one of them twice, and two without a name.
    let names = [&*ids[0], &ids[1], &ids[2], &ids[1], "", ""];
    let request = Timestamp { seconds: 7, nanos: 0 };
    let replays = names.map(|it| Replay::of("shop", scope, "Sell", it, &request));
    let replays = replays.into_iter().collect::<Result<Vec<_>, _>>()?;
    let replies: Vec<_> = replays
        .iter()
        .zip(10..)
        .map(|(it, seconds)| (it, Timestamp { seconds, nanos: 0 }.encode_to_vec()))
        .collect();
    let mut tx = db.begin().await?;
    let are_first = replay::keep(&mut tx, &replies).await?;
    assert_eq!(are_first, [false, true, true, false, true, true]);
    // Who asks for one of them meanwhile waits.
    let other = tokio::spawn({
        let db = db.clone();
        let replay = replays[1].clone();
        async move {
            let mut tx = db.begin().await?;
            let are_first = replay::keep(&mut tx, &[(&replay, Vec::new())]).await?;
            Ok::<_, sqlx::Error>(are_first)
        }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!other.is_finished());
    tx.commit().await?;
    assert_eq!(other.await??, [false]);
    let mut seconds = Vec::new();
    for replay in &replays[..4] {
        seconds.push(replay.known::<Timestamp>(&db).await?.ok_or("nothing is known")?.seconds);
    }
    assert_eq!(seconds, [1, 11, 12, 11]);
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn another_request_under_the_same_id_is_refused(db: PgPool) -> Result {
    sqlx::raw_sql(SCHEMA).execute(&db).await?;
    let (scope, id) = (Uuid::now_v7(), Uuid::new_v4().to_string());
    sell(&db, scope, &id, 7).await?;
    let error = sell(&db, scope, &id, 8).await.err().ok_or("sold twice")?;
    let error = error.downcast::<replay::Error>()?;
    assert_eq!(error.reason(), "REQUEST_ID_REUSED");
    assert_eq!(server::status(&*error).code(), tonic::Code::AlreadyExists);
    assert_eq!(sales(&db).await?, 1);
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn organizations_do_not_share_names(db: PgPool) -> Result {
    sqlx::raw_sql(SCHEMA).execute(&db).await?;
    let id = Uuid::new_v4().to_string();
    sell(&db, Uuid::now_v7(), &id, 7).await?;
    sell(&db, Uuid::now_v7(), &id, 8).await?;
    assert_eq!(sales(&db).await?, 2);
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn what_failed_is_tried_again(db: PgPool) -> Result {
    sqlx::raw_sql(SCHEMA).execute(&db).await?;
    let request = Timestamp { seconds: 7, nanos: 0 };
    let id = Uuid::new_v4().to_string();
    let replay = Replay::of("shop", Uuid::now_v7(), "Sell", &id, &request)?;

    let mut tx = db.begin().await?;
    let failed: Result<Timestamp> =
        replay::once(&mut tx, &replay, async |_| Err("sold out".into())).await;
    assert!(failed.is_err());
    drop(tx);

    let mut tx = db.begin().await?;
    let sold: Timestamp =
        replay::once(&mut tx, &replay, async |_| Ok::<_, Failure>(request)).await?;
    tx.commit().await?;
    assert_eq!(sold, request);
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn work_within_once_may_run_on_another_thread(db: PgPool) -> Result {
    sqlx::raw_sql(SCHEMA).execute(&db).await?;
    let sold = tokio::spawn(async move {
        let request = Timestamp { seconds: 7, nanos: 0 };
        let id = Uuid::new_v4().to_string();
        let replay = Replay::of("shop", Uuid::now_v7(), "Sell", &id, &request)?;
        let mut tx = db.begin().await?;
        let reply: Timestamp = replay::once(&mut tx, &replay, async |tx| {
            sqlx::query("insert into shop.sale default values").execute(&mut *tx).await?;
            Ok::<_, Failure>(request)
        })
        .await?;
        tx.commit().await?;
        Ok::<_, Failure>((reply, sales(&db).await?))
    })
    .await??;
    assert_eq!(sold.1, 1);
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn old_answers_are_forgotten(db: PgPool) -> Result {
    sqlx::raw_sql(SCHEMA).execute(&db).await?;
    let (scope, id) = (Uuid::now_v7(), Uuid::new_v4().to_string());
    sell(&db, scope, &id, 7).await?;
    assert_eq!(replay::forget(&db, "shop", replay::LIFE).await?, 0);
    assert_eq!(replay::forget(&db, "shop", Duration::ZERO).await?, 1);
    Ok(())
}
