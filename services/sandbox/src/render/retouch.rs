//! A picture changed by words: what is in it stays, where it is changes.

use pixels::{Fit, Picture, Window};

use super::backdrop;
use super::dice::Dice;
use super::palette::{Palette, rgb};

pub(super) fn render(prompt: &str, base: &Picture, size: (u32, u32), dice: &mut Dice) -> Picture {
    let palette = Palette::of(prompt, dice);
    let cut = base.cut_out(40);
    let mut picture = if cut.is_clean {
        let (mut place, light) = backdrop::paint(size, &palette, None, dice);
        let mut thing = cut.picture.resize(Fit::Within(size.0, size.1));
        thing.wrap_light(0.2, light);
        let left = (size.0 - thing.width().min(size.0)) / 2;
        let top = size.1 - thing.height().min(size.1);
        place.lay(&thing, left.cast_signed(), (top / 2).cast_signed());
        place
    } else {
        // Nothing stands out: a nearer look in another light.
        let (width, height) = (f64::from(base.width()), f64::from(base.height()));
        let zoom = f64::from(dice.between(0.86, 0.96));
        let window = Window {
            left: width * (1.0 - zoom) * f64::from(dice.between(0.0, 1.0)),
            top: height * (1.0 - zoom) * f64::from(dice.between(0.0, 1.0)),
            width: width * zoom,
            height: height * zoom,
        };
        let near = base.window(window, (width * zoom) as u32, (height * zoom) as u32);
        let mut near = near.resize(Fit::Cover(size.0, size.1)).flattened([255, 255, 255]);
        let [hue, saturation, lightness] = palette.wall;
        near.tint(rgb([hue, (saturation * 1.5).min(0.6), lightness]), 0.16);
        near
    };
    picture.develop(dice.roll(), dice.between(2.0, 4.0), dice.between(0.1, 0.35));
    picture
}
