//! How every service starts, answers, calls others, fails and stops.
//!
//! A service is a set of [`Routes`](tonic::service::Routes) that joins the mesh and serves:
//!
//! ```ignore
//! pub async fn serve(config: Config) -> Result<(), server::Error> {
//!     let mesh = Mesh::join("catalog", &config.server).await?;
//!     let media = MediaServiceClient::new(mesh.channel(&config.media_url)?);
//!     mesh.serve(Catalog::new(db, media).routes()).await
//! }
//! ```

pub mod access;
mod admission;
mod answer;
mod caller;
mod channel;
mod config;
mod deadline;
mod fault;
mod mesh;
mod method;
pub mod metric;
mod role;
mod run;
mod serve;
mod settings;
mod size;
mod span;
mod stack;
mod telemetry;
mod timestamp;
mod token;
mod trace;
mod validate;
mod visit;

pub use caller::Caller;
pub use channel::Channel;
pub use config::Config;
pub use fault::{Code, Fault, status};
pub use mesh::Mesh;
pub use role::Role;
pub use run::run;
pub use span::{Span, Trace};
pub use telemetry::Telemetry;
pub use timestamp::timestamp;
pub use token::{Authority, Issued, Keys, SigningKey};
pub use tokio_util::sync::CancellationToken as Shutdown;
pub use trace::{admit, follow};
pub use validate::{check, open, open_public};
pub use visit::{Visit, visit};

/// Why a service could not run.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// The largest message a service accepts. Bytes travel through object storage, not through gRPC.
///
/// The stack refuses larger requests with `TOO_LARGE`; tonic's own limit is four times as much.
pub const MAX_RECEIVE: usize = 1024 * 1024;

/// The largest message a service sends, which is what a client of tonic accepts.
pub const MAX_SEND: usize = 4 * 1024 * 1024;
