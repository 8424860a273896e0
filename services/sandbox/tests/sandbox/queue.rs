//! The shapes of the queue, of runs, of streams and of refusals.

use std::time::Duration;

use serde_json::{Value, json};

use crate::play::{EDIT, FLUX, Outcome, Play, small};

#[tokio::test]
async fn a_request_goes_through_the_queue() -> Outcome {
    let play = Play::start().await?;
    let submitted = play.post(&format!("/queue/{FLUX}"), &small()).await?;
    assert_eq!(submitted.status, 200);
    assert_eq!(submitted.body["status"], "IN_QUEUE");
    assert!(submitted.body["queue_position"].is_u64());
    let id = submitted.body["request_id"].as_str().ok_or("no id")?;
    assert_eq!(submitted.headers["x-fal-request-id"], id);
    let expected = play.url(&format!("/queue/fal-ai/flux/requests/{id}"));
    assert_eq!(submitted.body["response_url"], expected);
    assert_eq!(submitted.body["status_url"], format!("{expected}/status"));
    assert_eq!(submitted.body["cancel_url"], format!("{expected}/cancel"));

    let status = play.finish("fal-ai/flux", id).await?;
    assert!(status["logs"].as_array().is_some_and(|it| !it.is_empty()));
    assert_eq!(status["logs"][0]["level"], "INFO");
    assert!(status["metrics"]["inference_time"].is_f64());

    let result = play.result("fal-ai/flux", id).await?;
    assert_eq!(result.status, 200);
    assert_eq!(result.headers["x-fal-request-id"], id);
    assert_eq!(result.headers["x-fal-billable-units"], "1");
    assert_eq!(result.body["seed"], 7);
    assert_eq!(result.body["has_nsfw_concepts"], json!([false]));
    let image = &result.body["images"][0];
    assert_eq!((&image["width"], &image["height"]), (&json!(128), &json!(192)));
    assert_eq!(image["content_type"], "image/jpeg");
    assert_eq!(pixels::sniff(&play.bytes(&image["url"]).await?), Some(pixels::Kind::Jpeg));
    assert_eq!(play.charged().await?, 25_000);
    let kinds = play.kinds().await?;
    assert_eq!(kinds, ["submitted", "started", "completed", "charged", "downloaded"]);
    Ok(())
}

#[tokio::test]
async fn logs_are_asked_for_in_four_spellings() -> Outcome {
    let play = Play::start().await?;
    let id = play.submit(FLUX, &small()).await?;
    play.finish("fal-ai/flux", &id).await?;
    for (spelling, has_logs) in [("true", true), ("1", true), ("false", false), ("0", false)] {
        let path = format!("/queue/{FLUX}/requests/{id}/status?logs={spelling}");
        let body = play.get(&path).await?.body;
        assert_eq!(body["logs"].is_array(), has_logs, "{spelling}");
        assert!(body.as_object().is_some_and(|it| it.contains_key("logs")));
    }
    Ok(())
}

#[tokio::test]
async fn the_line_moves_and_low_priority_waits() -> Outcome {
    let config = sandbox::Config { workers: 1, latency: 0.3, ..sandbox::Config::default() };
    let play = Play::with(config).await?;
    let first = play.submit(FLUX, &small()).await?;
    let path = format!("/queue/{FLUX}");
    let low = play.client.post(play.url(&path)).header("x-fal-queue-priority", "low");
    let low = play.send(low.json(&small())).await?.body;
    let normal = play.post(&path, &small()).await?.body;
    assert_eq!(normal["queue_position"], 0);
    let status =
        play.get(&format!("/queue/{FLUX}/requests/{}/status", text(&low["request_id"]))).await?;
    assert_eq!((status.status, &status.body["status"]), (202, &json!("IN_QUEUE")));
    assert_eq!(status.body["queue_position"], 1);
    for id in [first.as_str(), text(&normal["request_id"]), text(&low["request_id"])] {
        play.finish("fal-ai/flux", id).await?;
    }
    let ledger = play.get("/control/ledger?kind=started").await?.body;
    let order: Vec<&str> = ledger["entries"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|it| text(&it["request_id"]))
        .collect();
    assert_eq!(order, [&first, text(&normal["request_id"]), text(&low["request_id"])]);
    Ok(())
}

#[tokio::test]
async fn who_waits_too_long_is_not_started() -> Outcome {
    let config = sandbox::Config { workers: 1, latency: 4.0, ..sandbox::Config::default() };
    let play = Play::with(config).await?;
    play.submit(FLUX, &small()).await?;
    let late = play.client.post(play.url(&format!("/queue/{FLUX}")));
    let late = play.send(late.header("x-fal-request-timeout", "0.1").json(&small())).await?;
    let id = text(&late.body["request_id"]).to_owned();
    let status = play.finish("fal-ai/flux", &id).await?;
    assert_eq!(status["error_type"], "request_timeout");
    let result = play.result("fal-ai/flux", &id).await?;
    assert_eq!(result.status, 504);
    assert_eq!(result.headers["x-fal-request-timeout-type"], "user");
    assert_eq!(play.charged().await?, 0);
    Ok(())
}

