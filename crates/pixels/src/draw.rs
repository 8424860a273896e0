//! Painting: enough to compose a studio picture, and fast enough to do it in a test.
//!
//! Shapes are signed distances: inside is negative, the distance gives the soft edge for nothing,
//! and the place across the shape gives the shading that makes it look round.

mod shape;

pub use shape::Shape;

use crate::picture::Picture;

/// How a shape is painted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Paint {
    /// The colour; its alpha is how much it covers.
    pub colour: [u8; 4],
    /// How many pixels the edge takes to fade.
    pub softness: f32,
    /// How round the shape looks: 0 flat, 1 a cylinder.
    pub roundness: f32,
    /// Where the light comes from: -1 left, 0 front, 1 right.
    pub light: f32,
}

impl Paint {
    /// A flat colour with a clean edge.
    pub fn flat(colour: [u8; 4]) -> Self {
        Self { colour, softness: 1.5, roundness: 0.0, light: 0.0 }
    }
}

/// A wall, a floor and a lamp.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backdrop {
    /// The wall's colour at the top.
    pub top: [u8; 3],
    /// The wall's colour where it meets the floor.
    pub bottom: [u8; 3],
    /// The floor's colour.
    pub floor: [u8; 3],
    /// Where the floor begins, as a share of the height; 1 or more: no floor.
    pub horizon: f32,
    /// How softly wall and floor meet, as a share of the height.
    pub curve: f32,
    /// Where the lamp's spot is, as shares of width and height.
    pub lamp: (f32, f32),
    /// How bright the spot is: 0 off, 1 glaring.
    pub glow: f32,
}

impl Picture {
    /// Paints an empty studio.
    pub fn studio(width: u32, height: u32, backdrop: &Backdrop) -> Self {
        let mut picture = Self::filled(width, height, [0, 0, 0, 255]);
        let (width, height) = (picture.width() as f32, picture.height() as f32);
        let row_bytes = picture.width() as usize * 4;
        let (lamp_x, lamp_y) = (backdrop.lamp.0 * width, backdrop.lamp.1 * height);
        let reach = 1.0 / (0.75 * width.max(height)).powi(2);
        for (y, row) in picture.pixels_mut().chunks_exact_mut(row_bytes).enumerate() {
            let y = y as f32;
            let down = (y / height / backdrop.horizon.max(0.01)).min(1.0);
            let floor = smooth((y / height - backdrop.horizon) / backdrop.curve.max(0.001) + 0.5);
            let mut base = [0f32; 3];
            for (channel, base) in base.iter_mut().enumerate() {
                let wall = mix(backdrop.top[channel].into(), backdrop.bottom[channel].into(), down);
                *base = mix(wall, backdrop.floor[channel].into(), floor);
            }
            let dy = (y - lamp_y).powi(2);
            for (x, pixel) in row.chunks_exact_mut(4).enumerate() {
                let near = ((x as f32 - lamp_x).powi(2) + dy) * reach;
                let light = 1.0 + backdrop.glow * (0.45 / (1.0 + 4.0 * near) - 0.22);
                for channel in 0..3 {
                    pixel[channel] = (base[channel] * light) as u8;
                }
            }
        }
        picture
    }

    /// Paints a shape.
    pub fn paint(&mut self, shape: &Shape, paint: &Paint) {
        let alpha = f32::from(paint.colour[3]) / 255.0;
        self.inside(shape, paint.softness, |pixel, coverage, across| {
            let lit = lighting(paint, across);
            let share = coverage * alpha;
            for (channel, colour) in pixel.iter_mut().zip(&paint.colour[..3]) {
                let colour = (f32::from(*colour) * lit).min(255.0);
                *channel = mix((*channel).into(), colour, share) as u8;
            }
            pixel[3] = mix(pixel[3].into(), 255.0, share) as u8;
        });
    }

