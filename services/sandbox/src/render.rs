//! Pictures from orders: pure, and the same for the same order.
//!
//! Everything that varies is drawn from a die that is loaded with the model, the words, the bytes
//! of the pictures that came in (not their addresses, which are signed anew each time), the size
//! and the seed.

mod backdrop;
mod describe;
mod dice;
mod dress;
mod figure;
mod film;
mod palette;
mod person;
mod retouch;
mod scene;
mod tryon;

use std::sync::Arc;

use pixels::{Fit, Kind, Picture};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::model::{Order, Source, Work};
use crate::refusal::{Problem, Refusal};
use dice::Dice;

/// The largest picture that an upscaler makes.
const MOST_PIXELS: u64 = 64_000_000;

/// Beyond this, a reference has more detail than any composition shows.
const REFERENCE_EDGE: u32 = 1400;

/// A picture that came in.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    pub(crate) picture: Arc<Picture>,
    /// SHA-256 of its file.
    pub(crate) hash: [u8; 32],
}

/// A file that goes out.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) bytes: Vec<u8>,
    pub(crate) kind: Kind,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// Everything that goes out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rendering {
    pub(crate) files: Vec<Made>,
    /// What is billed, in the unit of the model's price.
    pub(crate) images: f64,
    pub(crate) megapixels: f64,
    pub(crate) seconds: f64,
    /// Words, where words were asked for.
    pub(crate) text: Option<String>,
}

/// Carries an order out.
pub(crate) fn render(order: &Order, inputs: &[Input], nsfw: bool) -> Result<Rendering, Refusal> {
    match &order.work {
        Work::Scene(it) | Work::Retouch(it) => {
            let size = it.size.of(inputs.first().map(|it| sides(&it.picture)));
            let is_retouch = matches!(order.work, Work::Retouch(_));
            let references = references(inputs);
            pictures(it.n_images, it.format, it.price_factor, nsfw, |number| {
                let mut dice = dice(order, inputs, size, number);
                if is_retouch {
                    retouch::render(&it.prompt, &references[0], size, &mut dice)
                } else {
                    scene::render(&it.prompt, &references, size, &mut dice)
                }
            })
        }
        Work::TryOn(it) => {
            let [person, garment] = inputs else { return Err(unrenderable()) };
            let size = sides(&person.picture);
            let garment = garment.picture.resize(Fit::LongEdge(REFERENCE_EDGE));
            pictures(it.n_images, it.format, 1.0, nsfw, |number| {
                let mut dice = dice(order, inputs, size, number);
                tryon::render(&person.picture, &garment, &it.category, &mut dice)
            })
        }
        Work::CutOut { wants_mask, mask_only, format, .. } => {
            let cut = first(inputs)?.picture.cut_out(40).picture;
            let mut files = Vec::new();
            if *mask_only {
                files.push(made(&cut.alpha_mask(), *format)?);
            } else {
                files.push(made(&cut, *format)?);
                if *wants_mask {
                    files.push(made(&cut.alpha_mask(), Kind::Png)?);
                }
            }
            Ok(Rendering {
                images: 1.0,
                megapixels: megapixels(&files[..1]),
                files,
                ..Rendering::default()
            })
        }
        Work::Enlarge { image, factor, format } => {
            enlarge(&first(inputs)?.picture, image, *factor, *format)
        }
        Work::Film(it) => {
            let mut dice = dice(order, inputs, (0, 0), 0);
            let file = film::render(it, inputs, nsfw, &mut dice)?;
            let seconds = f64::from(it.seconds);
            Ok(Rendering { files: vec![file], images: 1.0, seconds, ..Rendering::default() })
        }
        Work::Describe { .. } => {
            let text = describe::describe(inputs);
            Ok(Rendering { images: 1.0, text: Some(text), ..Rendering::default() })
        }
    }
}

/// What files come to in megapixels, each rounded up, as they are billed.
fn megapixels(files: &[Made]) -> f64 {
    let each = |it: &Made| (f64::from(it.width) * f64::from(it.height) / 1e6).ceil().max(1.0);
    files.iter().map(each).sum()
}

fn pictures(
    n_images: u32,
    format: Kind,
    price_factor: f64,
    nsfw: bool,
    render: impl Fn(u32) -> Picture,
) -> Result<Rendering, Refusal> {
    let mut files = Vec::new();
    for number in 0..n_images {
        let mut picture = render(number);
        if nsfw {
            // What a safety checker leaves of a picture.
            picture = Picture::filled(picture.width(), picture.height(), [0, 0, 0, 255]);
        }
        files.push(made(&picture, format)?);
    }
    Ok(Rendering {
        images: f64::from(n_images) * price_factor,
        megapixels: megapixels(&files) * price_factor,
        files,
        ..Rendering::default()
    })
}

fn enlarge(
    picture: &Picture,
    source: &Source,
    factor: f64,
    kind: Kind,
) -> Result<Rendering, Refusal> {
    let side = |it: u32| (f64::from(it) * factor).round() as u32;
    let (width, height) = (side(picture.width()), side(picture.height()));
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        let most = (MOST_PIXELS as f64).sqrt() as u32;
        let problem = Problem::new(
            source.field,
            source.index,
            "image_too_large",
            "The image is too large to be enlarged by this factor",
        );
        return Err(Refusal::invalid(problem.with(json!({"max_height": most, "max_width": most}))));
    }
    let mut large = picture.resize(Fit::Exact(width, height));
    large.sharpen(0.6);
    let files = vec![made(&large, kind)?];
    Ok(Rendering { images: 1.0, megapixels: megapixels(&files), files, ..Rendering::default() })
}

fn references(inputs: &[Input]) -> Vec<Picture> {
    inputs.iter().map(|it| it.picture.resize(Fit::LongEdge(REFERENCE_EDGE))).collect()
}

/// The die for one output.
fn dice(order: &Order, inputs: &[Input], size: (u32, u32), number: u32) -> Dice {
    let mut hash = Sha256::new();
    hash.update(order.model.endpoint);
    hash.update([0]);
    hash.update(order.prompt());
    for input in inputs {
        hash.update(input.hash);
    }
    hash.update(size.0.to_be_bytes());
    hash.update(size.1.to_be_bytes());
    hash.update(order.seed.to_be_bytes());
    hash.update(number.to_be_bytes());
    Dice::new(hash.finalize().into())
}

fn first(inputs: &[Input]) -> Result<&Input, Refusal> {
    inputs.first().ok_or_else(unrenderable)
}

fn made(picture: &Picture, kind: Kind) -> Result<Made, Refusal> {
    let bytes = picture.encode(kind, 90).map_err(|error| {
        tracing::error!(error = &error as &dyn std::error::Error, "cannot encode a result");
        unrenderable()
    })?;
    Ok(Made { bytes, kind, width: picture.width(), height: picture.height() })
}

fn unrenderable() -> Refusal {
    Refusal::flat(500, "runner_server_error", "The runner failed")
}

fn sides(picture: &Picture) -> (u32, u32) {
    (picture.width(), picture.height())
}
