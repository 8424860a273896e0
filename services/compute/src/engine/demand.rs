//! Telling how much providers are wanted: from the owner's memory to whoever asks any process.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use tokio::sync::watch;

use super::Wakes;
use crate::demand::Demand;
use crate::store;

/// How long what changes is gathered after something was told: an idle engine tells at once, and a
/// busy one a few times in a second.
const PACE: Duration = Duration::from_millis(200);

type Counts = Arc<BTreeMap<Arc<str>, Demand>>;

/// How much providers are wanted, and when that changes.
#[derive(Debug, Default)]
pub(crate) struct Demands {
    /// What the owner counted, where this process is it.
    counted: watch::Sender<Counts>,
    /// Moves when the store has other numbers.
    told: watch::Sender<()>,
}

impl Demands {
    /// Notes what the owner counted.
    pub(super) fn count(&self, counts: BTreeMap<Arc<str>, Demand>) {
        self.counted.send_if_modified(|it| {
            let is_new = **it != counts;
            if is_new {
                *it = Arc::new(counts);
            }
            is_new
        });
    }

    /// Notes that the store has other numbers.
    pub(crate) fn changed(&self) {
        self.told.send_replace(());
    }

    /// Returns what moves when the store has other numbers.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.told.subscribe()
    }

    /// Writes what the owner of `epoch` counts, and tells all processes, for as long as it leads.
    pub(super) async fn tell(&self, db: &PgPool, epoch: i64, wakes: &Wakes) -> Infallible {
        let mut counted = self.counted.subscribe();
        // What a former leadership of this process counted says nothing.
        self.counted.send_replace(Counts::default());
        let mut known = Counts::default();
        loop {
            let Ok(counts) = counted.wait_for(|it| *it != known).await.map(|it| it.clone()) else {
                // The sender is this very value, which does not end before this does.
                std::future::pending::<()>().await;
                continue;
            };
            let rows: Vec<_> = counts.iter().map(|(it, n)| (it.to_string(), *n)).collect();
            if let Err(error) = store::demand::write(db, epoch, &rows).await {
                tracing::warn!(%error, "demand cannot be written");
                tokio::time::sleep(5 * PACE).await;
                continue;
            }
            self.changed();
            wakes.tell_demand();
            known = counts;
            // Nothing is as urgent as the first task of a provider that nobody wanted.
            tokio::select! {
                () = tokio::time::sleep(PACE) => (),
                _ = counted.wait_for(|it| wants_more(&known, it)) => (),
            }
        }
    }
}

/// Tells whether somebody is wanted now who was not.
fn wants_more(before: &Counts, now: &Counts) -> bool {
    let was_wanted = |name| before.get(name).is_some_and(|it| it.is_any());
    now.iter().any(|(name, demand)| demand.is_any() && !was_wanted(name))
}
