//! fal's JSON, model family by model family.

use std::time::Duration;

use provider::{Code, Failure, Input, Output, Part, Prepared, Result, Success, Task, Url};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::Job;
use crate::catalogue::Family;

/// What is asked of fal's storage.
#[derive(Debug, Serialize)]
pub(crate) struct Upload<'a> {
    pub(crate) content_type: &'a str,
    pub(crate) file_name: &'a str,
}

/// Where a file may be put, and what it is called from then on.
#[derive(Debug, Deserialize)]
pub(crate) struct Place {
    pub(crate) upload_url: String,
    pub(crate) file_url: String,
}

/// What the queue says to a run that it takes.
#[derive(Debug, Deserialize)]
pub(crate) struct Taken {
    pub(crate) request_id: String,
    pub(crate) status_url: Option<Url>,
    pub(crate) response_url: Option<Url>,
    pub(crate) cancel_url: Option<Url>,
}

/// What the queue says about a run. There is no state for failures: they are completed, too.
#[derive(Debug, Deserialize)]
pub(crate) struct Status {
    pub(crate) status: String,
    pub(crate) queue_position: Option<u32>,
    #[serde(default)]
    logs: Option<Vec<Line>>,
    #[serde(default)]
    error: Option<Value>,
    #[serde(default)]
    error_type: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Line {
    #[serde(default)]
    message: String,
}

/// What a run has made; each family fills other fields.
#[derive(Debug, Deserialize)]
pub(crate) struct Made {
    #[serde(default)]
    images: Vec<Media>,
    #[serde(default)]
    image: Option<Media>,
    #[serde(default)]
    video: Option<Media>,
    #[serde(default)]
    seed: Option<u64>,
    #[serde(default)]
    has_nsfw_concepts: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct Media {
    url: String,
    #[serde(default)]
    file_size: Option<u64>,
}

/// Says how long fal is to keep a file.
pub(crate) fn lifecycle(lifetime: Duration) -> String {
    json!({"expiration_duration_seconds": lifetime.as_secs()}).to_string()
}

/// Writes the arguments of a run.
pub(crate) fn arguments(family: Family, run: &Prepared) -> Result<Value> {
    let mut arguments = Map::new();
    let mut set = |name: &str, value: Value| {
        if !value.is_null() {
            arguments.insert(name.to_owned(), value);
        }
    };
    set("seed", json!(run.seed));
    match &run.task {
        Task::TextToImage { prompt, .. } => set("prompt", json!(prompt)),
        Task::EditImage { prompt, references, .. } => {
            set("prompt", json!(prompt));
            match (family, &references[..]) {
                (Family::Kontext, [image, ..]) => set("image_url", json!(image.reference)),
                _ => set("image_urls", references.iter().map(|it| json!(it.reference)).collect()),
            }
        }
        Task::TryOn { person, garment, part } => {
            set("model_image", json!(person.reference));
            set("garment_image", json!(garment.reference));
            set("category", json!(category(*part)));
            set("num_samples", json!(run.count));
        }
        Task::ImageToVideo { image, prompt, seconds } => {
            set("prompt", json!(prompt));
            set("image_url", json!(image.reference));
            set("duration", json!(seconds.map(|it| duration(family, it))));
        }
        Task::Upscale { image, factor } => {
            set("image_url", json!(image.reference));
            set(if family == Family::Clarity { "upscale_factor" } else { "scale" }, json!(factor));
        }
        Task::RemoveBackground { image } => set("image_url", json!(image.reference)),
    }
    let format = json!(run.media_type.strip_prefix("image/"));
    let ratio = run.ratio.map(|(width, height)| format!("{width}:{height}"));
    match family {
        Family::Flux | Family::Flux2 => {
            let size = run.size.map(|it| json!({"width": it.width, "height": it.height}));
            set("image_size", json!(size));
            set("output_format", format);
            if family == Family::Flux {
                set("num_images", json!(run.count));
            }
        }
        Family::NanoBanana | Family::Kontext => {
            set("aspect_ratio", json!(ratio));
            set("num_images", json!(run.count));
            set("output_format", format);
        }
        Family::Fashn => set("output_format", format),
        Family::Birefnet => {
            set("output_format", format);
            set("operating_resolution", json!(resolution(&run.task)));
        }
        Family::Esrgan => set("output_format", format),
        Family::Clarity | Family::Kling => {}
        Family::Veo => {
            set("aspect_ratio", json!(ratio.as_deref().unwrap_or("auto")));
            set("resolution", json!("720p"));
            // Fashion films are silent, and silence is half the price.
            set("generate_audio", json!(false));
        }
    }
    Ok(Value::Object(arguments))
}

fn category(part: Option<Part>) -> &'static str {
    match part {
        None => "auto",
        Some(Part::Upper) => "tops",
        Some(Part::Lower) => "bottoms",
        Some(Part::FullBody) => "one-pieces",
    }
}

/// Durations are strings, and each family writes its own.
fn duration(family: Family, seconds: u32) -> String {
    match family {
        Family::Veo => format!("{seconds}s"),
        _ => seconds.to_string(),
    }
}

/// Large pictures are cut out at the higher resolution, since edges are what is looked at.
fn resolution(task: &Task) -> &'static str {
    let is_large = |it: &Input| 1_500 * 1_500 < u64::from(it.width) * u64::from(it.height);
    match task {
        Task::RemoveBackground { image } if is_large(image) => "2048x2048",
        _ => "1024x1024",
    }
}

