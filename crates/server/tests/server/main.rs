//! What the mesh promises about calls, seen from both ends of real connections.

mod age;
mod answer;
mod channel;
mod deadline;
mod drain;
mod join;
mod raw;
mod retry;
mod stub;
mod token;

/// Whatever goes wrong in a test.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// How every test here ends.
type Result<T = (), E = Failure> = std::result::Result<T, E>;
