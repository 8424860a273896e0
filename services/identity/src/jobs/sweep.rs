//! Forgets what is of no use any more.

use server::Shutdown;
use time::Duration;

use crate::error::Result;
use crate::{Identity, rpc, store};

const PAUSE: std::time::Duration = std::time::Duration::from_secs(60 * 60);

/// How long ended things are kept, for whoever asks what happened.
const MEMORY: Duration = Duration::days(30);

/// Sweeps once an hour until told to stop.
pub(crate) async fn run(identity: Identity, shutdown: Shutdown) {
    while shutdown.run_until_cancelled(tokio::time::sleep(PAUSE)).await.is_some() {
        match sweep(&identity).await {
            Ok(n_rows) => tracing::debug!(n_rows, "swept"),
            Err(error) => tracing::warn!(%error, "cannot sweep"),
        }
    }
}

async fn sweep(identity: &Identity) -> Result<u64> {
    let (db, then) = (&identity.db, rpc::now() - MEMORY);
    Ok(store::session::sweep(db, then).await?
        + store::invitation::sweep(db, then).await?
        + store::signing_key::sweep(db, then).await?
        + pg::replay::forget(db, rpc::SCHEMA, pg::replay::LIFE).await?)
}

#[cfg(test)]
mod tests {
    use sqlx::PgPool;

    use super::*;
    use crate::Settings;

    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn old_answers_are_forgotten(db: PgPool) -> std::result::Result<(), server::Error> {
        sqlx::raw_sql(
            "insert into identity.replay
                 (organization_id, method, request_id, fingerprint, reply, created_at)
             select gen_random_uuid(), method, gen_random_uuid(), '', '', now() - age
             from (values ('Old', interval '25 h'), ('Fresh', interval '23 h'))
                 as call (method, age)",
        )
        .execute(&db)
        .await?;
        let settings = Settings {
            key_secret: "0123456789abcdef0123456789abcdef".into(),
            signing_key_lifetime: std::time::Duration::from_secs(24 * 60 * 60),
            service_keys: "catalog=catalog-key-0123456789".into(),
            redis_url: None,
            hash_concurrency: 1,
            hash_queue: 1,
        };
        let identity = Identity::open(db.clone(), &settings).await?;
        assert_eq!(sweep(&identity).await?, 1);
        let left: Vec<String> =
            sqlx::query_scalar("select method from identity.replay").fetch_all(&db).await?;
        assert_eq!(left, ["Fresh"]);
        Ok(())
    }
}