#[tokio::test]
async fn cancelling_stops_and_costs_nothing() -> Outcome {
    let config = sandbox::Config { workers: 1, latency: 20.0, ..sandbox::Config::default() };
    let play = Play::with(config).await?;
    let running = play.submit(FLUX, &small()).await?;
    let waiting = play.submit(FLUX, &small()).await?;
    assert_eq!(play.result("fal-ai/flux", &running).await?.status, 400);
    for id in [&waiting, &running] {
        let answer = play.put(&format!("/queue/{FLUX}/requests/{id}/cancel")).await?;
        assert_eq!(
            (answer.status, &answer.body["status"]),
            (202, &json!("CANCELLATION_REQUESTED"))
        );
        let status = play.finish("fal-ai/flux", id).await?;
        assert_eq!(status["error_type"], "client_cancelled");
        assert_eq!(play.result("fal-ai/flux", id).await?.status, 499);
    }
    let again = play.put(&format!("/queue/{FLUX}/requests/{running}/cancel")).await?;
    assert_eq!((again.status, &again.body["status"]), (400, &json!("ALREADY_COMPLETED")));
    assert_eq!(play.charged().await?, 0);
    let kinds = play.kinds().await?;
    assert_eq!(kinds, ["submitted", "started", "submitted", "cancelled", "cancelled"]);
    Ok(())
}

#[tokio::test]
async fn the_status_stream_ends_with_the_outcome() -> Outcome {
    let play = Play::start().await?;
    let id = play.submit(FLUX, &small()).await?;
    let path = format!("/queue/fal-ai/flux/requests/{id}/status/stream?logs=1");
    let request = play.client.get(play.url(&path));
    let request = request.header("accept", "application/json, text/event-stream");
    let answer = request.timeout(Duration::from_secs(10)).send().await?;
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let events = events(&answer.text().await?)?;
    let last = events.last().ok_or("no events")?;
    assert_eq!(last["status"], "COMPLETED");
    // Readers append the logs of each event, so no line may come twice.
    let lines: Vec<&Value> =
        events.iter().filter_map(|it| it["logs"].as_array()).flatten().collect();
    let status = play.finish("fal-ai/flux", &id).await?;
    assert_eq!(json!(lines), status["logs"]);
    Ok(())
}

#[tokio::test]
async fn a_streamed_run_ends_with_the_output() -> Outcome {
    let play = Play::start().await?;
    let request = play.client.post(play.url(&format!("/run/{FLUX}/stream"))).json(&small());
    let answer = request.send().await?;
    assert!(answer.headers().contains_key("x-fal-request-id"));
    let events = events(&answer.text().await?)?;
    assert!(events.len() > 2);
    assert_eq!(events.last().ok_or("none")?["images"][0]["width"], 128);
    Ok(())
}

