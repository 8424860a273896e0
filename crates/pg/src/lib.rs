//! Postgres, as every service's `store` module leans on it.

mod config;
pub mod replay;

use std::time::{Duration, Instant};

use secrecy::ExposeSecret;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgPool};

pub use config::Config;
pub use types::{Page, PageToken, PageTokenError};

/// How long a starting service waits for a database that is starting too.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a connection may have been idle and is still believed in. Asking costs a round trip each
/// time, and a database that went away was not back any sooner.
const FRESH: Duration = Duration::from_secs(1);

/// How services have their statements planned.
///
/// A statement of a service is about a few rows, which it finds by their keys, in each table that it
/// joins, and it joins them by hashing. Plans are kept; one made while tables were small, or while a queue
/// was empty, would read them from end to end long after they have grown, or look at all rows of one side
/// again for each of the other. A statement may still be planned so: `tests/plans.rs` tells which.
pub const PLANNING: [(&str, &str); 4] = [
    ("enable_seqscan", "off"),
    ("enable_mergejoin", "off"),
    // But for `lateral` joins, which cannot be made otherwise.
    ("enable_nestloop", "off"),
    // Compiling a statement takes longer than any of these does, and what is forbidden above counts as
    // very costly.
    ("jit", "off"),
];

/// Connects and brings the service's own schema up to date.
///
/// Waits up to half a minute for a database that does not answer yet, and says so.
pub async fn open(config: &Config, migrator: &Migrator) -> Result<PgPool, sqlx::Error> {
    let options: PgConnectOptions = config.database_url.expose_secret().parse()?;
    let migrations = PgPoolOptions::new().max_connections(1).acquire_timeout(PATIENCE);
    // Migrations may take longer than any statement of a request should.
    let migrations = connected(migrations, options.clone()).await?;
    migrator.run(&migrations).await?;
    migrations.close().await;

    let options = options.options(PLANNING).options([
        ("statement_timeout", millis(config.statement_timeout)),
        // A transaction that waits for anything but Postgres holds locks for nothing.
        ("idle_in_transaction_session_timeout", millis(2 * config.statement_timeout)),
    ]);
    let pool = PgPoolOptions::new()
        .max_connections(config.database_connections)
        .acquire_timeout(config.acquire_timeout)
        .test_before_acquire(false)
        .before_acquire(|connection, about| {
            Box::pin(async move {
                if FRESH < about.idle_for {
                    connection.ping().await?;
                }
                Ok(true)
            })
        });
    let pool = connected(pool, options).await?;
    let seen = pool.clone();
    server::metric::at_scrape(move || {
        let (idle, all) = (seen.num_idle(), seen.size() as usize);
        let count = |state| metrics::gauge!("db_client_connection_count", "state" => state);
        count("idle").set(idle as f64);
        count("used").set(all.saturating_sub(idle) as f64);
    });
    Ok(pool)
}

/// Returns one value of each of `rows`, as statements about many take them.
pub fn column<R, T>(rows: &[R], value: impl Fn(&R) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}

/// Names the constraint that `error` broke.
pub fn broken_constraint(error: &sqlx::Error) -> Option<&str> {
    error.as_database_error()?.constraint()
}

/// Tells whether trying the same transaction again may well succeed: it lost a race, or the
/// connection under it went away before it committed.
pub fn is_transient(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            // Serialization failure, deadlock, the server going down or coming up.
            matches!(code.as_ref(), "40001" | "40P01" | "57P01" | "57P02" | "57P03")
        }),
        _ => false,
    }
}

async fn connected(pool: PgPoolOptions, to: PgConnectOptions) -> Result<PgPool, sqlx::Error> {
    let (host, database) = (to.get_host().to_owned(), to.get_database().map(str::to_owned));
    let started = Instant::now();
    let mut pause = Duration::from_millis(100);
    loop {
        let error = match pool.clone().connect_with(to.clone()).await {
            Ok(pool) => return Ok(pool),
            Err(error) => error,
        };
        if !is_transient(&error) || PATIENCE < started.elapsed() {
            return Err(error);
        }
        tracing::warn!(db.host = host, db.name = database, %error, "waiting for the database");
        tokio::time::sleep(pause).await;
        pause = (2 * pause).min(Duration::from_secs(2));
    }
}

fn millis(duration: Duration) -> String {
    duration.as_millis().to_string()
}
