//! What media does without being asked.

pub(crate) mod sweep;