#[tokio::test]
async fn who_leaves_a_run_takes_it_along() -> Outcome {
    let config = sandbox::Config { latency: 20.0, ..sandbox::Config::default() };
    let play = Play::with(config).await?;
    let request = play.client.post(play.url(&format!("/run/{FLUX}"))).json(&small());
    assert!(request.timeout(Duration::from_millis(200)).send().await.is_err());
    for _ in 0..100 {
        if play.kinds().await?.contains(&"cancelled".to_owned()) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Err("it went on".into())
}

#[tokio::test]
async fn refusals_look_like_the_vendors() -> Outcome {
    let play = Play::start().await?;
    let wrong = play.client.post(play.url(&format!("/queue/{FLUX}"))).json(&small());
    let answer = reqwest::Client::new().execute(wrong.build()?).await?;
    assert_eq!(answer.status(), 401);
    let body: Value = answer.json().await?;
    assert!(body["detail"].is_string() && body["message"].is_string());

    let unknown = play.post("/queue/fal-ai/no-such-model", &small()).await?;
    assert_eq!(unknown.status, 404);
    let unknown = play.get(&format!("/queue/{FLUX}/requests/no-such-id/status")).await?;
    assert_eq!(unknown.status, 404);

    let invalid = play.post(&format!("/queue/{EDIT}"), &json!({"prompt": 7})).await?;
    assert_eq!(invalid.status, 422);
    assert_eq!(invalid.headers["x-fal-retryable"], "false");
    let problems = invalid.body["detail"].as_array().ok_or("no list")?;
    for problem in problems {
        assert!(problem["loc"].is_array() && problem["msg"].is_string());
        assert!(problem["type"].is_string() && problem["url"].is_string());
    }

    let body = json!({"prompt": "p", "image_urls": ["data:image/png;base64,bm90IGFuIGltYWdl"]});
    let id = play.submit(EDIT, &body).await?;
    let status = play.finish("fal-ai/flux-2-pro", &id).await?;
    assert_eq!(status["error_type"], "image_load_error");
    let result = play.result("fal-ai/flux-2-pro", &id).await?;
    assert_eq!(result.status, 422);
    assert_eq!(result.body["detail"][0]["loc"], json!(["body", "image_urls", 0]));
    assert_eq!(result.headers["x-fal-error-type"], "image_load_error");

    let body = json!({"prompt": "p", "image_urls": [play.url("/files/gone.png")]});
    let id = play.submit(EDIT, &body).await?;
    assert_eq!(play.finish("fal-ai/flux-2-pro", &id).await?["error_type"], "file_download_error");
    assert_eq!(play.charged().await?, 0);
    Ok(())
}

#[tokio::test]
async fn every_address_reaches_the_same_queue() -> Outcome {
    let play = Play::start().await?;
    let by_host = play.client.post(play.url(&format!("/{FLUX}"))).header("host", "queue.fal.run");
    let answer = play.send(by_host.json(&small())).await?;
    let id = text(&answer.body["request_id"]).to_owned();
    assert!(text(&answer.body["status_url"]).starts_with(&play.running.url()));
    play.finish("fal-ai/flux", &id).await?;

    let target = format!("https://queue.fal.run/fal-ai/flux/requests/{id}/status?logs=1");
    let by_proxy = play.client.get(play.url("/whatever")).header("x-fal-target-url", target);
    assert_eq!(play.send(by_proxy).await?.body["status"], "COMPLETED");
    Ok(())
}

#[tokio::test]
async fn webhooks_carry_the_outcome() -> Outcome {
    let play = Play::start().await?;
    let (url, mut received) = receiver().await?;
    let query: String = url::form_urlencoded::byte_serialize(url.as_bytes()).collect();
    let path = format!("{FLUX}?fal_webhook={query}");
    let id = play.submit(&path, &small()).await?;
    let body = received.recv().await.ok_or("no webhook")?;
    assert_eq!((&body["request_id"], &body["status"]), (&json!(id), &json!("OK")));
    assert_eq!(body["payload"]["images"][0]["width"], 128);

    play.spoil(json!({"fault": {"kind": "fail_late"}, "match": {"operation": "submit"}})).await?;
    play.submit(&path, &small()).await?;
    let body = received.recv().await.ok_or("no webhook")?;
    assert_eq!(body["status"], "ERROR");
    assert!(body["error"].is_string());
    Ok(())
}

#[tokio::test]
async fn finished_requests_are_forgotten_in_time() -> Outcome {
    let result_ttl = Duration::from_millis(200);
    let config = sandbox::Config { result_ttl, latency: 0.0, ..sandbox::Config::default() };
    let play = Play::with(config).await?;
    let id = play.submit(FLUX, &small()).await?;
    play.finish("fal-ai/flux", &id).await?;
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(play.result("fal-ai/flux", &id).await?.status, 404);
    Ok(())
}

#[tokio::test]
async fn prices_are_told() -> Outcome {
    let play = Play::start().await?;
    let ids = "fal-ai/flux/dev,fal-ai/fashn/tryon/v1.6";
    let prices = play.get(&format!("/v1/models/pricing?endpoint_id={ids}")).await?.body;
    assert_eq!(prices["prices"][1]["unit_price"], 0.075);
    assert_eq!(prices["prices"][0]["unit"], "megapixel");
    let question = json!({"estimate_type": "unit_price", "endpoints": {
        "fal-ai/fashn/tryon/v1.6": {"unit_quantity": 4}}});
    let estimate = play.post("/v1/models/pricing/estimate", &question).await?.body;
    assert_eq!(estimate["total_cost"], 0.3);
    assert_eq!(play.get("/v1/models/pricing").await?.status, 400);
    Ok(())
}

/// A webhook receiver and what it received.
pub(crate) async fn receiver() -> Outcome<(String, tokio::sync::mpsc::Receiver<Value>)> {
    let (send, received) = tokio::sync::mpsc::channel(16);
    let app = axum::Router::new().route(
        "/hook",
        axum::routing::post(move |axum::Json(body): axum::Json<Value>| async move {
            // The test may have ended.
            let _ = send.send(body).await;
        }),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/hook?a=b&c=d", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok((url, received))
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn events(stream: &str) -> Outcome<Vec<Value>> {
    let data = stream.split("\n\n").filter_map(|it| it.strip_prefix("data: "));
    Ok(data.map(serde_json::from_str).collect::<Result<_, _>>()?)
}
