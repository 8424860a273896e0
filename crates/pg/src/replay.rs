//! Mutations that happen once, however often they are asked for.
//!
//! A caller names each mutation by a `request_id`. The first answer is kept beside the state it
//! tells of, in the same transaction; who asks again gets that answer again.
//!
//! Each service has this table in its first migration, under its own schema:
//!
//! ```sql
//! -- The first answers to mutations, for callers who ask again.
//! create table catalog.replay (
//!     organization_id uuid not null,
//!     method text not null,
//!     request_id uuid not null,
//!     fingerprint bytea not null,
//!     reply bytea not null,
//!     created_at timestamptz not null default now(),
//!     primary key (organization_id, method, request_id)
//! );
//! create index replay_created_at on catalog.replay (created_at);
//! ```
//!
//! A handler opens a transaction, asks for an earlier answer, does its work, keeps its answer:
//!
//! ```ignore
//! let mut tx = catalog.db.begin().await?;
//! let replay = Replay::of("catalog", organization, "CreateProduct", &request.request_id, &request)?;
//! if let Some(reply) = replay.find(&mut tx).await? {
//!     return Ok(reply);
//! }
//! let reply = pb::CreateProductResponse { … };
//! replay.store(&mut tx, &reply).await?;
//! tx.commit().await?;
//! ```
//!
//! or lets [`once`] do the same around its work. Where many are answered in one transaction, [`keep`]
//! says which of them are new.

mod error;

use std::time::Duration;

use prost::Message;
use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, PgConnection, PgExecutor};
use uuid::Uuid;

pub use error::Error;

/// How long answers are worth keeping: longer than any caller retries.
pub const LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// One mutation, as its caller named it.
#[derive(Clone, Debug)]
pub struct Replay {
    schema: &'static str,
    scope: Uuid,
    method: &'static str,
    // None where the caller did not care for a name: then nothing is found and nothing is kept.
    request_id: Option<Uuid>,
    fingerprint: [u8; 32],
}

impl Replay {
    /// Names `request` to `method`, asked for within `scope` (an organization, or a user where no
    /// organization exists yet).
    pub fn of(
        schema: &'static str,
        scope: impl Into<Uuid>,
        method: &'static str,
        request_id: &str,
        request: &impl Message,
    ) -> Result<Self, Error> {
        let request_id = match request_id {
            "" => None,
            text => Some(text.parse().map_err(|_| Error::MalformedId(text.to_owned()))?),
        };
        let fingerprint = Sha256::digest(request.encode_to_vec()).into();
        Ok(Self { schema, scope: scope.into(), method, request_id, fingerprint })
    }

    /// Returns the answer that was given before.
    ///
    /// Waits for an equal request that is being answered right now: until the transaction ends,
    /// nobody else gets past this line for the same request.
    pub async fn find<R: Message + Default>(
        &self,
        tx: &mut PgConnection,
    ) -> Result<Option<R>, Error> {
        let Some(request_id) = self.request_id else { return Ok(None) };
        sqlx::query("select pg_advisory_xact_lock(hashtextextended($1, 0))")
            .bind(format!("{} {} {} {request_id}", self.schema, self.scope, self.method))
            .execute(&mut *tx)
            .await?;
        self.known(tx).await
    }

    /// Returns the answer that was given before, without waiting for one that is on its way: for
    /// looking before work whose transaction asks again.
    pub async fn known<R: Message + Default>(
        &self,
        db: impl PgExecutor<'_>,
    ) -> Result<Option<R>, Error> {
        let Some(request_id) = self.request_id else { return Ok(None) };
        // Safe: the schema is a literal of the service.
        let sql = AssertSqlSafe(format!(
            "select fingerprint, reply from {}.replay
             where organization_id = $1 and method = $2 and request_id = $3",
            self.schema
        ));
        let row: Option<(Vec<u8>, Vec<u8>)> = sqlx::query_as(sql)
            .bind(self.scope)
            .bind(self.method)
            .bind(request_id)
            .fetch_optional(db)
            .await?;
        let Some((fingerprint, reply)) = row else { return Ok(None) };
        if fingerprint != self.fingerprint {
            return Err(Error::RequestIdReused(request_id));
        }
        Ok(Some(R::decode(reply.as_slice())?))
    }

