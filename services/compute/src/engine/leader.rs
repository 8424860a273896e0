//! Leading: one process owns the queue, the others stand by.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Engine;
use super::owner::{Owner, Trouble};
use super::runner::Input;
use crate::store::{owner, signal};

/// How often what was told is forgotten that every owner has read.
const FORGET: Duration = Duration::from_secs(600);

impl Engine {
    /// Leads whenever nobody else does, until told to stop.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        let lease = self.settings.lease;
        loop {
            match owner::take(&self.db, self.holder, lease).await {
                Ok(Some(epoch)) => self.lead(epoch, &shutdown).await,
                Ok(None) => (),
                Err(error) => tracing::warn!(%error, "the lease cannot be asked for"),
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(lease / 4) => (),
            }
        }
    }

    async fn lead(&self, epoch: i64, shutdown: &CancellationToken) {
        // Before the owner loads: what is told later is heard, what was told before is loaded.
        let horizon = match signal::horizon(&self.db).await {
            Ok(horizon) => horizon,
            Err(error) => return tracing::warn!(%error, "signals cannot be read"),
        };
        tracing::info!(epoch, "leading");
        let mut received = self.received.lock().await;
        // What was meant for a former owner is in the store.
        while received.try_recv().is_ok() {}
        self.is_owner.store(true, Ordering::Release);
        let mut owner = Owner::new(self.clone(), epoch);
        let ended = tokio::select! {
            ended = owner.run(&mut received, shutdown) => ended,
            trouble = self.keep(epoch, horizon) => Err(trouble),
            never = self.demands.tell(&self.db, epoch, &self.wakes) => match never {},
        };
        self.is_owner.store(false, Ordering::Release);
        // Aborts the runners: what they follow is resumed by the next owner.
        drop(owner);
        match ended {
            Ok(()) => {
                if let Err(error) = owner::release(&self.db, epoch).await {
                    tracing::warn!(%error, "the lease cannot be given back");
                }
                tracing::info!(epoch, "not leading any more");
            }
            Err(trouble) => tracing::warn!(epoch, %trouble, "not leading any more"),
        }
    }

    /// Prolongs the lease and reads what other processes tell, until another owner has taken over.
    ///
    /// Not being able to ask is no reason to stop: every write is fenced, so an owner that was
    /// replaced finds out before it does harm.
    async fn keep(&self, epoch: i64, mut horizon: i64) -> Trouble {
        // Whoever leads anew begins by clearing away.
        let mut forgotten = None;
        let mut beat = tokio::time::interval(self.settings.lease / 3);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let lease = tokio::select! {
                _ = beat.tick() => Some(self.settings.lease),
                () = self.poke.notified() => None,
            };
            let news = match signal::listen(&self.db, epoch, lease, horizon).await {
                Ok(news) if news.is_owner => news,
                Ok(_) => return Trouble::Deposed,
                Err(error) => {
                    tracing::warn!(%error, "signals cannot be read, nor the lease prolonged");
                    continue;
                }
            };
            horizon = news.horizon;
            if !news.signals.is_empty() {
                let _ = self.inputs.send(Input::Told(news.signals)).await;
            }
            if forgotten.is_none_or(|it: Instant| FORGET <= it.elapsed()) {
                forgotten = Some(Instant::now());
                if let Err(error) = self.forget(horizon).await {
                    tracing::warn!(%error, "what was told cannot be forgotten");
                }
            }
        }
    }

    /// Forgets what every owner has read, and the answers that nobody asks for again.
    async fn forget(&self, horizon: i64) -> Result<(), sqlx::Error> {
        signal::forget(&self.db, horizon).await?;
        pg::replay::forget(&self.db, "compute", pg::replay::LIFE).await?;
        Ok(())
    }
}
