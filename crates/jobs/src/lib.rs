//! Work that outlives a request: stored with the state it follows from, tried until it is done.
//!
//! A job is a row in the service's own schema, written in the transaction that makes it necessary.
//! A worker leases it, renews the lease while it runs, and deletes the row when it is done. A
//! worker that dies loses its lease, and another takes the job: jobs run *at least* once, so they
//! must bear being run twice. No two workers hold one job, and a worker that lost its lease can
//! neither finish nor fail it: every write carries the fence of its lease.
//!
//! # What is tried again, and for how long
//!
//! *A try that fails* (an error, a panic, too long) counts as an attempt. The next comes later and
//! later, and after [`Job::ATTEMPTS`] the job is given up.
//!
//! *A lost lease* is no attempt: the process was killed, was frozen, or could not reach its database,
//! and most likely not because of this job. It is counted apart, in a row: the first is followed by
//! the next try at once, each further one by a pause that doubles up to half an hour, and any try that
//! ends by itself, well or not, sets the count back. A job that is lost twenty times in a row, over
//! more than four hours, ends its process itself and is given up, too.
//!
//! *A try that a stop cuts short* counts as nothing.
//!
//! What is given up is told by [`Job::give_up`], so that nobody waits for it for ever, and is kept as
//! `dead` for a person. Should that fail or be lost itself, it is tried as often as the job was.
//! Periodic jobs are never given up.
//!
//! # The table
//!
//! Each service with jobs has this table in a migration, under its own schema:
//!
//! ```sql
//! -- Work to be done, and work that could not be done.
//! create table catalog.job (
//!     job_id uuid primary key,
//!     name text not null,
//!     payload jsonb not null,
//!     unique_key text,
//!     state text not null default 'ready',
//!     attempts integer not null default 0,
//!     losses integer not null default 0,
//!     fence bigint not null default 0,
//!     run_at timestamptz not null default now(),
//!     last_error text,
//!     created_at timestamptz not null default now(),
//!
//!     constraint job_state_is_known check (state in ('ready', 'running', 'dead'))
//! );
//! -- One job of a key waits; another may be running.
//! create unique index job_key_waits_once on catalog.job (name, unique_key) where state = 'ready';
//! create index job_due on catalog.job (run_at) where state <> 'dead';
//! create index job_by_key on catalog.job (name, unique_key, state) where unique_key is not null;
//! ```
//!
//! The states: `ready` until `run_at`; `running` while `run_at`, the end of the lease, is renewed,
//! and to be taken over once that has passed; `dead` when given up.
//!
//! ```ignore
//! #[derive(Deserialize, Serialize)]
//! struct Attach { product_id: Uuid }
//!
//! impl Job for Attach {
//!     const NAME: &'static str = "attach";
//!     type State = Catalog;
//!
//!     async fn run(&self, catalog: &Catalog, _: &Attempt) -> Result<(), Failure> {
//!         Ok(catalog.attach(self.product_id).await?)
//!     }
//! }
//!
//! let queue = Queue::new("catalog");
//! let worker = Worker::new(queue.clone(), db, catalog).job::<Attach>();
//! mesh.spawn("jobs", worker.run(mesh.shutdown()));
//!
//! queue.enqueue(&mut tx, &Attach { product_id }).await?;
//! tx.commit().await?;
//! queue.poke();
//! ```

mod backoff;
mod job;
mod lease;
mod queue;
mod registry;
mod worker;

pub use job::{Attempt, Failure, Job};
pub use queue::{Dead, Enqueue, Error, Queue};
pub use worker::Worker;
