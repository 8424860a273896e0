//! Telling the caller that it is done.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::sandbox::Sandbox;
use crate::store::request::{Outcome, Request};

/// How long to wait before each try.
const TRIES: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_millis(200),
    Duration::from_millis(800),
    Duration::from_secs(3),
];
/// How long a receiver may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Delivers the webhook of a request that has ended, as often as mischief wants.
pub(crate) fn send(sandbox: &Arc<Sandbox>, request: &Arc<Request>) {
    if request.webhook.is_none() {
        return;
    }
    for _ in 0..request.mischief.n_webhooks.max(1) {
        sandbox.tasks.spawn(deliver(sandbox.clone(), request.clone()));
    }
}

async fn deliver(sandbox: Arc<Sandbox>, request: Arc<Request>) {
    let (Some(url), Some(outcome)) = (&request.webhook, request.outcome()) else { return };
    let mut body = json!({"request_id": request.id, "gateway_request_id": request.id});
    match &*outcome {
        Outcome::Success { output, .. } => {
            body["status"] = json!("OK");
            body["payload"] = output.clone();
        }
        Outcome::Failure(refusal) => {
            body["status"] = json!("ERROR");
            body["error"] = json!(refusal.message);
            body["payload"] = json!({"detail": refusal.detail});
        }
    }
    for wait in TRIES {
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = sandbox.shutdown.cancelled() => return,
        }
        let answer = sandbox
            .client
            .post(url)
            .timeout(PATIENCE)
            .header("x-fal-webhook-request-id", &request.id)
            .json(&body)
            .send()
            .await;
        let (note, is_taken) = match answer {
            Ok(answer) => {
                (format!("status {}", answer.status().as_u16()), answer.status().is_success())
            }
            Err(_) => ("no answer".to_owned(), false),
        };
        sandbox.note("webhook", &request, Some(note));
        if is_taken {
            request.update(|it| it.webhooks_delivered += 1);
            return;
        }
    }
}
