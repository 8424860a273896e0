//! What generation does without being asked.

mod cancel;
mod collect;
mod follow;
mod forget;
mod progress;
mod settle;
mod submit;

pub(crate) use cancel::Cancel;
pub(crate) use collect::Collect;
pub(crate) use follow::Follow;
pub(crate) use forget::Forget;
pub(crate) use progress::progress;
pub(crate) use settle::settle;
pub(crate) use submit::{Submit, submit};
