//! A garment put on somebody who is already in a photograph.

use pixels::Picture;

use super::dice::Dice;
use super::dress::{self, Place};
use super::figure::Body;
use super::person;

pub(super) fn render(
    model: &Picture,
    garment: &Picture,
    category: &str,
    dice: &mut Dice,
) -> Picture {
    let mut picture = model.flattened([255, 255, 255]);
    let cut = model.cut_out(36);
    let found = person::Place::find(&cut.picture, cut.is_clean);
    let height = found.height() * dice.between(0.985, 1.015);
    let body = Body::standing(found.x + dice.between(-0.004, 0.004) * height, found.top, height);
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
