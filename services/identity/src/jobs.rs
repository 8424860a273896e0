//! What identity does beside answering, one module per job.

pub(crate) mod signing_key;
pub(crate) mod sweep;
