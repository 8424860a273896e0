//! Putting what was sent in onto a figure: its own pixels, cut out, scaled, lit.

use pixels::draw::{Paint, Shape};
use pixels::{Fit, Picture};

use super::dice::Dice;
use super::figure::Body;
use super::palette::{Palette, scaled, solid};
use super::person::Face;

/// Where on the body something is worn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Top,
    Bottom,
    Whole,
    Feet,
    Hand,
    Head,
}

impl Place {
    /// Guesses from words, then from the shape of the thing.
    pub(super) fn guess(words: &str, garment: &Picture) -> Self {
        let words = words.to_lowercase();
        let has = |list: &[&str]| list.iter().any(|it| words.contains(it));
        let ratio = garment.height() as f32 / garment.width() as f32;
        if has(&["dress", "jumpsuit", "one-piece", "overall", "gown", "coat", "robe"]) {
            Self::Whole
        } else if has(&[
            "shirt", "jacket", "sweater", "hoodie", "blouse", "blazer", "tops", "upper",
        ]) {
            Self::Top
        } else if has(&["trouser", "jeans", "skirt", "shorts", "pants", "bottoms", "lower"]) {
            Self::Bottom
        } else if has(&["sneaker", "shoe", "boot", "sandal", "heels"]) {
            Self::Feet
        } else if has(&["handbag", "tote", "purse", "backpack"]) {
            Self::Hand
        } else if has(&["hat", "beanie", "baseball cap"]) && ratio < 1.2 {
            Self::Head
        } else if ratio > 1.55 {
            Self::Whole
        } else {
            Self::Top
        }
    }
}

/// Dresses the figure in the picture with a garment's own pixels.
pub(super) fn dress(
    picture: &mut Picture,
    body: &Body,
    garment: &Picture,
    place: Place,
    light: f32,
) {
    let garment = garment.cut_out(40).picture.trimmed();
    // The most it may take, in heights: width, height; and where its upper edge hangs.
    let (wide, high, down) = match place {
        // With sleeves it is broad, without it is as wide as the shoulders.
        Place::Top if garment.height() * 4 < garment.width() * 5 => (0.47, 0.46, 0.156),
        Place::Top => (0.32, 0.44, 0.158),
        Place::Whole => (0.42, 0.68, 0.156),
        Place::Bottom => (0.28, 0.50, 0.455),
        Place::Feet => (0.26, 0.12, 0.885),
        Place::Hand => (0.22, 0.24, 0.480),
        Place::Head => (0.16, 0.13, -0.045),
    };
    let side = |it: f32| (it * body.height).max(2.0) as u32;
    let mut worn = garment.resize(Fit::Within(side(wide), side(high)));
    worn.wrap_light(0.35, light);
    let across = if place == Place::Hand { 0.17 } else { 0.0 };
    let (x, y) = body.at(across, down);
    let left = (x - worn.width() as f32 / 2.0) as i32;
    cast(picture, &worn, left, y as i32, light, body.height);
    picture.lay(&worn, left, y as i32);
}

/// A garment that nobody sent in.
pub(super) fn dress_plainly(
    picture: &mut Picture,
    body: &Body,
    palette: &Palette,
    light: f32,
    dice: &mut Dice,
) {
    let hem = dice.one_of(&[0.50, 0.54, 0.72, 0.80]);
    let flare = if hem > 0.6 { dice.between(0.12, 0.20) } else { dice.between(0.10, 0.12) };
    let outline = [
        (-0.122, 0.186),
        (-0.040, 0.158),
        (0.0, 0.182),
        (0.040, 0.158),
        (0.122, 0.186),
        (0.098, 0.280),
        (0.086, 0.390),
        (flare, hem),
        (-flare, hem),
        (-0.086, 0.390),
        (-0.098, 0.280),
    ];
    let outline = outline.map(|(across, down)| body.at(across, down)).to_vec();
    let paint = Paint {
        colour: solid(palette.garment),
        softness: (body.height / 500.0).max(1.5),
        roundness: 1.0,
        light,
    };
    picture.paint(&Shape::Polygon(outline), &paint);
    for side in [-1.0, 1.0] {
        let sleeve = Shape::Limb {
            from: body.at(side * 0.104, 0.200),
            to: body.at(side * 0.132, 0.285),
            from_radius: 0.036 * body.height,
            to_radius: 0.034 * body.height,
        };
        picture.paint(&sleeve, &paint);
    }
    // Folds, or stripes where the die likes them.
    let n_folds = 2 + dice.roll() % 4;
    for _ in 0..n_folds {
        let across = dice.between(-0.07, 0.07);
        let fold = Shape::Limb {
            from: body.at(across * 0.8, dice.between(0.24, 0.36)),
            to: body.at(across * 1.3, hem - 0.02),
            from_radius: 0.001 * body.height,
            to_radius: 0.005 * body.height,
        };
        let [r, g, b] = scaled(palette.garment, 0.72);
        let paint = Paint { softness: 0.008 * body.height, ..Paint::flat([r, g, b, 130]) };
        picture.paint(&fold, &paint);
    }
}

/// Gives the figure the head of a person in a picture, and answers that person's skin.
pub(super) fn head(picture: &mut Picture, body: &Body, face: &Face, light: f32) {
    let Shape::Ellipse { centre, radii } = body.head() else { return };
    // A little larger than the painted head: what is sent in has hair of its own.
    let (width, height) = ((radii.0 * 2.5) as u32, (radii.1 * 2.4) as u32);
    let mut head = face.picture.resize(Fit::Cover(width, height));
    let (half_width, half_height) = (head.width() as f32 / 2.0, head.height() as f32 / 2.0);
    let oval = Shape::Ellipse {
        centre: (half_width, half_height),
        radii: (half_width * 0.93, half_height * 0.95),
    };
    head.mask(&oval, half_width * 0.22);
    head.wrap_light(0.25, light);
    picture.lay(&head, (centre.0 - half_width) as i32, (centre.1 - half_height) as i32);
}

/// The soft shadow that a garment casts on whoever wears it.
fn cast(picture: &mut Picture, worn: &Picture, left: i32, top: i32, light: f32, height: f32) {
    let small = worn.resize(Fit::Exact(worn.width() / 8 + 1, worn.height() / 8 + 1));
    let mut shadow = small.resize(Fit::Exact(worn.width(), worn.height()));
    for pixel in shadow.pixels_mut().chunks_exact_mut(4) {
        pixel.copy_from_slice(&[18, 16, 22, pixel[3] / 4]);
    }
    let offset = (height * 0.008) as i32;
    picture.lay(&shadow, left - (light * offset as f32) as i32, top + offset);
}
