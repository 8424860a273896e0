//! The engine: one owner dispatches the tasks of all workflows; every process can be the owner.

mod acceptor;
mod batch;
mod bind;
mod cancel;
mod claim;
mod demand;
mod end;
pub(crate) mod flow;
mod leader;
mod load;
mod metric;
mod outcome;
mod owner;
pub(crate) mod payload;
mod progress;
mod providers;
mod runner;
mod stop;
mod wake;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use events::{Outbox, Progress};
use sqlx::PgPool;
use tokio::sync::{Notify, mpsc};
use uuid::Uuid;

pub(crate) use acceptor::Acceptor;
pub(crate) use outcome::failure as failure_of;
pub(crate) use providers::{Providers, capability_of, parse as parse_providers, price_of, size_of};
pub(crate) use wake::Wakes;

use crate::Settings;
use crate::route::LaneName;
use crate::store::cancellation;
use crate::store::signal::Signal;
use demand::Demands;
use runner::Input;

/// How long after its wake time a task is looked at that nobody woke.
pub(crate) const SAFETY: Duration = Duration::from_secs(3600);

/// The engine of one process.
#[derive(Clone)]
pub(crate) struct Engine(Arc<Inner>);

pub(crate) struct Inner {
    /// Names this process among those that may be the owner.
    holder: Uuid,
    pub(crate) db: PgPool,
    outbox: Outbox,
    progress: Progress,
    pub(crate) providers: Providers,
    settings: Settings,
    wakes: Wakes,
    /// Asks this process to read what was told.
    poke: Notify,
    is_owner: AtomicBool,
    inputs: mpsc::Sender<Input>,
    /// Held by whoever leads in this process.
    received: tokio::sync::Mutex<mpsc::Receiver<Input>>,
    /// How many runs each lane has and whether it rests, for those who ask.
    board: Mutex<HashMap<LaneName, (usize, bool)>>,
    /// How much providers are wanted, for those who ask at any process.
    pub(crate) demands: Demands,
}

impl std::ops::Deref for Engine {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("holder", &self.holder).finish_non_exhaustive()
    }
}

impl Engine {
    pub(crate) fn new(
        db: PgPool,
        outbox: Outbox,
        progress: Progress,
        providers: Providers,
        wakes: Wakes,
        settings: Settings,
    ) -> Self {
        let (inputs, received) = mpsc::channel(4096);
        Self(Arc::new(Inner {
            holder: Uuid::new_v4(),
            db,
            outbox,
            progress,
            providers,
            settings,
            wakes,
            poke: Notify::new(),
            is_owner: AtomicBool::new(false),
            inputs,
            received: tokio::sync::Mutex::new(received),
            board: Mutex::default(),
            demands: Demands::default(),
        }))
    }

    /// Wakes the owner, which is here or elsewhere, after something was committed for it.
    pub(crate) fn tell(&self, signals: Vec<Signal>) {
        if self.is_owner.load(Ordering::Acquire) {
            // A full queue loses nothing: the owner reads what was told from the database, too.
            let _ = self.inputs.try_send(Input::Told(signals));
        } else {
            self.wakes.send();
        }
    }

    /// Makes the owner, if it is here, read what was told at once.
    pub(crate) fn poke(&self) {
        self.poke.notify_one();
    }

    /// Returns how many runs `lane` has and whether it rests, as far as this process knows.
    pub(crate) fn lane(&self, lane: &LaneName) -> (usize, bool) {
        let board = self.board.lock().expect("no holder panics");
        board.get(lane).copied().unwrap_or_default()
    }
}

/// Where the money goes that was reserved for an attempt that was cancelled.
fn ended_by(result: api::sartiq::provider::v1::cancel_response::Result) -> cancellation::End {
    use api::sartiq::provider::v1::cancel_response::Result;
    match result {
        Result::Done => cancellation::End::Released,
        // The provider may have billed what it did until then; nothing better is known.
        Result::Requested | Result::TooLate | Result::NotSupported | Result::Unspecified => {
            cancellation::End::Billable
        }
        Result::UnknownRun => cancellation::End::Released,
    }
}
