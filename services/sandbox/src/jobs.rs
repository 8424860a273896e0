//! Work that outlives the call that asked for it.

pub(crate) mod reference;
pub(crate) mod sweep;
pub(crate) mod webhook;
pub(crate) mod work;
