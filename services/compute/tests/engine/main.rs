//! The engine through gRPC, on a real database, with providers that count what they are asked.

mod audit;
mod contract;
mod crash;
mod dag;
mod load;
mod order;
mod provider;
mod retry;
mod stage;

type Result<T = (), E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;
