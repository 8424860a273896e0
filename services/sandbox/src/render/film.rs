//! A still made to move: a camera that travels over it.

use pixels::video::Film as Encoder;
use pixels::{Fit, Kind, Picture, Window};

use super::backdrop::mixed;
use super::dice::Dice;
use super::{Input, Made, REFERENCE_EDGE, first, unrenderable};
use crate::model::Film;
use crate::refusal::Refusal;

/// Frames a second: enough to see the move, few enough for a test.
const FPS: u32 = 10;

pub(super) fn render(
    film: &Film,
    inputs: &[Input],
    nsfw: bool,
    dice: &mut Dice,
) -> Result<Made, Refusal> {
    let start = &first(inputs)?.picture;
    let (width, height) = sides(film, start);
    // Larger than the frame by the closest that the camera comes.
    let stage = |it: &Picture| {
        it.resize(Fit::LongEdge(REFERENCE_EDGE * 2))
            .resize(Fit::Cover(width * 5 / 4, height * 5 / 4))
            .flattened([255, 255, 255])
    };
    let start = stage(start);
    let end = inputs.get(1).map(|it| stage(&it.picture));
    let (from, to) = moves(&film.prompt.to_lowercase(), dice);
    let n_frames = film.seconds * FPS;
    let make = || -> pixels::Result<Vec<u8>> {
        let mut encoder = Encoder::new(width, height, FPS)?;
        for number in 0..n_frames {
            let time = f64::from(number) / f64::from(n_frames.max(2) - 1);
            // Slow at both ends, as a dolly is.
            let eased = time * time * (3.0 - 2.0 * time);
            let window = view(&start, from, to, eased);
            let mut frame = start.window(window, width, height);
            if let Some(end) = &end {
                let share = ((time - 0.5) * 2.0).max(0.0) as f32;
                frame = mixed(&frame, &end.window(window, width, height), share);
            }
            if nsfw {
                frame = Picture::filled(width, height, [0, 0, 0, 255]);
            }
            encoder.push(&frame)?;
        }
        encoder.finish()
    };
    let bytes = make().map_err(|error| {
        tracing::error!(error = &error as &dyn std::error::Error, "cannot encode a film");
        unrenderable()
    })?;
    Ok(Made { bytes, kind: Kind::Mp4, width: width & !1, height: height & !1 })
}

fn sides(film: &Film, still: &Picture) -> (u32, u32) {
    let (across, down) = film.ratio.unwrap_or((still.width(), still.height()));
    let ratio = (f64::from(across) / f64::from(down)).clamp(0.42, 2.4);
    let short = f64::from(film.short_side);
    let long = |it: f64| ((it / 2.0).round() as u32) * 2;
    if ratio < 1.0 {
        (film.short_side, long(short / ratio))
    } else {
        (long(short * ratio), film.short_side)
    }
}

/// Where the camera looks: how near, and where between left and right, above and below.
type View = (f64, f64, f64);

fn moves(prompt: &str, dice: &mut Dice) -> (View, View) {
    let zoom = f64::from(dice.between(0.76, 0.86));
    let at = f64::from(dice.between(0.3, 0.7));
    let down = f64::from(dice.between(0.2, 0.5));
    let all = [
        ((1.0, 0.5, 0.5), (zoom, at, down)),
        ((zoom, at, down), (1.0, 0.5, 0.5)),
        ((zoom, 0.0, down), (zoom, 1.0, down)),
        ((zoom, 1.0, down), (zoom, 0.0, down)),
        ((zoom, at, 1.0), (zoom, at, 0.0)),
    ];
    let rolled = (dice.roll() % all.len() as u64) as usize;
    let words = ["zoom in", "zoom out", "pan right", "pan left", "tilt up"];
    all[words.iter().position(|it| prompt.contains(it)).unwrap_or(rolled)]
}

fn view(stage: &Picture, from: View, to: View, time: f64) -> Window {
    let between = |a: f64, b: f64| a + (b - a) * time;
    let zoom = between(from.0, to.0);
    let (width, height) = (f64::from(stage.width()), f64::from(stage.height()));
    Window {
        left: width * (1.0 - zoom) * between(from.1, to.1),
        top: height * (1.0 - zoom) * between(from.2, to.2),
        width: width * zoom,
        height: height * zoom,
    }
}