    /// Makes everything outside a shape transparent.
    pub fn mask(&mut self, shape: &Shape, softness: f32) {
        let mut masked = Self::filled(self.width(), self.height(), [0, 0, 0, 0]);
        let (source, width) = (self.pixels().to_vec(), self.width() as usize);
        shape::each(shape, softness, (self.width(), self.height()), |x, y, coverage, _| {
            let at = (y * width + x) * 4;
            let pixel = &mut masked.pixels_mut()[at..at + 4];
            pixel.copy_from_slice(&source[at..at + 4]);
            pixel[3] = (f32::from(pixel[3]) * coverage) as u8;
        });
        *self = masked;
    }

    /// Lays a picture over this one, its alpha honoured; what sticks out is left out.
    pub fn lay(&mut self, over: &Self, left: i32, top: i32) {
        let (width, height) = (self.width().cast_signed(), self.height().cast_signed());
        let first = 0.max(-left);
        let last = over.width().cast_signed().min(width - left);
        if first >= last {
            return;
        }
        for row in 0.max(-top)..over.height().cast_signed().min(height - top) {
            let from = ((row * over.width().cast_signed() + first) * 4) as usize;
            let to = (((row + top) * width + left + first) * 4) as usize;
            let bytes = ((last - first) * 4) as usize;
            let source = &over.pixels()[from..from + bytes];
            let target = &mut self.pixels_mut()[to..to + bytes];
            for (over, under) in source.chunks_exact(4).zip(target.chunks_exact_mut(4)) {
                blend(over, under);
            }
        }
    }

    /// Lights the picture as if it were wrapped around a body.
    pub fn wrap_light(&mut self, roundness: f32, light: f32) {
        let width = self.width() as f32;
        let row_bytes = self.width() as usize * 4;
        let paint = Paint { colour: [0; 4], softness: 0.0, roundness, light };
        let factors: Vec<f32> =
            (0..self.width()).map(|x| lighting(&paint, x as f32 / width * 2.0 - 1.0)).collect();
        for row in self.pixels_mut().chunks_exact_mut(row_bytes) {
            for (pixel, factor) in row.chunks_exact_mut(4).zip(&factors) {
                for channel in &mut pixel[..3] {
                    *channel = (f32::from(*channel) * factor).min(255.0) as u8;
                }
            }
        }
    }

    /// Adds film grain and darkens the corners: the last step of a picture.
    pub fn develop(&mut self, seed: u64, grain: f32, vignette: f32) {
        let (width, height) = (self.width() as f32, self.height() as f32);
        let row_bytes = self.width() as usize * 4;
        let mut state = seed | 1;
        for (y, row) in self.pixels_mut().chunks_exact_mut(row_bytes).enumerate() {
            let dy = (y as f32 / height - 0.5).powi(2);
            for (x, pixel) in row.chunks_exact_mut(4).enumerate() {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                let noise = ((state & 0xff) as f32 - 127.5) / 127.5 * grain;
                let dx = (x as f32 / width - 0.5).powi(2);
                let light = 1.0 - vignette * (dx + dy) * 1.4;
                for channel in &mut pixel[..3] {
                    *channel = (f32::from(*channel) * light + noise).clamp(0.0, 255.0) as u8;
                }
            }
        }
    }

    /// Moves every pixel towards a colour.
    pub fn tint(&mut self, colour: [u8; 3], share: f32) {
        for pixel in self.pixels_mut().chunks_exact_mut(4) {
            for (channel, colour) in pixel.iter_mut().zip(colour) {
                *channel = mix((*channel).into(), colour.into(), share) as u8;
            }
        }
    }

    /// Sharpens by an unsharp mask of the four neighbours.
    pub fn sharpen(&mut self, amount: f32) {
        let (width, height) = (self.width() as usize, self.height() as usize);
        if width < 3 || height < 3 {
            return;
        }
        let source = self.pixels().to_vec();
        let row_bytes = width * 4;
        for y in 1..height - 1 {
            for x in 4..row_bytes - 4 {
                if x % 4 == 3 {
                    continue;
                }
                let at = y * row_bytes + x;
                let here = f32::from(source[at]);
                let around = f32::from(source[at - 4])
                    + f32::from(source[at + 4])
                    + f32::from(source[at - row_bytes])
                    + f32::from(source[at + row_bytes]);
                let sharp = here + amount * (here - around / 4.0);
                self.pixels_mut()[at] = sharp.clamp(0.0, 255.0) as u8;
            }
        }
    }

