//! Delivery, seen from outside.

mod bucket;
mod gate;
mod stage;
mod studio;
mod target;
mod zip;
