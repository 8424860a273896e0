//! What models refuse, and how.

use serde_json::json;

use super::*;

const URL: &str = "https://example.com/a.png";

fn problems(endpoint: &str, body: Value) -> Vec<(String, Value)> {
    match Order::read(endpoint, &body) {
        Ok(_) => Vec::new(),
        Err(refusal) => {
            assert_eq!(refusal.status, 422);
            let list = refusal.detail.as_array().cloned().unwrap_or_default();
            list.into_iter()
                .map(|it| (it["type"].as_str().unwrap_or_default().to_owned(), it["loc"].clone()))
                .collect()
        }
    }
}

fn problem(kind: &str, loc: Value) -> (String, Value) {
    (kind.to_owned(), loc)
}

#[test]
fn unknown_models_are_not_found() {
    let status = Order::read("fal-ai/nothing", &json!({})).err().map(|it| it.status);
    assert_eq!(status, Some(404));
}

#[test]
fn every_problem_is_named_at_once() {
    let body = json!({"image_urls": [URL, "ftp://x"], "output_format": "bmp", "seed": -1});
    let found = problems("fal-ai/flux-2-pro/edit", body);
    for expected in [
        problem("missing", json!(["body", "prompt"])),
        problem("url_parsing", json!(["body", "image_urls", 1])),
        problem("one_of", json!(["body", "output_format"])),
        problem("greater_than_equal", json!(["body", "seed"])),
    ] {
        assert!(found.contains(&expected), "{expected:?} in {found:?}");
    }
    assert_eq!(found.len(), 4);
}

#[test]
fn durations_are_words() {
    let kling = "fal-ai/kling-video/v2.5-turbo/pro/image-to-video";
    let film = |duration: Value| json!({"prompt": "p", "image_url": URL, "duration": duration});
    assert_eq!(problems(kling, film(json!("10"))), []);
    assert_eq!(problems(kling, film(json!(10)))[0].0, "one_of");
    assert_eq!(problems("fal-ai/veo3.1/image-to-video", film(json!("8s"))), []);
    assert_eq!(problems("fal-ai/veo3.1/image-to-video", film(json!("8")))[0].0, "one_of");

    let kling = "fal-ai/kling-video/v3/pro/image-to-video";
    assert_eq!(problems(kling, json!({"start_image_url": URL, "prompt": "p"})), []);
    assert_eq!(problems(kling, json!({"start_image_url": URL})).len(), 1);
}

#[test]
fn limits_are_named() {
    let body = json!({"image_url": URL, "scale": 9});
    assert_eq!(
        problems("fal-ai/esrgan", body),
        [problem("less_than_equal", json!(["body", "scale"]))]
    );
    let body = json!({"prompt": "p", "image_urls": []});
    assert_eq!(problems("fal-ai/nano-banana/edit", body)[0].0, "sequence_too_short");
    assert_eq!(problems("fal-ai/flux/dev", json!([1]))[0].0, "dict_type");
}

#[test]
fn every_model_has_a_price() -> Result<(), String> {
    let prices = crate::pricing::Prices::read(None)?;
    for model in all() {
        assert!(prices.of(model.endpoint).is_some(), "{}", model.endpoint);
    }
    for price in prices.all() {
        assert!(find(&price.endpoint_id).is_some(), "{}", price.endpoint_id);
    }
    Ok(())
}

#[test]
fn the_order_of_keys_does_not_change_the_name() {
    let one: Value = serde_json::from_str(r#"{"a":1,"b":2}"#).unwrap_or_default();
    let other: Value = serde_json::from_str(r#"{"b":2,"a":1}"#).unwrap_or_default();
    assert_eq!(input_hash("x/y", &one), input_hash("x/y", &other));
    assert_ne!(input_hash("x/y", &one), input_hash("x/z", &one));
}
