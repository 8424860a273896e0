//! From a picture to a file.

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};

use crate::error::{Error, Result};
use crate::kind::Kind;
use crate::picture::Picture;

/// What shows through where a format has no transparency.
const PAPER: [u8; 3] = [255, 255, 255];

impl Picture {
    /// Encodes as `kind`; `quality` between 1 and 100 is read by JPEG and WebP.
    pub fn encode(&self, kind: Kind, quality: u8) -> Result<Vec<u8>> {
        match kind {
            Kind::Png => self.to_png(),
            Kind::Jpeg => self.to_jpeg(quality),
            Kind::Webp => self.to_webp(f32::from(quality)),
            Kind::Gif => self.to_gif(),
            Kind::Mp4 => {
                Err(Error::Encode { kind: "MP4", reason: "a picture is not a film".into() })
            }
        }
    }

    /// Encodes as lossy WebP; `quality` between 0 and 100.
    pub fn to_webp(&self, quality: f32) -> Result<Vec<u8>> {
        let (width, height) = (self.width(), self.height());
        if width > 16_383 || height > 16_383 {
            return Err(Error::TooWide { limit: 16_383 });
        }
        let quality = quality.clamp(0.0, 100.0);
        let encoded = if self.is_opaque() {
            let rgb = self.rgb(PAPER);
            webp::Encoder::from_rgb(&rgb, width, height).encode_simple(false, quality)
        } else {
            webp::Encoder::from_rgba(self.pixels(), width, height).encode_simple(false, quality)
        };
        match encoded {
            Ok(memory) => Ok(memory.to_vec()),
            Err(error) => Err(Error::Encode { kind: "WebP", reason: format!("{error:?}") }),
        }
    }

    /// Encodes as PNG, without an alpha channel where nothing shows through.
    pub fn to_png(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        // Fast compression: a photograph gains little from more, and this is the slowest step.
        let encoder =
            PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::Adaptive);
        let (width, height) = (self.width(), self.height());
        if self.is_opaque() {
            encoder.write_image(&self.rgb(PAPER), width, height, ExtendedColorType::Rgb8)
        } else {
            encoder.write_image(self.pixels(), width, height, ExtendedColorType::Rgba8)
        }
        .map_err(|error| Error::Encode { kind: "PNG", reason: error.to_string() })?;
        Ok(bytes)
    }

    /// Encodes as JPEG over white; `quality` between 1 and 100.
    pub fn to_jpeg(&self, quality: u8) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        JpegEncoder::new_with_quality(&mut bytes, quality.clamp(1, 100))
            .encode(&self.rgb(PAPER), self.width(), self.height(), ExtendedColorType::Rgb8)
            .map_err(|error| Error::Encode { kind: "JPEG", reason: error.to_string() })?;
        Ok(bytes)
    }

    /// Encodes as GIF of one frame: 256 colours, transparency on or off.
    pub fn to_gif(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        image::codecs::gif::GifEncoder::new_with_speed(&mut bytes, 10)
            .encode(self.pixels(), self.width(), self.height(), ExtendedColorType::Rgba8)
            .map_err(|error| Error::Encode { kind: "GIF", reason: error.to_string() })?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, decode};

    #[test]
    fn quality_buys_bytes() -> Result<()> {
        let mut picture = Picture::filled(128, 128, [0, 0, 0, 255]);
        for y in 0..128u32 {
            for x in 0..128u32 {
                let noise = ((x * 7919) ^ (y * 104_729)) as u8;
                picture.set(x, y, [noise, noise / 2, 255 - noise, 255]);
            }
        }
        assert!(picture.to_jpeg(95)?.len() > picture.to_jpeg(30)?.len());
        assert!(picture.to_webp(95.0)?.len() > picture.to_webp(30.0)?.len());
        Ok(())
    }

    #[test]
    fn transparency_survives_where_the_format_has_it() -> Result<()> {
        let picture = Picture::filled(16, 16, [200, 10, 10, 0]);
        for kind in [Kind::Png, Kind::Webp, Kind::Gif] {
            let back = decode(&picture.encode(kind, 80)?, &Limits::default())?;
            assert_eq!(back.get(8, 8)[3], 0, "{kind}");
        }
        let back = decode(&picture.to_jpeg(90)?, &Limits::default())?;
        assert!(back.get(8, 8).iter().all(|it| *it > 250));
        Ok(())
    }
}
