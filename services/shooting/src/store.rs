//! The SQL of shootings, one module per noun.

pub(crate) mod decision;
pub(crate) mod generation;
pub(crate) mod look;
pub(crate) mod prediction;
pub(crate) mod shooting;
pub(crate) mod shot;

/// A transaction that somebody above began and will commit.
pub(crate) type Transaction = sqlx::PgConnection;

/// Returns one value of each of `things`, as statements about many take them.
fn column<T, V>(things: &[T], value: impl Fn(&T) -> V) -> Vec<V> {
    things.iter().map(value).collect()
}
