//! Pictures and short films as values: sniff, decode, measure, resize, compare, draw, encode.
//!
//! Pure functions on bytes; no IO, no clock, no tasks. Everything here is bound by the processor, so
//! callers on an async runtime run it on a blocking thread.
//!
//! The crate is compiled with optimisation even in development builds, because generic pixel code
//! takes the level of the crate that instantiates it. It is a leaf and should be edited seldom.

mod compare;
pub mod decode;
pub mod draw;
mod encode;
mod error;
mod key;
mod kind;
mod picture;
mod resize;
pub mod video;

pub use compare::{Found, colour_similarity, difference, locate};
pub use decode::{Facts, Limits, decode, inspect};
pub use error::{Error, Result};
pub use key::Cutout;
pub use kind::{Kind, sniff};
pub use picture::Picture;
pub use resize::{Fit, Window};
