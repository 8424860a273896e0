//! Where a picture is taken.

use pixels::draw::{Backdrop, Paint, Shape};
use pixels::{Fit, Picture};

use super::dice::Dice;
use super::palette::{Palette, rgb};

/// The place, and where its light comes from (-1 left, 1 right).
pub(super) fn paint(
    (width, height): (u32, u32),
    palette: &Palette,
    style: Option<&Picture>,
    dice: &mut Dice,
) -> (Picture, f32) {
    let [hue, saturation, lightness] = palette.wall;
    let drift = dice.between(-24.0, 24.0);
    let light = dice.one_of(&[-0.9, -0.5, 0.4, 0.8]);
    let backdrop = Backdrop {
        top: rgb([hue + drift, saturation, (lightness + dice.between(-0.04, 0.10)).min(0.98)]),
        bottom: rgb([hue, saturation * 0.9, lightness * dice.between(0.80, 0.97)]),
        floor: rgb([hue - drift, saturation * 0.7, lightness * dice.between(0.58, 0.88)]),
        horizon: dice.between(0.70, 0.88),
        curve: dice.one_of(&[0.01, 0.05, 0.16]),
        lamp: (0.5 + light * dice.between(0.2, 0.5), dice.between(0.05, 0.4)),
        glow: dice.between(0.3, 0.9),
    };
    let mut picture = Picture::studio(width, height, &backdrop);
    if let Some(style) = style {
        // A style's colours and large shapes, out of focus.
        let blurred = style.resize(Fit::Cover(24, 24)).flattened([200, 200, 200]);
        let blurred = blurred.resize(Fit::Exact(width, height));
        picture = mixed(&picture, &blurred, 0.55);
    }
    decorate(&mut picture, palette, dice);
    (picture, light)
}

/// A little something behind the figure, or nothing.
fn decorate(picture: &mut Picture, palette: &Palette, dice: &mut Dice) {
    let (width, height) = (picture.width() as f32, picture.height() as f32);
    let [hue, saturation, lightness] = palette.wall;
    let kind = dice.roll() % 4;
    let at = dice.between(0.12, 0.88) * width;
    let size = dice.between(0.16, 0.34) * width.min(height);
    let [r, g, b] =
        rgb([hue + dice.between(-40.0, 40.0), saturation * 1.2, (lightness * 1.08).min(0.95)]);
    let paint = Paint {
        colour: [r, g, b, 150],
        softness: 3.0,
        roundness: 0.3,
        light: dice.between(-1.0, 1.0),
    };
    match kind {
        0 => {
            let centre = (at, height * dice.between(0.2, 0.5));
            picture.paint(&Shape::Ellipse { centre, radii: (size, size) }, &paint);
        }
        1 => {
            let (left, right) = (at - size * 0.6, at + size * 0.6);
            let top = height * dice.between(0.05, 0.25);
            let bottom = height * 0.8;
            let window = vec![(left, top), (right, top), (right, bottom), (left, bottom)];
            picture.paint(&Shape::Polygon(window), &paint);
        }
        2 => {
            let lean = dice.between(-0.3, 0.3) * width;
            let beam = vec![
                (at, 0.0),
                (at + size * 0.7, 0.0),
                (at + size * 0.7 + lean, height),
                (at + lean, height),
            ];
            let paint = Paint { colour: [255, 250, 236, 46], softness: size * 0.3, ..paint };
            picture.paint(&Shape::Polygon(beam), &paint);
        }
        _ => {}
    }
}

/// One picture shining through another of the same size.
pub(super) fn mixed(one: &Picture, other: &Picture, share: f32) -> Picture {
    let mut over = other.clone();
    let alpha = (share.clamp(0.0, 1.0) * 255.0) as u8;
    for pixel in over.pixels_mut().chunks_exact_mut(4) {
        pixel[3] = alpha;
    }
    let mut mixed = one.clone();
    mixed.lay(&over, 0, 0);
    mixed
}
