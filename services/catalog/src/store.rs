//! The catalog's SQL, one module per noun.

pub(crate) mod guideline;
pub(crate) mod product;
pub(crate) mod shot_type;
pub(crate) mod style;
pub(crate) mod subject;

/// A transaction that somebody above began and will commit.
pub(crate) type Transaction = sqlx::PgConnection;