    fn inside(
        &mut self,
        shape: &Shape,
        softness: f32,
        mut change: impl FnMut(&mut [u8], f32, f32),
    ) {
        let width = self.width() as usize;
        let size = (self.width(), self.height());
        let pixels = self.pixels_mut();
        shape::each(shape, softness, size, |x, y, coverage, across| {
            let at = (y * width + x) * 4;
            change(&mut pixels[at..at + 4], coverage, across);
        });
    }
}

/// How bright a place across a round thing is; `across` runs from -1 left to 1 right.
fn lighting(paint: &Paint, across: f32) -> f32 {
    1.0 + paint.roundness * (0.08 + 0.22 * across * paint.light - 0.34 * across * across)
}

fn blend(over: &[u8], under: &mut [u8]) {
    match over[3] {
        0 => {}
        255 => under.copy_from_slice(over),
        alpha => {
            let (above, below) = (u32::from(alpha), u32::from(under[3]));
            // Porter and Duff's "over", alpha not multiplied in.
            let whole = above * 255 + below * (255 - above);
            for channel in 0..3 {
                let sum = u32::from(over[channel]) * above * 255
                    + u32::from(under[channel]) * below * (255 - above);
                under[channel] = (sum / whole.max(1)) as u8;
            }
            under[3] = (whole / 255) as u8;
        }
    }
}

pub(crate) fn mix(from: f32, to: f32, share: f32) -> f32 {
    from + (to - from) * share
}

pub(crate) fn smooth(x: f32) -> f32 {
    let x = x.clamp(0.0, 1.0);
    x * x * (3.0 - 2.0 * x)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RED: [u8; 4] = [200, 0, 0, 255];

    #[test]
    fn shapes_cover_their_inside_and_nothing_else() {
        let shapes = [
            Shape::Ellipse { centre: (50.0, 50.0), radii: (30.0, 20.0) },
            Shape::Limb {
                from: (50.0, 40.0),
                to: (50.0, 60.0),
                from_radius: 15.0,
                to_radius: 25.0,
            },
            Shape::Polygon(vec![(30.0, 30.0), (70.0, 30.0), (80.0, 70.0), (20.0, 70.0)]),
        ];
        for shape in shapes {
            let mut picture = Picture::filled(100, 100, [255, 255, 255, 255]);
            picture.paint(&shape, &Paint::flat(RED));
            assert_eq!(picture.get(50, 50), RED, "{shape:?}");
            assert_eq!(picture.get(2, 2), [255; 4], "{shape:?}");

            let mut picture = Picture::filled(100, 100, RED);
            picture.mask(&shape, 2.0);
            assert_eq!(picture.get(50, 50), RED, "{shape:?}");
            assert_eq!(picture.get(2, 2)[3], 0, "{shape:?}");
        }
    }

    #[test]
    fn laying_outside_is_harmless() {
        let mut under = Picture::filled(10, 10, [0, 0, 0, 255]);
        let over = Picture::filled(10, 10, RED);
        for (left, top) in [(-5, -5), (5, 5), (-50, 0), (0, 50), (100, -100)] {
            under.lay(&over, left, top);
        }
        assert_eq!(under.get(0, 0), RED);
        assert_eq!(under.get(9, 9), RED);
        assert_eq!(under.get(9, 0), [0, 0, 0, 255]);
    }

    #[test]
    fn half_transparent_over_nothing_keeps_its_colour() {
        let mut under = Picture::filled(1, 1, [0, 0, 0, 0]);
        under.lay(&Picture::filled(1, 1, [100, 50, 20, 128]), 0, 0);
        assert_eq!(under.get(0, 0), [100, 50, 20, 128]);
    }

    #[test]
    fn grain_is_repeatable() {
        let developed = |seed| {
            let mut picture = Picture::filled(20, 20, [128, 128, 128, 255]);
            picture.develop(seed, 6.0, 0.3);
            picture
        };
        assert_eq!(developed(3), developed(3));
        assert_ne!(developed(3), developed(5));
    }
}
