//! Resizing, and windows onto a picture.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use crate::picture::Picture;

/// How a picture is brought to another size. Sides of zero become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// The longer side becomes this; a picture that is already smaller stays as it is.
    LongEdge(u32),
    /// Exactly this width and height, the shape be as it may.
    Exact(u32, u32),
    /// Exactly this width and height; what sticks out is cut off evenly.
    Cover(u32, u32),
    /// Exactly this width and height; the rest is filled with this colour.
    Contain(u32, u32, [u8; 4]),
    /// As large as fits inside this width and height, enlarged where necessary.
    Within(u32, u32),
}

/// A part of a picture, in its own pixels; fractions are honoured, so that a window can glide.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    /// The left edge.
    pub left: f64,
    /// The upper edge.
    pub top: f64,
    /// The width.
    pub width: f64,
    /// The height.
    pub height: f64,
}

impl Picture {
    /// Brings the picture to another size.
    pub fn resize(&self, fit: Fit) -> Self {
        let (width, height) = (f64::from(self.width()), f64::from(self.height()));
        match fit {
            Fit::LongEdge(edge) => {
                let long = self.width().max(self.height());
                if long <= edge.max(1) {
                    return self.clone();
                }
                let scale = f64::from(edge.max(1)) / f64::from(long);
                self.exact(rounded(width * scale), rounded(height * scale))
            }
            Fit::Exact(to_width, to_height) => self.exact(to_width.max(1), to_height.max(1)),
            Fit::Cover(to_width, to_height) => {
                let (to_width, to_height) = (to_width.max(1), to_height.max(1));
                let scale = (f64::from(to_width) / width).max(f64::from(to_height) / height);
                let (inner_width, inner_height) =
                    (f64::from(to_width) / scale, f64::from(to_height) / scale);
                let window = Window {
                    left: (width - inner_width) / 2.0,
                    top: (height - inner_height) / 2.0,
                    width: inner_width,
                    height: inner_height,
                };
                self.window(window, to_width, to_height)
            }
            Fit::Contain(to_width, to_height, fill) => {
                let inner = self.resize(Fit::Within(to_width, to_height));
                let mut whole = Self::filled(to_width, to_height, fill);
                let left = (whole.width() - inner.width()) / 2;
                let top = (whole.height() - inner.height()) / 2;
                whole.lay(&inner, left.cast_signed(), top.cast_signed());
                whole
            }
            Fit::Within(to_width, to_height) => {
                let (to_width, to_height) = (to_width.max(1), to_height.max(1));
                let scale = (f64::from(to_width) / width).min(f64::from(to_height) / height);
                self.exact(
                    rounded(width * scale).min(to_width),
                    rounded(height * scale).min(to_height),
                )
            }
        }
    }

    /// Brings a part of the picture to a size. A window that reaches outside is moved and shrunk
    /// until it fits.
    pub fn window(&self, window: Window, width: u32, height: u32) -> Self {
        let (whole_width, whole_height) = (f64::from(self.width()), f64::from(self.height()));
        let inner_width = window.width.clamp(1.0, whole_width);
        let inner_height = window.height.clamp(1.0, whole_height);
        let left = window.left.clamp(0.0, whole_width - inner_width);
        let top = window.top.clamp(0.0, whole_height - inner_height);
        self.resample(
            ResizeOptions::new().crop(left, top, inner_width, inner_height),
            inner_width,
            (width.max(1), height.max(1)),
        )
    }

    fn exact(&self, width: u32, height: u32) -> Self {
        if (width, height) == (self.width(), self.height()) {
            return self.clone();
        }
        self.resample(ResizeOptions::new(), f64::from(self.width()), (width, height))
    }

    fn resample(
        &self,
        options: ResizeOptions,
        from_width: f64,
        (width, height): (u32, u32),
    ) -> Self {
        // Lanczos keeps detail when shrinking; enlarging, its ringing shows on garment edges.
        let filter = if f64::from(width) < from_width {
            FilterType::Lanczos3
        } else {
            FilterType::CatmullRom
        };
        let options =
            options.resize_alg(ResizeAlg::Convolution(filter)).use_alpha(!self.is_opaque());
        let source = ImageRef::new(self.width(), self.height(), self.pixels(), PixelType::U8x4)
            .expect("a picture has as many bytes as its sides say");
        let mut target = Image::new(width, height, PixelType::U8x4);
        Resizer::new()
            .resize(&source, &mut target, &options)
            .expect("both sides have the same pixel type and the window lies inside");
        Self::from_rgba(width, height, target.into_vec())
            .expect("the target has as many bytes as its sides say")
    }
}

fn rounded(side: f64) -> u32 {
    (side.round() as u32).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn halves() -> Picture {
        let mut picture = Picture::filled(200, 100, [255, 0, 0, 255]);
        for y in 0..100 {
            for x in 100..200 {
                picture.set(x, y, [0, 0, 255, 255]);
            }
        }
        picture
    }

    fn size(picture: &Picture) -> (u32, u32) {
        (picture.width(), picture.height())
    }

    #[test]
    fn sizes_are_what_was_asked() {
        let picture = halves();
        assert_eq!(size(&picture.resize(Fit::LongEdge(50))), (50, 25));
        assert_eq!(size(&picture.resize(Fit::LongEdge(500))), (200, 100));
        assert_eq!(size(&picture.resize(Fit::Exact(30, 70))), (30, 70));
        assert_eq!(size(&picture.resize(Fit::Cover(64, 96))), (64, 96));
        assert_eq!(size(&picture.resize(Fit::Contain(64, 96, [0; 4]))), (64, 96));
        assert_eq!(size(&picture.resize(Fit::Within(400, 400))), (400, 200));
        assert_eq!(size(&picture.resize(Fit::Exact(0, 0))), (1, 1));
        assert_eq!(size(&Picture::filled(10_000, 1, [0; 4]).resize(Fit::LongEdge(10))), (10, 1));
    }

    #[test]
    fn covering_keeps_the_middle() {
        let square = halves().resize(Fit::Cover(40, 40));
        assert_eq!(square.get(2, 20), [255, 0, 0, 255]);
        assert_eq!(square.get(37, 20), [0, 0, 255, 255]);
    }

    #[test]
    fn containing_keeps_everything_and_fills() {
        let square = halves().resize(Fit::Contain(40, 40, [1, 2, 3, 255]));
        assert_eq!(square.get(20, 2), [1, 2, 3, 255]);
        assert_eq!(square.get(2, 20), [255, 0, 0, 255]);
    }

    #[test]
    fn transparent_colour_does_not_bleed() {
        let mut picture = Picture::filled(100, 100, [0, 255, 0, 0]);
        for y in 0..100 {
            for x in 0..50 {
                picture.set(x, y, [200, 0, 0, 255]);
            }
        }
        let small = picture.resize(Fit::Exact(9, 9));
        let [r, g, _, a] = small.get(4, 4);
        assert!(a > 60 && a < 200 && r > 180 && g < 20, "{r} {g} {a}");
    }

    #[test]
    fn windows_stay_inside() {
        let window = Window { left: 190.0, top: -5.0, width: 50.0, height: 900.0 };
        let part = halves().window(window, 10, 10);
        assert_eq!(part.get(5, 5), [0, 0, 255, 255]);
    }
}
