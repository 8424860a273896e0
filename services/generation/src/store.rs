//! The SQL of generation, one module per table.

pub(crate) mod generation;
pub(crate) mod prediction;
