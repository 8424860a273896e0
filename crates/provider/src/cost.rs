//! What runs cost by the price list.

use types::Money;

use crate::model::{Counted, Model, Sizes};
use crate::order::Asset;
use crate::output::Stored;
use crate::task::{Prepared, Task};

/// Says what `run` is going to cost.
pub(crate) fn estimate(model: &Model, run: &Prepared<Asset>) -> Money {
    let each = match model.price.unit {
        Counted::Output => 1,
        Counted::Megapixel => megapixels(pixels(model, run)),
        Counted::Second => match run.task {
            Task::ImageToVideo { seconds: Some(seconds), .. } => seconds.into(),
            _ => model.limits.durations.first().copied().unwrap_or(1).into(),
        },
    };
    model.price.times(each * u64::from(run.count))
}

/// Says what a run that made `outputs` has cost.
pub(crate) fn actual(model: &Model, outputs: &[Stored]) -> Money {
    let units = outputs.iter().map(|output| match model.price.unit {
        Counted::Output => 1,
        Counted::Megapixel => megapixels(u64::from(output.width) * u64::from(output.height)),
        // Vendors make films a few frames longer than asked, and bill what was asked.
        Counted::Second => output.duration.map_or(1, |it| (it.as_secs_f64().round() as u64).max(1)),
    });
    model.price.times(units.sum())
}

/// How many pixels one output is going to have.
fn pixels(model: &Model, run: &Prepared<Asset>) -> u64 {
    if let Some(size) = run.size.filter(|_| run.ratio.is_none()) {
        return u64::from(size.width) * u64::from(size.height);
    }
    match (&model.limits.sizes, &run.task) {
        (Sizes::Scaled { max_pixels }, Task::Upscale { image, factor }) => {
            let factor = u64::from(*factor);
            (image.pixels.max(1_000_000) * factor * factor).min(*max_pixels)
        }
        (Sizes::Chosen { width, height } | Sizes::Free { width, height, .. }, _) => {
            u64::from(*width) * u64::from(*height)
        }
        (Sizes::Ratios { pixels, .. }, _) => *pixels,
        (Sizes::Scaled { .. }, _) => 1_000_000,
    }
}

fn megapixels(pixels: u64) -> u64 {
    pixels.div_ceil(1_000_000)
}
