//! What the catalog does after it has answered, one module per job.

pub(crate) mod attach;
pub(crate) mod forget;
