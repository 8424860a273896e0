//! What delivery does without being asked.

mod bucket;
mod deliver;
mod forget;
mod picture;
mod settle;
mod teller;
mod zip;

pub(crate) use deliver::Deliver;
pub(crate) use forget::Forget;
