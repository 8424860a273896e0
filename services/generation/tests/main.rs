//! Generations, seen from outside.

mod cancel;
mod follow;
mod list;
mod prediction;
mod quote;
mod revision;
mod stage;
mod start;
mod stop;
mod submit;
mod watch;
mod work;
