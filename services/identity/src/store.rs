//! Identity's SQL, one module per table, and its counters in Redis.

pub(crate) mod attempt;
pub(crate) mod invitation;
pub(crate) mod membership;
pub(crate) mod organization;
pub(crate) mod session;
pub(crate) mod signing_key;
pub(crate) mod user;

use server::Role;

use crate::error::{Error, Result};

/// What a transaction lends to functions that need several statements.
pub(crate) type Connection = sqlx::PgConnection;

fn role(text: &str) -> Result<Role> {
    text.parse().map_err(|_| Error::Stored(format!("role `{text}`")))
}

#[cfg(test)]
mod tests;
