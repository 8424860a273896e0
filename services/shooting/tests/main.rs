//! Shootings, seen from outside.

mod look;
mod review;
mod revision;
mod shooting;
mod shot;
mod stage;
mod work;
