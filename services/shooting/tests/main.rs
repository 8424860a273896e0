//! Shootings, seen from outside.

mod batch;
mod batch_undo;
mod look;
mod review;
mod revision;
mod shooting;
mod shot;
mod stage;
mod work;
