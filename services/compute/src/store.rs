//! What the engine keeps, in SQL.

pub(crate) mod attempt;
pub(crate) mod cancellation;
pub(crate) mod commit;
pub(crate) mod demand;
pub(crate) mod hot;
pub(crate) mod owner;
pub(crate) mod provider;
pub(crate) mod route;
pub(crate) mod signal;
pub(crate) mod task;
pub(crate) mod task_cancellation;
pub(crate) mod workflow;

pub(crate) type Result<T, E = sqlx::Error> = std::result::Result<T, E>;
