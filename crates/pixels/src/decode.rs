//! From untrusted bytes to a picture.
//!
//! The order is what makes it safe: the size in bytes, then the kind by magic bytes, then the
//! dimensions that the header claims, then the file's own structure to its very end, and only then
//! the decoder, which allocates. EXIF orientation is applied, so that width and height are what a
//! person sees, and colours are brought to sRGB, so that a garment keeps its colour when the file is
//! written again without its profile. Of an animation the first frame is taken: it is what a viewer shows before it
//! plays, and a garment does not move.

mod colour;
mod structure;

use std::io::Cursor;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader};

use crate::error::{Error, Result};
use crate::kind::{self, Kind};
use crate::picture::Picture;

/// The kinds that a refusal recommends.
const INSTEAD: &str = "PNG, JPEG, WebP or GIF";

/// How much of a picture is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes that a file may have.
    pub max_bytes: u64,
    /// The most pixels that a picture may have.
    pub max_pixels: u64,
    /// The longest that a side may be, in pixels.
    pub max_side: u32,
}

impl Default for Limits {
    /// Enough for a medium-format photograph: 50 MiB, 120 megapixels, 16384 pixels a side.
    fn default() -> Self {
        Self { max_bytes: 50 << 20, max_pixels: 120_000_000, max_side: 16_384 }
    }
}

/// What a picture's file says about itself, without decoding its pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// What the file is.
    pub kind: Kind,
    /// The width as seen, orientation applied.
    pub width: u32,
    /// The height as seen, orientation applied.
    pub height: u32,
    /// Whether there is more than one frame.
    pub is_animated: bool,
}

/// Reads a picture's kind and size and checks that the file is whole, at the cost of a header.
pub fn inspect(bytes: &[u8], limits: &Limits) -> Result<Facts> {
    let (outline, kind) = outline(bytes, limits)?;
    let mut decoder = decoder(bytes, kind, limits)?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let (width, height) = if swaps_sides(orientation) {
        (outline.height, outline.width)
    } else {
        (outline.width, outline.height)
    };
    Ok(Facts { kind, width, height, is_animated: outline.is_animated })
}

/// Decodes a picture.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Picture> {
    let (outline, kind) = outline(bytes, limits)?;
    let mut decoder = decoder(bytes, kind, limits)?;
    if decoder.dimensions() != (outline.width, outline.height) {
        return Err(Error::Damaged("two headers give two sizes".into()));
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let profile = decoder.icc_profile().ok().flatten();
    let mut image = DynamicImage::from_decoder(decoder).map_err(|error| sort(error, limits))?;
    image.apply_orientation(orientation);
    let image = image.into_rgba8();
    let mut picture = Picture::from_rgba(image.width(), image.height(), image.into_raw())?;
    if let Some(profile) = profile {
        colour::to_srgb(&mut picture, &profile);
    }
    Ok(picture)
}

/// Checks everything that can be checked before memory is spent.
fn outline(bytes: &[u8], limits: &Limits) -> Result<(structure::Outline, Kind)> {
    if bytes.len() as u64 > limits.max_bytes {
        return Err(Error::TooLarge { limit: limits.max_bytes });
    }
    let Some(kind) = kind::sniff(bytes) else {
        return Err(match kind::sniff_foreign(bytes) {
            Some(what) => Error::Unsupported { what, instead: INSTEAD },
            None => Error::NotAnImage,
        });
    };
    if kind == Kind::Mp4 {
        return Err(Error::Unsupported { what: "MP4", instead: INSTEAD });
    }
    let (width, height) = structure::size(bytes, kind)?;
    if width == 0 || height == 0 {
        return Err(Error::Damaged("a side is zero".into()));
    }
    if width > limits.max_side || height > limits.max_side {
        return Err(Error::TooWide { limit: limits.max_side });
    }
    if u64::from(width) * u64::from(height) > limits.max_pixels {
        return Err(Error::TooManyPixels { limit: limits.max_pixels });
    }
    Ok((structure::walk(bytes, kind, width, height)?, kind))
}

fn decoder<'a>(bytes: &'a [u8], kind: Kind, limits: &Limits) -> Result<impl ImageDecoder + 'a> {
    let format = match kind {
        Kind::Png => ImageFormat::Png,
        Kind::Jpeg => ImageFormat::Jpeg,
        Kind::Webp => ImageFormat::WebP,
        Kind::Gif => ImageFormat::Gif,
        Kind::Mp4 => return Err(Error::NotAnImage),
    };
    let mut bounds = image::Limits::default();
    bounds.max_image_width = Some(limits.max_side);
    bounds.max_image_height = Some(limits.max_side);
    // Sixteen-bit RGBA is the widest pixel there is; the rest is the decoder's working room.
    bounds.max_alloc = Some(limits.max_pixels.saturating_mul(8).saturating_add(64 << 20));
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(bounds);
    reader.into_decoder().map_err(|error| sort(error, limits))
}

/// Sorts a decoder's complaint into ours.
fn sort(error: ImageError, limits: &Limits) -> Error {
    match error {
        ImageError::Limits(_) => Error::TooManyPixels { limit: limits.max_pixels },
        ImageError::Unsupported(_) => {
            Error::Unsupported { what: "images of this pixel format; such", instead: INSTEAD }
        }
        ImageError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Error::Truncated
        }
        other => {
            let text = other.to_string();
            if text.contains("unexpected end") || text.contains("UnexpectedEof") {
                Error::Truncated
            } else {
                Error::Damaged(text)
            }
        }
    }
}

fn swaps_sides(orientation: Orientation) -> bool {
    matches!(
        orientation,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    )
}

#[cfg(test)]
mod tests;
