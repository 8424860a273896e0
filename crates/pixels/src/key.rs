//! Cutting a thing out of its background by colour.
//!
//! A flood from the border through everything that looks like the border. It is no neural network:
//! it does product photographs and studio pictures well and street scenes badly, and says which.

use std::collections::VecDeque;

use crate::picture::Picture;
use crate::resize::Fit;

/// The long edge at which the flood runs; the mask is enlarged softly.
const WORKING_EDGE: u32 = 640;

/// A thing without its background.
#[derive(Clone, Debug)]
pub struct Cutout {
    /// The picture, background transparent, same size as before.
    pub picture: Picture,
    /// Whether there was a plain background to remove. Where not, an oval was kept.
    pub is_clean: bool,
}

impl Picture {
    /// Makes the background transparent. `tolerance` between 0 and 255: how far from the border's
    /// colours the background may stray; 40 suits studio pictures.
    ///
    /// A picture that is already cut out comes back unchanged.
    pub fn cut_out(&self, tolerance: u8) -> Cutout {
        if self.coverage() < 0.97 {
            return Cutout { picture: self.clone(), is_clean: true };
        }
        let small = self.resize(Fit::LongEdge(WORKING_EDGE));
        let mut background = flood(&small, i32::from(tolerance));
        sweep(&mut background, small.width() as usize);
        let n_background = background.iter().filter(|it| **it).count();
        let share = n_background as f32 / background.len() as f32;
        let is_clean = (0.04..0.97).contains(&share);
        let mask = if is_clean { thicken(&background, &small) } else { oval(&small) };
        Cutout { picture: self.with_mask(&mask), is_clean }
    }

    /// Cuts off transparent margins.
    pub fn trimmed(&self) -> Self {
        let (mut left, mut top, mut right, mut bottom) = (self.width(), self.height(), 0, 0);
        let row_bytes = self.width() as usize * 4;
        for (y, row) in (0u32..).zip(self.pixels().chunks_exact(row_bytes)) {
            for (x, pixel) in (0u32..).zip(row.chunks_exact(4)) {
                if pixel[3] > 40 {
                    (left, right) = (left.min(x), right.max(x));
                    (top, bottom) = (top.min(y), bottom.max(y));
                }
            }
        }
        if left > right {
            return self.clone();
        }
        self.crop(left, top, right - left + 1, bottom - top + 1)
    }

    /// The alpha channel as a picture: white where opaque.
    pub fn alpha_mask(&self) -> Self {
        let mut mask = self.clone();
        for pixel in mask.pixels_mut().chunks_exact_mut(4) {
            *pixel.first_chunk_mut().expect("four bytes") = [pixel[3], pixel[3], pixel[3], 255];
        }
        mask
    }

    /// Takes the mask's brightness, brought to this size, for alpha.
    fn with_mask(&self, mask: &Self) -> Self {
        let mask = mask.resize(Fit::Exact(self.width(), self.height()));
        let mut cut = self.clone();
        for (pixel, mask) in cut.pixels_mut().chunks_exact_mut(4).zip(mask.pixels().chunks_exact(4))
        {
            pixel[3] = mask[0];
        }
        cut
    }
}

/// Marks what can be reached from the border in small steps without straying far from where the
/// step began at the border.
fn flood(picture: &Picture, tolerance: i32) -> Vec<bool> {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let colours: Vec<[i32; 3]> = picture
        .pixels()
        .chunks_exact(4)
        .map(|it| [it[0].into(), it[1].into(), it[2].into()])
        .collect();
    let typical = border_median(&colours, width, height);
    let mut reached = vec![false; colours.len()];
    let mut queue = VecDeque::new();
    let border = (0..width)
        .flat_map(|x| [x, (height - 1) * width + x])
        .chain((0..height).flat_map(|y| [y * width, y * width + width - 1]));
    for at in border {
        if !reached[at] && apart(colours[at], typical) < tolerance * 3 {
            reached[at] = true;
            queue.push_back((at, colours[at]));
        }
    }
    // A gradient is many small steps; an edge is one large one.
    let step = (tolerance / 4).max(6);
    while let Some((at, origin)) = queue.pop_front() {
        let (x, y) = (at % width, at / width);
        let neighbours = [
            (x > 0).then(|| at - 1),
            (x + 1 < width).then(|| at + 1),
            (y > 0).then(|| at - width),
            (y + 1 < height).then(|| at + width),
        ];
        for next in neighbours.into_iter().flatten() {
            if !reached[next]
                && apart(colours[next], colours[at]) < step
                && apart(colours[next], origin) < tolerance * 3 / 2
            {
                reached[next] = true;
                queue.push_back((next, origin));
            }
        }
    }
    reached
}

