//! The gateway, seen from outside.

mod door;
mod events;
mod files;
mod limit;
mod upstream;
mod web;
