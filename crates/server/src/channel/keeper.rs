//! The task beside a channel: looks the name up again, tries the unreachable again.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::Instant;

use super::Link;
use super::endpoint::Condition;

/// How old an answer of DNS grows.
const AGE: Duration = Duration::from_secs(5);

/// How soon after a lookup the next one may be, whoever asks for it.
const LEAST_AGE: Duration = Duration::from_millis(200);

/// How often the unreachable are looked at.
const GLANCE: Duration = Duration::from_millis(100);

/// Watches over `link` for as long as somebody holds it.
pub(crate) fn watch(link: &Arc<Link>) {
    let alarm = link.picker.alarm.clone();
    let link = Arc::downgrade(link);
    tokio::spawn(async move {
        let mut due = Instant::now();
        loop {
            let Some(wake) = round(&link, &mut due).await else { return };
            tokio::select! {
                () = tokio::time::sleep_until(wake) => (),
                () = alarm.notified() => {
                    // A call could not go anywhere: what DNS said may be out of date.
                    due = due.min(Instant::now() + LEAST_AGE);
                    tokio::time::sleep_until(due.min(Instant::now() + LEAST_AGE)).await;
                }
            }
        }
    });
}

/// Does what is due and returns when to come again, or nothing when nobody holds the link.
async fn round(link: &Weak<Link>, due: &mut Instant) -> Option<Instant> {
    let link = link.upgrade()?;
    if *due <= Instant::now() {
        look_up(&link).await;
        *due = Instant::now() + AGE;
    }
    let mut wake = *due;
    for endpoint in link.picker.endpoints().iter() {
        if endpoint.condition() == Condition::Unreachable {
            wake = wake.min(Instant::now() + GLANCE);
        }
        if endpoint.begin_probe() {
            let endpoint = endpoint.clone();
            // Beside the loop, since an address that swallows packets takes its time.
            tokio::spawn(async move {
                if endpoint.connection().await.is_ok() {
                    tracing::info!(address = %endpoint.address, "reached again");
                }
            });
        }
    }
    Some(wake)
}

async fn look_up(link: &Link) {
    let picker = &link.picker;
    match picker.target().resolve().await {
        Ok(addresses) => picker.update(&addresses),
        Err(error) => {
            // The last addresses stay: DNS being down is no reason for everything to be.
            let to = picker.target();
            tracing::warn!(%error, %to, "cannot look the name up");
            picker.update(&Default::default());
        }
    }
}
