//! Tokens and uploads, in every way that the official clients use.

use serde_json::{Value, json};

use crate::play::{Outcome, Play, garment};
use crate::queue::text;

#[tokio::test]
async fn a_token_opens_a_stream() -> Outcome {
    let play = Play::start().await?;
    let question = json!({"allowed_apps": ["flux"], "token_expiration": 120});
    let token = play.post("/rest/tokens/", &question).await?.body;
    let path = format!("/run/fal-ai/flux/dev/stream?fal_jwt_token={}", text(&token));
    let stranger = reqwest::Client::new();
    let order = crate::play::small();
    let answer = stranger.post(play.url(&path)).json(&order).send().await?;
    assert_eq!(answer.status(), 200);
    let answer =
        stranger.post(play.url("/run/fal-ai/flux/dev/stream?fal_jwt_token=x")).json(&order);
    assert_eq!(answer.send().await?.status(), 401);
    Ok(())
}

#[tokio::test]
async fn bytes_are_uploaded_with_a_token() -> Outcome {
    let play = Play::start().await?;
    let path = "/rest/storage/auth/token?storage_type=fal-cdn-v3";
    let token = play.post(path, &json!({})).await?.body;
    assert_eq!(token["base_url"], play.url("/cdn"));
    assert!(text(&token["expires_at"]).ends_with("+00:00"));
    let authorization = format!("{} {}", text(&token["token_type"]), text(&token["token"]));
    let file = garment().to_png()?;
    let upload = |authorization: &str| {
        reqwest::Client::new()
            .post(play.url("/cdn/files/upload"))
            .header("authorization", authorization)
            .header("content-type", "image/png")
            .header("x-fal-file-name", "shirt.png")
            .body(file.clone())
    };
    let answer = play.send(upload(&authorization)).await?;
    assert_eq!(play.bytes(&answer.body["access_url"]).await?, file);
    assert!(text(&answer.body["access_url"]).ends_with(".png"));
    assert_eq!(play.send(upload("Bearer nonsense")).await?.status, 401);
    assert!(play.kinds().await?.contains(&"uploaded".to_owned()));
    Ok(())
}

#[tokio::test]
async fn bytes_are_put_where_it_was_initiated() -> Outcome {
    let play = Play::start().await?;
    let question = json!({"file_name": "a b/../c.PNG", "content_type": "image/png"});
    for storage in ["gcs", "fal-cdn-v3"] {
        let path = format!("/rest/storage/upload/initiate?storage_type={storage}");
        let answer = play.post(&path, &question).await?.body;
        let put = reqwest::Client::new().put(text(&answer["upload_url"]));
        let put = put.header("content-type", "image/png").body("bytes").send().await?;
        assert_eq!(put.status(), 200);
        let file = reqwest::get(text(&answer["file_url"])).await?;
        assert_eq!(file.headers()["content-type"], "image/png");
        assert_eq!(file.text().await?, "bytes");
    }
    Ok(())
}

#[tokio::test]
async fn parts_come_in_both_dialects() -> Outcome {
    let play = Play::start().await?;
    // The JavaScript client: the token is in the query, the tag is read from the body.
    let question = json!({"file_name": "film.mp4", "content_type": "video/mp4"});
    let path = "/rest/storage/upload/initiate-multipart?storage_type=fal-cdn-v3";
    let answer = play.post(path, &question).await?.body;
    let upload = url::Url::parse(text(&answer["upload_url"]))?;
    let at = |tail: &str| {
        let mut url = upload.clone();
        url.set_path(&format!("{}/{tail}", upload.path()));
        url
    };
    let stranger = reqwest::Client::new();
    let mut parts = Vec::new();
    for (number, body) in [(1, "hello "), (2, "world")] {
        let part = stranger.put(at(&number.to_string())).body(body).send().await?;
        let tag = part.headers()["etag"].to_str()?.to_owned();
        let body: Value = part.json().await?;
        assert_eq!(body["etag"], tag);
        parts.push(json!({"partNumber": body["partNumber"], "etag": tag}));
    }
    let complete = stranger.post(at("complete")).json(&json!({"parts": parts})).send().await?;
    assert_eq!(complete.status(), 200);
    assert_eq!(play.bytes(&answer["file_url"]).await?, "hello world");

    // The Python client: parts go below the file's own address, and finish in any order.
    let open = play.client.post(play.url("/cdn/files/upload/multipart"));
    let open = play.send(open.header("content-type", "video/mp4")).await?.body;
    let base = format!("{}/multipart/{}", text(&open["access_url"]), text(&open["uploadId"]));
    for (number, body) in [(2, "world"), (1, "hello ")] {
        let part = play.client.put(format!("{base}/{number}")).body(body).send().await?;
        assert!(part.headers().contains_key("etag"));
    }
    let parts = json!({"parts": [{"partNumber": 2, "etag": "b"}, {"partNumber": 1, "etag": "a"}]});
    let complete = play.client.post(format!("{base}/complete")).json(&parts).send().await?;
    assert_eq!(complete.status(), 200);
    assert_eq!(play.bytes(&open["access_url"]).await?, "hello world");

    let missing = play.client.post(format!("{base}/complete")).json(&parts).send().await?;
    assert_eq!(missing.status(), 400, "an upload is completed once");
    Ok(())
}

#[tokio::test]
async fn uploads_can_fail() -> Outcome {
    let play = Play::start().await?;
    let rule = json!({"match": {"operation": "upload", "times": 1},
        "fault": {"kind": "error", "status": 503}});
    play.spoil(rule).await?;
    let upload = || play.client.post(play.url("/cdn/files/upload")).body("x");
    assert_eq!(play.send(upload()).await?.status, 503);
    assert_eq!(play.send(upload()).await?.status, 200);
    Ok(())
}
