//! What a caller asks for, as it comes in.

use api::sartiq::provider::v1 as pb;
use api::sartiq::provider::v1::asset::Source;

use crate::error::{Error, Result};
use crate::task::{Part, Task};

/// A request before it is held against the limits of a model.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) model: String,
    pub(crate) task: Task<Asset>,
    pub(crate) count: u32,
    /// The width and height asked for; 0 lets the model choose.
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// Empty lets the model choose.
    pub(crate) media_type: String,
    pub(crate) seed: Option<u32>,
}

/// A file that a run reads.
#[derive(Clone, Debug)]
pub(crate) struct Asset {
    pub(crate) source: Source,
    /// The number of pixels, where the caller knows it. 0 if not.
    pub(crate) pixels: u64,
}

impl Order {
    /// Reads `input`, whose rules have been checked.
    pub(crate) fn parse(input: Option<pb::RunInput>) -> Result<Self> {
        let input = input.ok_or(Error::Malformed("input", "must be set"))?;
        let output = input.output.unwrap_or_default();
        let edit_image = "input.edit_image.references.image";
        let tasks = [
            input.text_to_image.map(|it| {
                Ok(Task::TextToImage { prompt: it.prompt, negative_prompt: it.negative_prompt })
            }),
            input.edit_image.map(|it| {
                let references = it.references.into_iter().map(|it| asset(it.image, edit_image));
                Ok(Task::EditImage {
                    prompt: it.prompt,
                    negative_prompt: it.negative_prompt,
                    references: references.collect::<Result<_>>()?,
                })
            }),
            input.try_on.map(|it| {
                Ok(Task::TryOn {
                    part: part(it.part()),
                    person: asset(it.person, "input.try_on.person")?,
                    garment: asset(it.garment, "input.try_on.garment")?,
                })
            }),
            input.image_to_video.map(|it| {
                Ok(Task::ImageToVideo {
                    image: asset(it.image, "input.image_to_video.image")?,
                    prompt: it.prompt,
                    seconds: it.duration.map(whole_seconds).transpose()?,
                })
            }),
            input.upscale.map(|it| {
                Ok(Task::Upscale {
                    image: asset(it.image, "input.upscale.image")?,
                    factor: if it.factor == 0 { 2 } else { it.factor },
                })
            }),
            input.remove_background.map(|it| {
                let image = asset(it.image, "input.remove_background.image")?;
                Ok(Task::RemoveBackground { image })
            }),
        ];
        let mut tasks = tasks.into_iter().flatten();
        let (Some(task), None) = (tasks.next(), tasks.next()) else {
            return Err(Error::Malformed("input", "must set exactly one task"));
        };
        Ok(Self {
            model: input.model,
            task: task?,
            count: output.count.max(1),
            width: output.width_px,
            height: output.height_px,
            media_type: output.media_type,
            seed: input.seed,
        })
    }
}

fn part(part: pb::try_on::Part) -> Option<Part> {
    match part {
        pb::try_on::Part::Unspecified => None,
        pb::try_on::Part::Upper => Some(Part::Upper),
        pb::try_on::Part::Lower => Some(Part::Lower),
        pb::try_on::Part::FullBody => Some(Part::FullBody),
    }
}

fn asset(asset: Option<pb::Asset>, field: &'static str) -> Result<Asset> {
    let asset = asset.ok_or(Error::Malformed(field, "must be set"))?;
    let source = asset.source.ok_or(Error::Malformed(field, "must name a media or a key"))?;
    Ok(Asset { source, pixels: u64::from(asset.width_px) * u64::from(asset.height_px) })
}

/// Films are asked for in whole seconds: half a second more is one more.
fn whole_seconds(duration: prost_types::Duration) -> Result<u32> {
    let wrong = Error::Malformed("input.image_to_video.duration", "must be more than nothing");
    let seconds = duration.seconds + i64::from(duration.nanos >= 500_000_000);
    match u32::try_from(seconds) {
        Ok(0) if duration.nanos > 0 => Ok(1),
        Ok(0) | Err(_) => Err(wrong),
        Ok(seconds) => Ok(seconds),
    }
}
