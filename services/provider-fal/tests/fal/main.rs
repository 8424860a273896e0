//! The adapter against fal as the sandbox plays it.

mod conformance;
mod fault;
mod model;
mod stub;

/// The result of a test.
type Result<T = (), E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;
