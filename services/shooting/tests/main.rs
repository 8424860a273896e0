//! Shootings, seen from outside.

mod look;
mod review;
mod shooting;
mod shot;
mod stage;
