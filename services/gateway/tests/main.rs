//! The gateway, seen from outside.

mod door;
mod events;
mod upstream;
