//! How alike two pictures are: what tests need to prove that something can be seen.

use crate::picture::Picture;
use crate::resize::Fit;

/// The mean difference of two pictures as a person would see them from afar: 0 the same, 1 black
/// against white. Sizes need not agree.
pub fn difference(one: &Picture, other: &Picture) -> f32 {
    let small = |it: &Picture| it.resize(Fit::Exact(32, 32)).flattened([255, 255, 255]);
    let (one, other) = (small(one), small(other));
    let sum: u32 =
        one.pixels().iter().zip(other.pixels()).map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
    // Alpha is 255 in both and adds nothing: three channels count.
    sum as f32 / (32.0 * 32.0 * 3.0 * 255.0)
}

/// How much of the colours two pictures share, wherever these stand: 0 none, 1 all. Transparent
/// pixels do not count.
pub fn colour_similarity(one: &Picture, other: &Picture) -> f32 {
    histogram(one).iter().zip(histogram(other)).map(|(a, b)| a.min(b)).sum()
}

/// Shares of the 512 colours that eight steps a channel make.
fn histogram(picture: &Picture) -> [f32; 512] {
    let (mut bins, mut whole) = ([0f32; 512], 0f32);
    for pixel in picture.resize(Fit::LongEdge(256)).pixels().chunks_exact(4) {
        let [r, g, b] = [pixel[0], pixel[1], pixel[2]].map(|it| usize::from(it >> 5));
        let weight = f32::from(pixel[3]) / 255.0;
        bins[r << 6 | g << 3 | b] += weight;
        whole += weight;
    }
    if whole > 0.0 { bins.map(|it| it / whole) } else { bins }
}

/// Where one picture was found inside another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// The left edge, as a share of the scene's width.
    pub left: f32,
    /// The upper edge, as a share of the scene's height.
    pub top: f32,
    /// The width, as a share of the scene's width.
    pub width: f32,
    /// The mean difference of the opaque pixels there: 0 the same, 1 black against white.
    pub difference: f32,
}

/// Looks for `part` in `scene` at every place and many sizes, and answers the likest.
///
/// Coarse on purpose: the scene is looked at 128 pixels long, so that it sees what a person sees at
/// a glance, and shading or soft edges do not hide a garment. A part smaller than some 20 of these
/// pixels is not looked for: too little of its pattern would be left.
pub fn locate(part: &Picture, scene: &Picture) -> Found {
    let scene = scene.resize(Fit::LongEdge(128)).flattened([255, 255, 255]);
    let mut best = Found { left: 0.0, top: 0.0, width: 0.0, difference: 1.0 };
    for step in 0..17 {
        let width = (18.0 * 1.13f32.powi(step)) as u32;
        let height = width * part.height() / part.width();
        if width > scene.width() || height > scene.height() || height < 4 {
            continue;
        }
        let part = part.resize(Fit::Exact(width, height));
        for top in 0..=scene.height() - height {
            for left in 0..=scene.width() - width {
                let difference = difference_at(&part, &scene, left, top, best.difference);
                if difference < best.difference {
                    best = Found {
                        left: left as f32 / scene.width() as f32,
                        top: top as f32 / scene.height() as f32,
                        width: width as f32 / scene.width() as f32,
                        difference,
                    };
                }
            }
        }
    }
    best
}

fn difference_at(part: &Picture, scene: &Picture, left: u32, top: u32, enough: f32) -> f32 {
    let (mut sum, mut weight) = (0u32, 0u32);
    let opaque = part.pixels().chunks_exact(4).filter(|it| it[3] > 200).count() as u32;
    if opaque == 0 {
        return 1.0;
    }
    let most = (enough * 3.0 * 255.0 * opaque as f32) as u32;
    let row_bytes = part.width() as usize * 4;
    for (row, line) in part.pixels().chunks_exact(row_bytes).enumerate() {
        let at = ((top as usize + row) * scene.width() as usize + left as usize) * 4;
        let under = &scene.pixels()[at..at + row_bytes];
        for (over, under) in line.chunks_exact(4).zip(under.chunks_exact(4)) {
            if over[3] > 200 {
                weight += 1;
                for channel in 0..3 {
                    sum += u32::from(over[channel].abs_diff(under[channel]));
                }
            }
        }
        if sum > most {
            return 1.0;
        }
    }
    sum as f32 / (weight.max(1) as f32 * 3.0 * 255.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(colour: [u8; 4]) -> Picture {
        let mut picture = Picture::filled(60, 60, [250, 250, 250, 255]);
        for y in 0..60 {
            for x in 0..60 {
                if (x / 15 + y / 15) % 2 == 0 {
                    picture.set(x, y, colour);
                }
            }
        }
        picture
    }

    #[test]
    fn differences_are_between_none_and_all() {
        let black = Picture::filled(10, 10, [0, 0, 0, 255]);
        let white = Picture::filled(99, 7, [255, 255, 255, 255]);
        assert_eq!(difference(&black, &black), 0.0);
        assert!((difference(&black, &white) - 1.0).abs() < 0.001);
        assert_eq!(colour_similarity(&black, &white), 0.0);
        assert!(colour_similarity(&black, &black) > 0.999);
    }

    #[test]
    fn a_part_is_found_where_it_is() {
        let part = checked([200, 20, 20, 255]);
        let mut scene = Picture::filled(300, 300, [60, 120, 90, 255]);
        scene.lay(&part.resize(Fit::Exact(90, 90)), 150, 60);
        let found = locate(&part, &scene);
        assert!(found.difference < 0.09, "{found:?}");
        assert!((found.left - 0.5).abs() < 0.03 && (found.top - 0.2).abs() < 0.03, "{found:?}");

        let other = locate(&checked([20, 20, 200, 255]), &scene);
        assert!(other.difference > found.difference + 0.05, "{other:?}");
    }
}