/// Counts specks as background: islands of less than a fiftieth of the largest one.
fn sweep(background: &mut [bool], width: usize) {
    let mut island = vec![0u32; background.len()];
    let mut sizes = vec![0usize];
    let mut shore = Vec::new();
    for start in 0..background.len() {
        if background[start] || island[start] != 0 {
            continue;
        }
        let number = sizes.len() as u32;
        let mut size = 0;
        island[start] = number;
        shore.push(start);
        while let Some(at) = shore.pop() {
            size += 1;
            let x = at % width;
            let neighbours = [
                (x > 0).then(|| at - 1),
                (x + 1 < width).then(|| at + 1),
                at.checked_sub(width),
                (at + width < background.len()).then(|| at + width),
            ];
            for next in neighbours.into_iter().flatten() {
                if !background[next] && island[next] == 0 {
                    island[next] = number;
                    shore.push(next);
                }
            }
        }
        sizes.push(size);
    }
    let least = sizes.iter().max().copied().unwrap_or_default() / 50;
    for (background, island) in background.iter_mut().zip(island) {
        *background |= sizes[island as usize] < least;
    }
}

/// The largest difference of any channel.
fn apart(one: [i32; 3], other: [i32; 3]) -> i32 {
    (0..3).map(|channel| (one[channel] - other[channel]).abs()).max().unwrap_or_default()
}

fn border_median(colours: &[[i32; 3]], width: usize, height: usize) -> [i32; 3] {
    let mut border: Vec<[i32; 3]> = (0..width).map(|x| colours[x]).collect();
    border.extend((0..height).flat_map(|y| [colours[y * width], colours[y * width + width - 1]]));
    std::array::from_fn(|channel| {
        let mut values: Vec<i32> = border.iter().map(|it| it[channel]).collect();
        values.sort_unstable();
        values[values.len() / 2]
    })
}

/// Turns the flood into a mask whose edge is soft and whose pinholes are closed.
fn thicken(background: &[bool], picture: &Picture) -> Picture {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let mut mask = Picture::filled(picture.width(), picture.height(), [0, 0, 0, 255]);
    for y in 0..height {
        for x in 0..width {
            let (mut n_background, mut n_all) = (0u32, 0u32);
            for near_y in y.saturating_sub(1)..(y + 2).min(height) {
                for near_x in x.saturating_sub(1)..(x + 2).min(width) {
                    n_all += 1;
                    n_background += u32::from(background[near_y * width + near_x]);
                }
            }
            let inside = 1.0 - n_background as f32 / n_all as f32;
            let value = (crate::draw::smooth(inside * 1.6 - 0.3) * 255.0) as u8;
            mask.set(x as u32, y as u32, [value, value, value, 255]);
        }
    }
    mask
}

/// What is kept where nothing can be told apart: an oval in the middle.
fn oval(picture: &Picture) -> Picture {
    let (width, height) = (picture.width(), picture.height());
    let mut mask = Picture::filled(width, height, [0, 0, 0, 255]);
    let (half_width, half_height) = (width as f32 / 2.0, height as f32 / 2.0);
    let shape = crate::draw::Shape::Ellipse {
        centre: (half_width, half_height),
        radii: (half_width * 0.86, half_height * 0.94),
    };
    let paint = crate::draw::Paint {
        softness: half_width * 0.12,
        ..crate::draw::Paint::flat([255, 255, 255, 255])
    };
    mask.paint(&shape, &paint);
    mask
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::{Backdrop, Paint, Shape};

    #[test]
    fn a_thing_on_a_plain_ground_is_cut_out() {
        let mut picture = Picture::filled(300, 400, [240, 240, 236, 255]);
        let shape = Shape::Ellipse { centre: (150.0, 200.0), radii: (80.0, 120.0) };
        picture.paint(&shape, &Paint::flat([180, 20, 40, 255]));
        let cut = picture.cut_out(40);
        assert!(cut.is_clean);
        assert_eq!(cut.picture.get(150, 200), [180, 20, 40, 255]);
        assert_eq!(cut.picture.get(5, 5)[3], 0);
        let expected = std::f32::consts::PI * 80.0 * 120.0 / (300.0 * 400.0);
        assert!((cut.picture.coverage() - expected).abs() < 0.02);

        let trimmed = cut.picture.trimmed();
        assert!(trimmed.width().abs_diff(160) < 8 && trimmed.height().abs_diff(240) < 8);
    }

    #[test]
    fn a_gradient_is_a_background_too() {
        let backdrop = Backdrop {
            top: [230, 228, 220],
            bottom: [190, 186, 180],
            floor: [160, 150, 140],
            horizon: 0.8,
            curve: 0.2,
            lamp: (0.3, 0.2),
            glow: 0.5,
        };
        let mut picture = Picture::studio(300, 400, &backdrop);
        let shape = Shape::Ellipse { centre: (150.0, 200.0), radii: (70.0, 100.0) };
        picture.paint(&shape, &Paint::flat([20, 60, 40, 255]));
        let cut = picture.cut_out(40);
        assert!(cut.is_clean);
        for (x, y) in [(3, 3), (296, 3), (3, 396), (296, 396)] {
            assert_eq!(cut.picture.get(x, y)[3], 0, "{x} {y}");
        }
        assert_eq!(cut.picture.get(150, 200)[3], 255);
    }

    #[test]
    fn where_nothing_stands_out_an_oval_is_kept() {
        let cut = Picture::filled(100, 100, [10, 200, 10, 255]).cut_out(40);
        assert!(!cut.is_clean);
        assert_eq!(cut.picture.get(50, 50)[3], 255);
        assert_eq!(cut.picture.get(1, 1)[3], 0);
    }
}
