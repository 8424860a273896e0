//! A sandbox to play with, and what tests say to it.

use std::error::Error;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use pixels::draw::{Backdrop, Paint, Shape};
use pixels::{Limits, Picture};
use reqwest::header::HeaderMap;
use sandbox::{Config, Running};
use serde_json::{Value, json};

pub(crate) type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// The endpoint that most tests use: a picture from words.
pub(crate) const FLUX: &str = "fal-ai/flux/dev";
pub(crate) const EDIT: &str = "fal-ai/flux-2-pro/edit";

/// A running sandbox and a client with its key.
pub(crate) struct Play {
    pub(crate) running: Running,
    pub(crate) client: reqwest::Client,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Play {
    pub(crate) async fn start() -> Outcome<Self> {
        Self::with(Config { latency: 0.05, ..Config::default() }).await
    }

    pub(crate) async fn with(config: Config) -> Outcome<Self> {
        let running = sandbox::start(config).await?;
        let mut headers = HeaderMap::new();
        headers.insert("authorization", "Key sandbox-key".parse()?);
        let client = reqwest::Client::builder().default_headers(headers).no_proxy().build()?;
        Ok(Self { running, client })
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.running.url())
    }

    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Outcome<Answer> {
        let answer = request.timeout(Duration::from_secs(20)).send().await?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let bytes = answer.bytes().await?;
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Ok(Answer { status, headers, body })
    }

    pub(crate) async fn get(&self, path: &str) -> Outcome<Answer> {
        self.send(self.client.get(self.url(path))).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Outcome<Answer> {
        self.send(self.client.post(self.url(path)).json(body)).await
    }

    pub(crate) async fn put(&self, path: &str) -> Outcome<Answer> {
        self.send(self.client.put(self.url(path))).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Outcome<Answer> {
        self.send(self.client.delete(self.url(path))).await
    }

    /// Adds a rule about faults.
    pub(crate) async fn spoil(&self, rule: Value) -> Outcome {
        let answer = self.post("/control/faults", &rule).await?;
        if answer.status == 200 { Ok(()) } else { Err(answer.body.to_string().into()) }
    }

    /// Submits and answers the id.
    pub(crate) async fn submit(&self, endpoint: &str, body: &Value) -> Outcome<String> {
        let answer = self.post(&format!("/queue/{endpoint}"), body).await?;
        let id = answer.body["request_id"].as_str().ok_or_else(|| answer.body.to_string())?;
        Ok(id.to_owned())
    }

    /// Polls until it has ended, and answers the last status.
    pub(crate) async fn finish(&self, application: &str, id: &str) -> Outcome<Value> {
        for _ in 0..1_000 {
            let path = format!("/queue/{application}/requests/{id}/status?logs=1");
            let answer = self.get(&path).await?;
            if answer.body["status"] == "COMPLETED" {
                return Ok(answer.body);
            }
            if !matches!(answer.status, 200 | 202) {
                return Err(format!("status answered {answer:?}").into());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Err("it never ended".into())
    }

    pub(crate) async fn result(&self, application: &str, id: &str) -> Outcome<Answer> {
        self.get(&format!("/queue/{application}/requests/{id}")).await
    }

    /// Runs synchronously and answers the output.
    pub(crate) async fn run(&self, endpoint: &str, body: &Value) -> Outcome<Value> {
        let answer = self.post(&format!("/run/{endpoint}"), body).await?;
        if answer.status == 200 { Ok(answer.body) } else { Err(answer.body.to_string().into()) }
    }

    /// Downloads what an answer names.
    pub(crate) async fn bytes(&self, url: &Value) -> Outcome<Bytes> {
        let url = url.as_str().ok_or("no url")?;
        Ok(self.client.get(url).send().await?.error_for_status()?.bytes().await?)
    }

    /// Downloads and decodes the first picture of an output.
    pub(crate) async fn picture(&self, output: &Value) -> Outcome<Picture> {
        let url = match &output["images"][0]["url"] {
            Value::Null => &output["image"]["url"],
            url => url,
        };
        Ok(pixels::decode(&self.bytes(url).await?, &Limits::default())?)
    }

    /// The kinds in the ledger, in order.
    pub(crate) async fn kinds(&self) -> Outcome<Vec<String>> {
        let ledger = self.get("/control/ledger").await?.body;
        let entries = ledger["entries"].as_array().cloned().unwrap_or_default();
        Ok(entries.iter().filter_map(|it| it["kind"].as_str()).map(str::to_owned).collect())
    }

    pub(crate) async fn charged(&self) -> Outcome<u64> {
        let ledger = self.get("/control/ledger").await?.body;
        Ok(ledger["totals"]["charge_micro_usd"].as_u64().ok_or("no total")?)
    }
}

/// A small order that renders quickly.
pub(crate) fn small() -> Value {
    json!({"prompt": "a red coat", "seed": 7, "image_size": {"width": 128, "height": 192}})
}

/// A shirt in loud stripes on a white ground.
pub(crate) fn garment() -> Picture {
    let mut picture = Picture::filled(500, 560, [246, 246, 244, 255]);
    let outline = vec![
        (150.0, 90.0),
        (350.0, 90.0),
        (460.0, 210.0),
        (395.0, 270.0),
        (355.0, 220.0),
        (355.0, 500.0),
        (145.0, 500.0),
        (145.0, 220.0),
        (105.0, 270.0),
        (40.0, 210.0),
    ];
    picture.paint(&Shape::Polygon(outline), &Paint::flat([225, 20, 150, 255]));
    for stripe in 0..5 {
        let y = 130.0 + 75.0 * stripe as f32;
        let band = vec![(146.0, y), (354.0, y), (354.0, y + 30.0), (146.0, y + 30.0)];
        picture.paint(&Shape::Polygon(band), &Paint::flat([20, 220, 40, 255]));
    }
    picture
}

/// Somebody from head to knee before a grey wall.
pub(crate) fn person() -> Picture {
    let backdrop = Backdrop {
        top: [196, 200, 204],
        bottom: [184, 188, 192],
        floor: [176, 178, 180],
        horizon: 0.95,
        curve: 0.1,
        lamp: (0.4, 0.2),
        glow: 0.2,
    };
    let mut picture = Picture::studio(480, 720, &backdrop);
    let limb = |from, to, r| Shape::Limb { from, to, from_radius: r, to_radius: r };
    picture.paint(&limb((240.0, 240.0), (240.0, 690.0), 84.0), &Paint::flat([60, 62, 70, 255]));
    let head = Shape::Ellipse { centre: (240.0, 110.0), radii: (52.0, 70.0) };
    picture.paint(&head, &Paint::flat([226, 160, 60, 255]));
    picture
}

pub(crate) fn data_uri(picture: &Picture) -> Outcome<String> {
    Ok(format!("data:image/png;base64,{}", STANDARD.encode(picture.to_png()?)))
}
