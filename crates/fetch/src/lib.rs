//! The one HTTP client: for vendors, and for URLs that somebody else wrote.
//!
//! Every request passes the same checks: scheme, host, and the address *after* resolution, which
//! is then the address that is dialled. Redirects are followed here, hop by hop, each checked
//! like a first request. Sizes, times and content types are limited while the bytes arrive.
//!
//! An [`Error`] says whether the request may have left the machine ([`Error::is_unsent`]):
//! a vendor must not be asked twice for what it may already be working on.

mod address;
mod client;
mod error;
mod event;
mod policy;
mod request;
mod resolve;
mod response;
mod tls;
mod upload;

pub use crate::{
    address::is_public,
    client::Client,
    error::{Error, Refusal, Result},
    event::{Event, Events},
    policy::Policy,
    request::Request,
    resolve::{Lookup, SystemLookup},
    response::{Download, Incoming, Response},
};