impl Status {
    /// Returns the last line of the log that says something.
    pub(crate) fn last_line(&self) -> Option<String> {
        let lines = self.logs.as_deref().unwrap_or_default();
        let line = lines.iter().rev().map(|it| it.message.trim()).find(|it| !it.is_empty())?;
        Some(line.chars().take(300).collect())
    }

    /// Returns why a completed run failed, if it did.
    pub(crate) fn failure(&self, request_id: &str) -> Option<Failure> {
        let error = self.error.as_ref().filter(|it| !it.is_null())?;
        let error = error.as_str().map_or_else(|| error.to_string(), str::to_owned);
        let kind = self.error_type.as_deref().unwrap_or_default();
        let failure = crate::failure::of_run(&error, kind);
        Some(Failure { vendor_request_id: request_id.to_owned(), ..failure })
    }
}

/// Reads how far a run is from a line such as `45%|####  | 13/28`.
pub(crate) fn percent(line: &str) -> Option<u32> {
    let (before, _) = line.split_once('%')?;
    let digits = before.rfind(|it: char| !it.is_ascii_digit()).map_or(before, |at| {
        let rest = &before[at..];
        rest.trim_start_matches(|it: char| !it.is_ascii_digit())
    });
    digits.parse().ok().filter(|it| *it <= 100)
}

/// Reads what a run has made.
pub(crate) fn success(made: Made, billed_units: Option<String>, job: &Job) -> Result<Success> {
    let flags = match &made.has_nsfw_concepts {
        Some(Value::Array(flags)) => flags.iter().map(|it| it == &json!(true)).collect(),
        Some(Value::Bool(flag)) => vec![*flag],
        _ => Vec::new(),
    };
    let media: Vec<Media> = made.images.into_iter().chain(made.image).chain(made.video).collect();
    if media.is_empty() {
        return Err(Failure {
            vendor_request_id: job.request_id.clone(),
            ..Failure::new(Code::NoOutput, "the run ended well and made nothing")
        });
    }
    let seed = made.seed.and_then(|it| u32::try_from(it).ok());
    let outputs: Vec<Output> = (media.into_iter().enumerate())
        // What the vendor's filter blacked out is no output.
        .filter(|(index, _)| !flags.get(*index).copied().unwrap_or(false))
        .map(|(_, it)| Output { url: it.url, size_bytes: it.file_size, seed })
        .collect();
    if outputs.is_empty() {
        return Err(Failure {
            vendor_request_id: job.request_id.clone(),
            ..Failure::new(Code::ContentPolicyOutput, "the vendor's filter refused the output")
        });
    }
    Ok(Success { outputs, billed_units, request_id: job.request_id.clone() })
}

#[cfg(test)]
mod tests;
