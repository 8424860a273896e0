//! Delivery's SQL, one module per noun.

pub(crate) mod export;
pub(crate) mod item;
pub(crate) mod target;

/// A transaction that somebody above began and will commit.
pub(crate) type Transaction = sqlx::PgConnection;
