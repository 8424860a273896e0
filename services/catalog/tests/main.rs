//! The catalog, seen from outside.

mod guideline;
mod product;
mod shot_type;
mod stage;
mod style;
mod subject;
mod work;
