//! Faults that strike later: in the work, in the result, in the webhook.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::play::{FLUX, Outcome, Play, small};
use crate::queue::{receiver, text};

const APPLICATION: &str = "fal-ai/flux";

fn once(operation: &str, kind: &str) -> Value {
    json!({"match": {"operation": operation, "times": 1}, "fault": {"kind": kind}})
}

fn status_path(id: &str) -> String {
    format!("/queue/{FLUX}/requests/{id}/status?logs=1")
}

#[tokio::test]
async fn a_lost_job_is_unknown() -> Outcome {
    let play = Play::start().await?;
    play.spoil(once("submit", "job_lost")).await?;
    let id = play.submit(FLUX, &small()).await?;
    assert_eq!(play.get(&status_path(&id)).await?.status, 404);
    assert_eq!(play.result(APPLICATION, &id).await?.status, 404);

    let id = play.submit(FLUX, &small()).await?;
    play.finish(APPLICATION, &id).await?;
    play.spoil(once("result", "job_lost")).await?;
    assert_eq!(play.result(APPLICATION, &id).await?.status, 404);
    assert_eq!(play.get(&status_path(&id)).await?.status, 404);
    Ok(())
}

#[tokio::test]
async fn it_fails_at_ninety_percent() -> Outcome {
    let play = Play::start().await?;
    play.spoil(once("submit", "fail_late")).await?;
    let id = play.submit(FLUX, &small()).await?;
    let status = play.finish(APPLICATION, &id).await?;
    let last = status["logs"].as_array().and_then(|it| it.last()).ok_or("no logs")?;
    assert!(text(&last["message"]).trim_start().starts_with("89%"), "{last}");
    assert_eq!(status["error_type"], "internal_server_error");
    let result = play.result(APPLICATION, &id).await?;
    assert_eq!(result.status, 500);
    assert_eq!(result.headers["x-fal-retryable"], "true");
    assert_eq!(play.charged().await?, 0);
    Ok(())
}

#[tokio::test]
async fn results_expire() -> Outcome {
    let play = Play::start().await?;
    play.spoil(once("submit", "expired_result")).await?;
    let id = play.submit(FLUX, &small()).await?;
    play.finish(APPLICATION, &id).await?;
    let output = play.result(APPLICATION, &id).await?.body;
    assert!(play.bytes(&output["images"][0]["url"]).await.is_err());

    let id = play.submit(FLUX, &small()).await?;
    play.finish(APPLICATION, &id).await?;
    play.spoil(once("result", "expired_result")).await?;
    let output = play.result(APPLICATION, &id).await?.body;
    assert!(play.bytes(&output["images"][0]["url"]).await.is_err());

    let output = play.run(FLUX, &small()).await?;
    let gone = json!({"match": {"operation": "download", "times": 1},
        "fault": {"kind": "expired_result", "status": 410}});
    play.spoil(gone).await?;
    let url = text(&output["images"][0]["url"]);
    assert_eq!(play.client.get(url).send().await?.status(), 410);
    assert_eq!(play.client.get(url).send().await?.status(), 200);
    Ok(())
}

#[tokio::test]
async fn it_never_finishes_until_it_is_cancelled() -> Outcome {
    let play = Play::start().await?;
    play.spoil(once("submit", "never_finishes")).await?;
    let id = play.submit(FLUX, &small()).await?;
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(play.get(&status_path(&id)).await?.body["status"], "IN_PROGRESS");
    assert_eq!(play.put(&format!("/queue/{FLUX}/requests/{id}/cancel")).await?.status, 202);
    assert_eq!(play.finish(APPLICATION, &id).await?["error_type"], "client_cancelled");
    Ok(())
}

#[tokio::test]
async fn work_is_slow() -> Outcome {
    let play = Play::start().await?;
    let rule = json!({"match": {"operation": "run"}, "fault": {"kind": "slow_work", "ms": 500}});
    play.spoil(rule).await?;
    let began = Instant::now();
    play.run(FLUX, &small()).await?;
    assert!(began.elapsed() >= Duration::from_millis(500));
    Ok(())
}

#[tokio::test]
async fn a_flagged_picture_is_black() -> Outcome {
    let play = Play::start().await?;
    play.spoil(once("run", "nsfw")).await?;
    let output = play.run(FLUX, &small()).await?;
    assert_eq!(output["has_nsfw_concepts"], json!([true]));
    assert!(play.picture(&output).await?.average().iter().all(|it| *it < 4));
    Ok(())
}

#[tokio::test]
async fn statuses_are_strange() -> Outcome {
    let play = Play::start().await?;
    let id = play.submit(FLUX, &small()).await?;
    play.finish(APPLICATION, &id).await?;
    play.spoil(once("status", "backwards")).await?;
    assert_eq!(play.get(&status_path(&id)).await?.body["status"], "IN_QUEUE");
    play.spoil(once("status", "unknown_status")).await?;
    assert_eq!(play.get(&status_path(&id)).await?.body["status"], "PAUSED");
    assert_eq!(play.get(&status_path(&id)).await?.body["status"], "COMPLETED");
    Ok(())
}

#[tokio::test]
async fn a_submission_is_taken_twice() -> Outcome {
    let play = Play::start().await?;
    play.spoil(once("submit", "duplicate")).await?;
    let id = play.submit(FLUX, &small()).await?;
    play.finish(APPLICATION, &id).await?;
    for _ in 0..200 {
        if play.charged().await? == 50_000 {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Err("charged once".into())
}

#[tokio::test]
async fn two_submissions_get_one_id() -> Outcome {
    let play = Play::start().await?;
    let first = play.submit(FLUX, &small()).await?;
    play.spoil(once("submit", "same_id")).await?;
    assert_eq!(play.submit(FLUX, &small()).await?, first);
    assert_ne!(play.submit(FLUX, &small()).await?, first);
    Ok(())
}

#[tokio::test]
async fn webhooks_come_twice_or_early() -> Outcome {
    let play = Play::start().await?;
    let (url, mut received) = receiver().await?;
    let query: String = url::form_urlencoded::byte_serialize(url.as_bytes()).collect();
    let path = format!("{FLUX}?fal_webhook={query}");
    play.spoil(once("submit", "duplicate_webhook")).await?;
    let id = play.submit(&path, &small()).await?;
    for _ in 0..2 {
        assert_eq!(received.recv().await.ok_or("no webhook")?["request_id"], json!(id));
    }

    play.spoil(once("submit", "early_webhook")).await?;
    let id = play.submit(&path, &small()).await?;
    let body = received.try_recv()?;
    assert_eq!(body["request_id"], json!(id));
    Ok(())
}
