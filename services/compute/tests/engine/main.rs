//! The engine through gRPC, on a real database, with providers that count what they are asked.

mod accept;
mod audit;
mod cancel;
mod contract;
mod crash;
mod dag;
mod forget;
mod lane;
mod load;
mod order;
mod provider;
mod retry;
mod scaler;
mod stage;

type Error = Box<dyn std::error::Error + Send + Sync>;
type Result<T = (), E = Error> = std::result::Result<T, E>;
