//! The SQL of shootings, one module per noun.

pub(crate) mod decision;
pub(crate) mod generation;
pub(crate) mod look;
pub(crate) mod prediction;
pub(crate) mod shooting;
pub(crate) mod shot;

/// A transaction that somebody above began and will commit.
pub(crate) type Transaction = sqlx::PgConnection;
