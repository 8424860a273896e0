//! What shootings do after they have answered, one module per job.

pub(crate) mod follow;
pub(crate) mod forget;
pub(crate) mod revision;
