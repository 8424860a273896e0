//! A pool as services get it.

use std::error::Error;
use std::time::{Duration, Instant};

use pg::Config;
use sqlx::migrate::Migrator;
use sqlx::{ConnectOptions, PgPool};

type Result<T = (), E = Box<dyn Error>> = std::result::Result<T, E>;

async fn reopened(db: &PgPool, change: impl FnOnce(&mut Config)) -> Result<PgPool> {
    let mut config = Config::new(db.connect_options().to_url_lossy().to_string());
    config.database_connections = 2;
    change(&mut config);
    let none = tempfile::tempdir()?;
    Ok(pg::open(&config, &Migrator::new(none.path()).await?).await?)
}

#[sqlx::test(migrations = false)]
async fn no_statement_runs_for_ever(db: PgPool) -> Result {
    let db = reopened(&db, |it| it.statement_timeout = Duration::from_millis(200)).await?;
    let error = sqlx::query("select pg_sleep(30)").execute(&db).await.err().ok_or("it slept")?;
    let code = error.as_database_error().and_then(|it| it.code());
    assert_eq!(code.as_deref(), Some("57014"));
    // The connection is as good as before.
    sqlx::query("select 1").execute(&db).await?;
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn nobody_waits_for_a_connection_for_ever(db: PgPool) -> Result {
    let db = reopened(&db, |it| it.acquire_timeout = Duration::from_millis(200)).await?;
    let _held = (db.acquire().await?, db.acquire().await?);
    let started = Instant::now();
    let error = db.acquire().await.err().ok_or("a third connection")?;
    assert!(pg::is_transient(&error), "{error}");
    assert!(started.elapsed() < Duration::from_secs(2));
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn broken_constraints_have_names(db: PgPool) -> Result {
    sqlx::raw_sql("create table item (name text constraint item_name_is_unique unique)")
        .execute(&db)
        .await?;
    let insert = || sqlx::query("insert into item values ('tote')").execute(&db);
    insert().await?;
    let error = insert().await.err().ok_or("inserted twice")?;
    assert_eq!(pg::broken_constraint(&error), Some("item_name_is_unique"));
    assert!(!pg::is_transient(&error));
    Ok(())
}

#[tokio::test]
async fn what_is_no_address_is_not_waited_for() -> Result {
    let config = Config::new("not a url");
    let none = tempfile::tempdir()?;
    let started = Instant::now();
    assert!(pg::open(&config, &Migrator::new(none.path()).await?).await.is_err());
    assert!(started.elapsed() < Duration::from_secs(10));
    Ok(())
}
