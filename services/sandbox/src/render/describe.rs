//! Pictures put into words: what can be measured, said plainly.

use pixels::{Fit, Picture};

use super::Input;
use super::palette;

pub(super) fn describe(inputs: &[Input]) -> String {
    let sentences: Vec<String> = inputs.iter().map(|it| sentence(&it.picture)).collect();
    sentences.join(" ")
}

fn sentence(picture: &Picture) -> String {
    let small = picture.resize(Fit::LongEdge(256));
    let cut = small.cut_out(40);
    let shape = match picture.width().cmp(&picture.height()) {
        std::cmp::Ordering::Less => "portrait",
        std::cmp::Ordering::Equal => "square",
        std::cmp::Ordering::Greater => "landscape",
    };
    let [r, g, b] = small.average().map(u32::from);
    let light = match (r * 2 + g * 5 + b) / 8 {
        0..80 => "dark",
        80..170 => "evenly lit",
        _ => "bright",
    };
    let thing = palette::name(cut.picture.average());
    if cut.is_clean {
        let border = small.crop(0, 0, small.width(), (small.height() / 20).max(1));
        let ground = palette::name(border.average());
        format!("A {light} {shape} picture of a {thing} piece on a plain {ground} background.")
    } else {
        format!("A {light} {shape} picture, mostly {thing}, with a busy background.")
    }
}
