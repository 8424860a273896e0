//! Faults that spoil an answer.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::play::{FLUX, Outcome, Play, small};

fn on(operation: &str, fault: Value) -> Value {
    json!({"match": {"operation": operation, "times": 1}, "fault": fault})
}

async fn submit_briefly(play: &Play) -> Result<reqwest::Response, reqwest::Error> {
    let request = play.client.post(play.url(&format!("/queue/{FLUX}"))).json(&small());
    request.timeout(Duration::from_millis(400)).send().await
}

#[tokio::test]
async fn errors_are_answered_by_name_and_nothing_is_done() -> Outcome {
    let play = Play::start().await?;
    for (name, status) in [
        ("unauthorized", 401),
        ("payment_required", 402),
        ("balance", 403),
        ("content_policy_violation", 422),
        ("rate_limited", 429),
        ("internal_server_error", 500),
        ("runner_incomplete_response", 502),
        ("runner_scheduling_failure", 503),
        ("startup_timeout", 504),
    ] {
        play.spoil(on("submit", json!({"kind": "error", "name": name}))).await?;
        let answer = play.post(&format!("/queue/{FLUX}"), &small()).await?;
        assert_eq!(answer.status, status, "{name}");
        assert!(!answer.body["detail"].is_null(), "{name}");
    }
    assert!(!play.kinds().await?.contains(&"submitted".to_owned()));
    assert_eq!(play.post(&format!("/queue/{FLUX}"), &small()).await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn errors_can_be_made_to_measure() -> Outcome {
    let play = Play::start().await?;
    let fault = json!({"kind": "error", "name": "rate_limited", "retry_after": 3});
    play.spoil(on("submit", fault)).await?;
    let answer = play.post(&format!("/queue/{FLUX}"), &small()).await?;
    assert_eq!(answer.headers["retry-after"], "3");

    let fault = json!({"kind": "error", "status": 418, "detail": "no", "error_type": "teapot",
        "retryable": true});
    play.spoil(on("submit", fault)).await?;
    let answer = play.post(&format!("/queue/{FLUX}"), &small()).await?;
    assert_eq!(answer.status, 418);
    assert_eq!(answer.body, json!({"detail": "no", "message": "no", "error_type": "teapot"}));
    assert_eq!(answer.headers["x-fal-retryable"], "true");
    assert!(!answer.headers.contains_key("retry-after"));
    Ok(())
}

#[tokio::test]
async fn latency_delays() -> Outcome {
    let play = Play::start().await?;
    play.spoil(on("submit", json!({"kind": "latency", "ms": 300}))).await?;
    let began = Instant::now();
    play.submit(FLUX, &small()).await?;
    assert!(began.elapsed() >= Duration::from_millis(300));
    Ok(())
}

#[tokio::test]
async fn a_hang_does_nothing() -> Outcome {
    let play = Play::start().await?;
    play.spoil(on("submit", json!({"kind": "hang"}))).await?;
    assert!(submit_briefly(&play).await.is_err_and(|it| it.is_timeout()));
    assert_eq!(play.kinds().await?, ["fault"]);
    Ok(())
}

#[tokio::test]
async fn a_hang_after_acceptance_does_everything() -> Outcome {
    let play = Play::start().await?;
    play.spoil(on("submit", json!({"kind": "hang_after_accept"}))).await?;
    assert!(submit_briefly(&play).await.is_err_and(|it| it.is_timeout()));
    until_charged(&play, 25_000).await
}

#[tokio::test]
async fn a_hanging_run_is_done_and_charged() -> Outcome {
    let play = Play::start().await?;
    play.spoil(on("run", json!({"kind": "hang_after_accept"}))).await?;
    let request = play.client.post(play.url(&format!("/run/{FLUX}"))).json(&small());
    assert!(request.timeout(Duration::from_millis(100)).send().await.is_err());
    until_charged(&play, 25_000).await
}

#[tokio::test]
async fn a_lost_answer_is_charged_and_the_connection_cut() -> Outcome {
    let play = Play::start().await?;
    play.spoil(on("submit", json!({"kind": "lost_answer"}))).await?;
    let error = submit_briefly(&play).await.err().ok_or("an answer came")?;
    assert!(!error.is_timeout() && error.status().is_none(), "{error:?}");
    // Whoever repeats pays twice, and the book says so.
    play.submit(FLUX, &small()).await?;
    until_charged(&play, 50_000).await?;
    let totals = play.get("/control/ledger").await?.body["totals"].clone();
    assert_eq!(totals["repeated_inputs"], 1);
    Ok(())
}

#[tokio::test]
async fn a_body_is_cut_in_the_middle() -> Outcome {
    let play = Play::start().await?;
    let output = play.run(FLUX, &small()).await?;
    play.spoil(on("download", json!({"kind": "cut"}))).await?;
    let url = output["images"][0]["url"].as_str().ok_or("no url")?;
    let answer = play.client.get(url).send().await?;
    assert_eq!(answer.status(), 200);
    assert!(answer.content_length().is_some_and(|it| it > 0));
    assert!(answer.bytes().await.is_err());
    assert!(play.bytes(&json!(url)).await.is_ok());
    Ok(())
}

#[tokio::test]
async fn bodies_turn_into_nonsense() -> Outcome {
    let play = Play::start().await?;
    play.spoil(on("submit", json!({"kind": "invalid_json"}))).await?;
    let answer = play.post(&format!("/queue/{FLUX}"), &small()).await?;
    assert_eq!((answer.status, answer.body), (200, Value::Null));
    assert_eq!(answer.headers["content-type"], "application/json");

    play.spoil(on("submit", json!({"kind": "html", "status": 503}))).await?;
    let request = play.client.post(play.url(&format!("/queue/{FLUX}"))).json(&small());
    let answer = request.send().await?;
    assert_eq!(answer.status(), 503);
    assert!(!answer.headers().contains_key("x-fal-request-id"));
    assert!(answer.text().await?.contains("nginx"));

    let output = play.run(FLUX, &small()).await?;
    play.spoil(on("download", json!({"kind": "wrong_type"}))).await?;
    let url = output["images"][0]["url"].as_str().ok_or("no url")?;
    let answer = play.client.get(url).send().await?;
    assert_eq!(answer.headers()["content-type"], "text/html");
    Ok(())
}

#[tokio::test]
async fn a_body_trickles() -> Outcome {
    let play = Play::start().await?;
    let output = play.run(FLUX, &small()).await?;
    play.spoil(on("download", json!({"kind": "slow", "ms": 400}))).await?;
    let began = Instant::now();
    let bytes = play.bytes(&output["images"][0]["url"]).await?;
    assert!(began.elapsed() >= Duration::from_millis(350));
    assert_eq!(pixels::sniff(&bytes), Some(pixels::Kind::Jpeg));
    Ok(())
}

#[tokio::test]
async fn rules_are_seen_counted_and_removed() -> Outcome {
    let play = Play::start().await?;
    let rule = json!({"match": {"endpoint": "fal-ai/flux/*", "operation": "submit", "nth": 2},
        "fault": {"kind": "error", "status": 500}});
    play.spoil(rule).await?;
    for expected in [200, 500, 200] {
        assert_eq!(play.post(&format!("/queue/{FLUX}"), &small()).await?.status, expected);
    }
    let rules = play.get("/control/faults").await?.body;
    assert_eq!(
        (&rules["rules"][0]["matched"], &rules["rules"][0]["fired"]),
        (&json!(3), &json!(1))
    );
    let id = &rules["rules"][0]["id"];
    assert_eq!(play.delete(&format!("/control/faults/{id}")).await?.status, 200);
    assert_eq!(play.delete(&format!("/control/faults/{id}")).await?.status, 404);
    assert_eq!(play.post("/control/faults", &json!({"fault": {"kind": "x"}})).await?.status, 422);
    assert_eq!(play.delete("/control/faults").await?.status, 200);
    assert_eq!(play.post("/control/reset", &json!({})).await?.status, 200);
    assert_eq!(play.kinds().await?, Vec::<String>::new());
    Ok(())
}

async fn until_charged(play: &Play, expected: u64) -> Outcome {
    for _ in 0..300 {
        if play.charged().await? == expected {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Err(format!("charged {}", play.charged().await?).into())
}
