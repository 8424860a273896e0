//! Breaking things, and mending them.

use serde_json::json;

use super::plan::{Fault, Kind};
use super::subscriber::Subscriber;
use crate::{House, Result, Servers};

/// Breaks what `fault` says, for as long as it says, and mends it.
pub(super) async fn strike(
    house: &mut House,
    servers: &mut Servers,
    subscriber: &Subscriber,
    fault: &Fault,
) -> Result {
    let pause = tokio::time::sleep(fault.length);
    match fault.kind {
        Kind::Kill(service) => {
            let victims = victims(service, fault.dice, true);
            for victim in &victims {
                house.kill(victim).await?;
            }
            pause.await;
            for victim in &victims {
                house.restart(victim).await?;
            }
        }
        Kind::Pause(service) => {
            let victims = victims(service, fault.dice, false);
            for victim in &victims {
                house.freeze(victim).await?;
            }
            pause.await;
            for victim in &victims {
                house.thaw(victim).await?;
            }
        }
        Kind::RedisKilled => {
            subscriber.hang_up();
            servers.kill_redis().await?;
            pause.await;
            servers.start_redis().await?;
            subscriber.come_back();
            house.is_serving().await?;
        }
        Kind::RedisFlushed => {
            // It misses something, and asks for it while the stream is yet to be filled again.
            subscriber.hang_up();
            pause.await;
            servers.flush_redis().await?;
            subscriber.come_back();
            house.is_serving().await?;
        }
        Kind::PostgresKilled => {
            servers.kill_postgres().await?;
            pause.await;
            servers.start_postgres().await?;
            house.is_serving().await?;
        }
        Kind::StoreRefuses => {
            house.refuse_writes(true);
            pause.await;
            house.refuse_writes(false);
        }
        Kind::VendorHangs
        | Kind::VendorThrottles
        | Kind::VendorLosesAnswers
        | Kind::VendorAnswersTwice => {
            for (operation, mischief) in mischief(fault) {
                house.vendor.plan_where(operation, mischief).await?;
            }
            pause.await;
            house.vendor.heal().await?;
        }
    }
    Ok(())
}

/// Which processes a fault strikes: one of two replicas or, where that is allowed, both.
fn victims(service: &'static str, dice: u64, may_be_all: bool) -> Vec<&'static str> {
    let second = match service {
        "compute" => "compute-2",
        "generation" => "generation-2",
        _ => return vec![service],
    };
    match dice % 3 {
        0 => vec![service],
        1 => vec![second],
        _ if may_be_all => vec![service, second],
        _ => vec![service],
    }
}

/// What the vendor is told to do wrong, and when.
fn mischief(fault: &Fault) -> Vec<(serde_json::Value, serde_json::Value)> {
    let half = |operation: &str| json!({ "operation": operation, "probability": 0.5, "seed": fault.dice >> 12 });
    let always = |operation: &str| json!({ "operation": operation });
    match fault.kind {
        Kind::VendorHangs => vec![
            (half("submit"), json!({ "kind": "hang" })),
            (always("status"), json!({ "kind": "hang" })),
        ],
        Kind::VendorThrottles => {
            let limited = json!({ "kind": "error", "name": "rate_limited", "retry_after": 1 });
            vec![(half("submit"), limited.clone()), (half("status"), limited)]
        }
        Kind::VendorLosesAnswers => {
            let lost = json!({ "kind": "lost_answer" });
            vec![
                (half("submit"), lost.clone()),
                (half("status"), lost.clone()),
                (half("result"), lost),
            ]
        }
        Kind::VendorAnswersTwice => vec![(half("submit"), json!({ "kind": "duplicate" }))],
        _ => Vec::new(),
    }
}
