//! Pictures on their way in, and pictures that are made.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use api::sartiq::event::v1::event::Payload;
use api::sartiq::generation::v1::prediction::State;
use tokio::time::Instant;

use super::clock;
use super::load::Times;
use super::report::Row;
use super::stage::Stage;
use crate::{Actor, Result, photo};

/// How many photos are uploaded, and how many pictures are made, one after the other.
const UPLOADS: usize = 8;
const PICTURES: usize = 20;

/// A photo of twelve megapixels, uploaded until it can be used.
pub(super) async fn uploads(stage: &Stage) -> Result<Vec<Row>> {
    let area = "a photo of 12 megapixels (4000 × 3000, JPEG), from its upload to ready";
    let folder = stage.house.folder();
    let (mut whole, mut used) = (Times::default(), 0.0);
    let mut size = 0;
    for nth in 0..=UPLOADS {
        // Each is another, or it would be known already.
        let path = folder.join(format!("photo-{nth}.jpg"));
        let bytes = jpeg(u32::try_from(nth)?)?;
        size = bytes.len();
        std::fs::write(&path, bytes)?;
        let before = stage.usage()?;
        let start = Instant::now();
        let media = stage.owner.upload(&path, "image/jpeg").await?;
        let took = start.elapsed();
        assert_eq!((media.width_px, media.height_px), (4000, 3000));
        // The first only warms up.
        if 0 < nth {
            whole.add(took);
            used += stage.usage()?.since(&before, &["media"], UPLOADS);
        }
    }
    let setting = format!("one at a time, {:.1} MB", size as f64 / 1e6);
    let row = |name: &str, figure, unit| Row::new(area, &setting, name, figure, unit);
    Ok(vec![
        row("until it is ready: p50", whole.percentile(50), "ms"),
        row("until it is ready: the slowest", whole.percentile(100), "ms"),
        row("processor, media", used / 1e3, "ms/photo"),
    ])
}

/// A picture with about as much in it as a photo has.
fn jpeg(seed: u32) -> Result<Vec<u8>> {
    let picture = image::RgbImage::from_fn(4000, 3000, |x, y| {
        // Slopes with some noise; the noise is what a sensor would add.
        let mut noise = x.wrapping_mul(0x9E37_79B1) ^ y.wrapping_mul(0x85EB_CA77) ^ seed;
        noise = (noise ^ (noise >> 15)).wrapping_mul(0x2C1B_3C6D);
        let [noise, ..] = (noise ^ (noise >> 12)).to_le_bytes();
        let slope = |it: u32, n: u32| u8::try_from(it * 200 / n).unwrap_or(u8::MAX);
        let noise = noise / 16;
        image::Rgb([slope(x, 4000) + noise, slope(y, 3000) + noise, slope(x + y, 7000) + noise])
    });
    let mut bytes = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 90).encode_image(&picture)?;
    Ok(bytes)
}

/// One picture at a time, with a vendor that says when it had work.
pub(super) async fn generations(stage: &Stage) -> Result<Vec<Row>> {
    let area = "a generation of one picture (made, then enlarged), from its start to ready";
    let owner = &stage.owner;
    let product = owner.product(&photo("coffee.png")).await?;
    let (_, shots) = owner.shots(&product, 1).await?;
    let shot = shots.first().ok_or("no shot")?;
    let stream = stage.house.events().open()?;
    let end = stream.ends("generation").await?.1;
    let mut tail = stream.tail(BTreeMap::from([("generation".to_owned(), end)])).await?;
    let (mut whole, mut ours) = (Times::default(), Times::default());
    for nth in 0..=PICTURES {
        let n_before = stage.house.vendor.ledger().await?.len();
        let start = clock();
        let started = owner.generations().start_generation(Actor::start_request(shot, 1)).await?;
        let id = started.into_inner().generation.ok_or("no generation")?.id;
        let mut ready = None;
        while ready.is_none() {
            for event in tail.next().await? {
                match event.payload {
                    Some(Payload::PredictionReady(it)) if it.generation_id == id => {
                        ready = Some(clock());
                    }
                    Some(Payload::PredictionFailed(it)) if it.generation_id == id => {
                        return Err(it.error_message.into());
                    }
                    _ => (),
                }
            }
        }
        let took = ready.ok_or("not ready")?.saturating_sub(start);
        let answer = owner.ended(&id).await?;
        assert!(answer.predictions.iter().all(|it| it.state() == State::Ready));
        let ledger = stage.house.vendor.ledger().await?;
        // The first only warms up.
        if 0 < nth {
            whole.add(took);
            ours.add(took.saturating_sub(of_vendor(&ledger[n_before..])?));
        }
    }
    let row = |name: &str, figure, unit| Row::new(area, "one at a time", name, figure, unit);
    Ok(vec![
        row("start to ready: p50", whole.percentile(50), "ms"),
        row("start to ready, without the vendor's time: p50", ours.percentile(50), "ms"),
        row("start to ready, without the vendor's time: p95", ours.percentile(95), "ms"),
    ])
}

/// How long the vendor had what it was given, by its own book.
fn of_vendor(entries: &[serde_json::Value]) -> Result<Duration> {
    use time::OffsetDateTime;
    use time::format_description::well_known::Rfc3339;
    let mut submitted = HashMap::new();
    let mut sum = Duration::ZERO;
    for entry in entries {
        let text = |name: &str| entry[name].as_str().unwrap_or_default();
        let time = OffsetDateTime::parse(text("time"), &Rfc3339)?;
        match text("kind") {
            "submitted" => drop(submitted.insert(text("request_id"), time)),
            "completed" => {
                let from = submitted.remove(text("request_id")).ok_or("it was never submitted")?;
                sum += Duration::try_from(time - from)?;
            }
            _ => (),
        }
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vendors_time_is_from_submission_to_completion() -> Result {
        let entry = |kind: &str, id: &str, second: f64| {
            let time = format!("2026-01-01T00:00:{second:06.3}Z");
            serde_json::json!({ "kind": kind, "request_id": id, "time": time })
        };
        let entries = [
            entry("submitted", "a", 1.0),
            entry("started", "a", 1.1),
            entry("completed", "a", 1.5),
            entry("submitted", "b", 2.0),
            entry("completed", "b", 2.25),
        ];
        assert_eq!(of_vendor(&entries)?, Duration::from_millis(750));
        assert!(of_vendor(&entries[2..]).is_err());
        Ok(())
    }
}
