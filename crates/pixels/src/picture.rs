//! A decoded picture: eight-bit RGBA, row by row from the top, alpha not multiplied in.

use std::fmt;

use crate::error::{Error, Result};
use crate::resize::Fit;

/// A decoded picture. Neither side is ever zero.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    width: u32,
    height: u32,
    // Invariant: width * height * 4 bytes.
    pixels: Vec<u8>,
}

impl Picture {
    /// Makes a picture of one colour. A side of zero becomes one.
    pub fn filled(width: u32, height: u32, colour: [u8; 4]) -> Self {
        let (width, height) = (width.max(1), height.max(1));
        Self { width, height, pixels: colour.repeat(width as usize * height as usize) }
    }

    /// Takes RGBA bytes for a picture.
    pub fn from_rgba(width: u32, height: u32, pixels: Vec<u8>) -> Result<Self> {
        let expected = u64::from(width) * u64::from(height) * 4;
        if expected == 0 || pixels.len() as u64 != expected {
            return Err(Error::Shape { width, height, bytes: pixels.len() });
        }
        Ok(Self { width, height, pixels })
    }

    /// The width in pixels.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// The height in pixels.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// All pixels, four bytes each.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// All pixels, four bytes each, to be changed in place.
    pub fn pixels_mut(&mut self) -> &mut [u8] {
        &mut self.pixels
    }

    /// The pixel at `x`, `y`; outside, the nearest pixel of the border.
    pub fn get(&self, x: u32, y: u32) -> [u8; 4] {
        let (x, y) = (x.min(self.width - 1), y.min(self.height - 1));
        let at = (y as usize * self.width as usize + x as usize) * 4;
        [self.pixels[at], self.pixels[at + 1], self.pixels[at + 2], self.pixels[at + 3]]
    }

    /// Changes the pixel at `x`, `y`; outside, nothing.
    pub fn set(&mut self, x: u32, y: u32, colour: [u8; 4]) {
        if x < self.width && y < self.height {
            let at = (y as usize * self.width as usize + x as usize) * 4;
            self.pixels[at..at + 4].copy_from_slice(&colour);
        }
    }

    /// Whether no pixel lets anything through.
    pub fn is_opaque(&self) -> bool {
        self.pixels.chunks_exact(4).all(|it| it[3] == 255)
    }

    /// The share of the picture that is more opaque than not, between 0 and 1.
    pub fn coverage(&self) -> f32 {
        let n_opaque = self.pixels.chunks_exact(4).filter(|it| it[3] > 127).count();
        n_opaque as f32 / (self.pixels.len() / 4) as f32
    }

    /// The average colour; transparent pixels do not count.
    pub fn average(&self) -> [u8; 3] {
        let (mut sum, mut weight) = ([0u64; 3], 0u64);
        for pixel in self.pixels.chunks_exact(4) {
            let alpha = u64::from(pixel[3]);
            weight += alpha;
            for (sum, channel) in sum.iter_mut().zip(pixel) {
                *sum += u64::from(*channel) * alpha;
            }
        }
        sum.map(|it| it.checked_div(weight).unwrap_or_default() as u8)
    }

    /// A ThumbHash: some 25 bytes that a browser turns into a blurred stand-in.
    pub fn placeholder(&self) -> Vec<u8> {
        let small = self.resize(Fit::LongEdge(100));
        thumbhash::rgba_to_thumb_hash(small.width as usize, small.height as usize, &small.pixels)
    }

    /// Cuts a rectangle out; what lies outside the picture is left out of it.
    pub fn crop(&self, x: u32, y: u32, width: u32, height: u32) -> Self {
        let (x, y) = (x.min(self.width - 1), y.min(self.height - 1));
        let width = width.clamp(1, self.width - x);
        let height = height.clamp(1, self.height - y);
        let mut pixels = Vec::with_capacity(width as usize * height as usize * 4);
        for row in y..y + height {
            let at = (row as usize * self.width as usize + x as usize) * 4;
            pixels.extend_from_slice(&self.pixels[at..at + width as usize * 4]);
        }
        Self { width, height, pixels }
    }

    /// Lays the picture over one colour, so that nothing shows through.
    pub fn flattened(&self, colour: [u8; 3]) -> Self {
        let mut flat = self.clone();
        for pixel in flat.pixels.chunks_exact_mut(4) {
            let alpha = u32::from(pixel[3]);
            for (channel, under) in pixel.iter_mut().zip(colour) {
                let over = u32::from(*channel) * alpha + u32::from(under) * (255 - alpha);
                *channel = ((over + 127) / 255) as u8;
            }
            pixel[3] = 255;
        }
        flat
    }

    /// The pixels without alpha, as if over `colour`.
    pub(crate) fn rgb(&self, colour: [u8; 3]) -> Vec<u8> {
        let mut rgb = Vec::with_capacity(self.pixels.len() / 4 * 3);
        for pixel in self.pixels.chunks_exact(4) {
            if pixel[3] == 255 {
                rgb.extend_from_slice(&pixel[..3]);
                continue;
            }
            let alpha = u32::from(pixel[3]);
            for (channel, under) in pixel.iter().zip(colour) {
                let over = u32::from(*channel) * alpha + u32::from(under) * (255 - alpha);
                rgb.push(((over + 127) / 255) as u8);
            }
        }
        rgb
    }
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Picture({}x{})", self.width, self.height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_that_does_not_fit_is_refused() {
        assert!(Picture::from_rgba(2, 2, vec![0; 15]).is_err());
        assert!(Picture::from_rgba(0, 2, vec![]).is_err());
        assert!(Picture::from_rgba(2, 2, vec![0; 16]).is_ok());
    }

    #[test]
    fn transparent_pixels_do_not_colour_the_average() {
        let mut picture = Picture::filled(2, 1, [200, 100, 50, 255]);
        picture.set(1, 0, [0, 255, 0, 0]);
        assert_eq!(picture.average(), [200, 100, 50]);
        assert_eq!(picture.coverage(), 0.5);
        assert_eq!(Picture::filled(1, 1, [9, 9, 9, 0]).average(), [0, 0, 0]);
    }

    #[test]
    fn a_placeholder_is_small_and_keeps_the_shape() {
        let hash = Picture::filled(400, 200, [200, 30, 30, 255]).placeholder();
        assert!((5..=40).contains(&hash.len()), "{}", hash.len());
        let ratio = thumbhash::thumb_hash_to_approximate_aspect_ratio(&hash);
        assert!(ratio.is_ok_and(|it| (1.5..2.6).contains(&it)));
    }

    #[test]
    fn crops_stay_inside() {
        let picture = Picture::filled(10, 10, [1, 2, 3, 255]);
        let crop = picture.crop(8, 8, 10, 10);
        assert_eq!((crop.width(), crop.height()), (2, 2));
        let crop = picture.crop(90, 90, 0, 0);
        assert_eq!((crop.width(), crop.height()), (1, 1));
    }
}
