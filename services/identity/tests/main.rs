//! Identity, seen from outside.

mod member;
mod organization;
mod session;
mod sign_in;
mod signing_key;
mod stage;
mod token;
mod user;
