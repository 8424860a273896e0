//! What the sandbox remembers: files and requests, both bounded.

pub(crate) mod file;
pub(crate) mod request;
