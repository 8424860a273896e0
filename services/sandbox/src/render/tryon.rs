//! A garment put on somebody who is already in a photograph.

use pixels::Picture;

use super::dice::Dice;
use super::dress::{self, Place};
use super::figure::Body;

pub(super) fn render(
    person: &Picture,
    garment: &Picture,
    category: &str,
    dice: &mut Dice,
) -> Picture {
    let mut picture = person.flattened([255, 255, 255]);
    let cut = person.cut_out(36);
    let (left, top, width, height) = dress::bounds(&cut.picture);
    let (width, height) = (width as f32, height as f32);
    // Arms may reach out to one side; the head stands over the middle.
    let x = if cut.is_clean {
        dress::weight(&cut.picture, top, (height * 0.12) as u32)
    } else {
        left as f32 + width / 2.0
    };
    let x = x + dice.between(-0.004, 0.004) * width;
    // A tall outline is somebody from head to foot; a broad one is cut at the hips.
    let whole = if height / width > 1.9 { height } else { height * 1.75 };
    let body = Body::standing(x, top as f32, whole * dice.between(0.985, 1.015));
    let place = match category {
        "tops" | "upper_body" | "upper" | "inner" | "outer" => Place::Top,
        "bottoms" | "lower_body" | "lower" => Place::Bottom,
        "one-pieces" | "dresses" | "overall" => Place::Whole,
        _ => Place::guess("", garment),
    };
    let light = dice.between(-0.8, 0.8);
    dress::dress(&mut picture, &body, garment, place, light);
    picture.develop(dice.roll(), 2.0, 0.05);
    picture
}
