//! What happened, told to everyone who asks: outbox, relay to Redis Streams, consumers.
//!
//! A service writes its events into its own outbox, in the transaction that changes the state they
//! tell of. A relay, one per schema, gives them dense positions and appends them to the Redis
//! stream `events:{source}` under the id `{position}-0`. Redis is never the only copy: whatever it
//! loses, the relay appends again under the same ids.
//!
//! Each service that publishes has these tables in a migration, under its own schema:
//!
//! ```sql
//! -- What happened, until everyone was told.
//! create table catalog.outbox (
//!     outbox_id bigint generated always as identity primary key,
//!     position bigint,
//!     event bytea not null,
//!     created_at timestamptz not null default now(),
//!
//!     constraint outbox_position_is_unique unique (position)
//! );
//! create index outbox_without_position on catalog.outbox (outbox_id) where position is null;
//!
//! -- How far each source was read; the row of the service itself is the last position it gave.
//! create table catalog.position (
//!     source text primary key,
//!     position bigint not null
//! );
//! ```
//!
//! Positions are given after the commit, not by a sequence inside it: transactions commit in another
//! order than they draw numbers, and a reader would skip the late ones.

mod config;
mod consumer;
mod draft;
mod outbox;
mod progress;
mod relay;
mod stream;

pub use config::Config;
pub use consumer::{Consumer, Handler, HandlerError};
pub use draft::Draft;
pub use outbox::Outbox;
pub use progress::Progress;
pub use relay::Relay;
pub use stream::{Error, Stream, Tail};

/// The connection that a handler works on, within its transaction.
pub type Connection = sqlx::PgConnection;