    /// Keeps `reply` for callers who ask again.
    pub async fn store(&self, tx: &mut PgConnection, reply: &impl Message) -> Result<(), Error> {
        let Some(request_id) = self.request_id else { return Ok(()) };
        let sql = AssertSqlSafe(format!(
            "insert into {}.replay (organization_id, method, request_id, fingerprint, reply)
             values ($1, $2, $3, $4, $5)",
            self.schema
        ));
        sqlx::query(sql)
            .bind(self.scope)
            .bind(self.method)
            .bind(request_id)
            .bind(self.fingerprint.as_slice())
            .bind(reply.encode_to_vec())
            .execute(tx)
            .await?;
        Ok(())
    }
}

/// Keeps the encoded replies to requests of one service, and says of each whether it is the first: the
/// others were answered before, or are equal to one before them.
///
/// Waits for equal requests that are being answered right now.
pub async fn keep(
    tx: &mut PgConnection,
    replies: &[(&Replay, Vec<u8>)],
) -> Result<Vec<bool>, sqlx::Error> {
    // Who did not care for a name is always the first.
    let mut are_first: Vec<bool> = replies.iter().map(|it| it.0.request_id.is_none()).collect();
    let named: Vec<(i64, &Replay, Uuid, &[u8])> = replies
        .iter()
        .zip(0..)
        .filter_map(|((it, reply), nth)| Some((nth, *it, it.request_id?, reply.as_slice())))
        .collect();
    let Some((_, Replay { schema, .. }, ..)) = named.first() else { return Ok(are_first) };
    // Always in the same order, as whoever may wait for several must.
    let sql = AssertSqlSafe(format!(
        "with given as (
             select * from unnest($1::uuid[], $2::text[], $3::uuid[], $4::bytea[], $5::bytea[],
                 $6::bigint[])
                 as it (organization_id, method, request_id, fingerprint, reply, nth)
         ), kept as (
             insert into {schema}.replay (organization_id, method, request_id, fingerprint, reply)
             select organization_id, method, request_id, fingerprint, reply
             from given order by organization_id, method, request_id, nth
             on conflict do nothing
             returning organization_id, method, request_id
         )
         select min(nth) from given join kept using (organization_id, method, request_id)
         group by organization_id, method, request_id"
    ));
    let kept: Vec<i64> = sqlx::query_scalar(sql)
        .bind(named.iter().map(|it| it.1.scope).collect::<Vec<_>>())
        .bind(named.iter().map(|it| it.1.method).collect::<Vec<_>>())
        .bind(named.iter().map(|it| it.2).collect::<Vec<_>>())
        .bind(named.iter().map(|it| it.1.fingerprint.to_vec()).collect::<Vec<_>>())
        .bind(named.iter().map(|it| it.3).collect::<Vec<_>>())
        .bind(named.iter().map(|it| it.0).collect::<Vec<_>>())
        .fetch_all(tx)
        .await?;
    for nth in kept {
        are_first[usize::try_from(nth).expect("it was counted from nought")] = true;
    }
    Ok(are_first)
}

/// Returns the answer that was given to `replay` before, or does `work` and keeps its answer.
///
/// ```ignore
/// let mut tx = catalog.db.begin().await?;
/// let reply = replay::once(&mut tx, &replay, async |tx| create(tx, &request).await).await?;
/// tx.commit().await?;
/// ```
pub async fn once<R, E>(
    tx: &mut PgConnection,
    replay: &Replay,
    work: impl AsyncFnOnce(&mut PgConnection) -> Result<R, E>,
) -> Result<R, E>
where
    R: Message + Default,
    E: From<Error>,
{
    if let Some(reply) = replay.find(tx).await? {
        return Ok(reply);
    }
    let reply = work(&mut *tx).await?;
    replay.store(tx, &reply).await?;
    Ok(reply)
}

/// Forgets the answers of `schema` that are older than `age`, and says how many those were.
pub async fn forget(
    db: impl PgExecutor<'_>,
    schema: &'static str,
    age: Duration,
) -> Result<u64, sqlx::Error> {
    let sql = AssertSqlSafe(format!(
        "delete from {schema}.replay where created_at < now() - make_interval(secs => $1)"
    ));
    let done = sqlx::query(sql).bind(age.as_secs_f64()).execute(db).await?;
    Ok(done.rows_affected())
}
