//! What media keeps in its tables.

pub(crate) mod attachment;
pub(crate) mod media;
pub(crate) mod upload;
pub(crate) mod workspace_file;
