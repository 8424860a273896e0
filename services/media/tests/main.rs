//! Media, seen from outside: through gRPC, on a real database and a real object store.

mod attachment;
mod library;
mod refusal;
mod setting;
mod stage;
mod sweep;
mod upload;
mod workspace;
