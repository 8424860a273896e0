//! Judging bytes: what they are, whether they are whole, and the smaller forms of them.
//!
//! Bound by the processor and by memory: callers run it on blocking threads, a few at a time.

use std::time::Duration;

use pixels::{Fit, Kind, Limits, Picture, video};
use sha2::{Digest, Sha256 as Hasher};

use crate::media::{EDGES, Rendition, Sha256};
use crate::refusal::Refusal;

/// The most bytes that a picture or an uploaded film may have.
pub(crate) const MAX_BYTES: u64 = 100 << 20;

/// The most bytes that a generated film may have.
pub(crate) const MAX_GENERATED_BYTES: u64 = 500 << 20;

const LIMITS: Limits = Limits { max_bytes: MAX_BYTES, max_pixels: 100_000_000, max_side: 20_000 };

/// How good renditions are: between 0 and 100.
const QUALITY: f32 = 80.0;

/// What a file turned out to be.
#[derive(Debug)]
pub(crate) struct Findings {
    pub(crate) width_px: u32,
    pub(crate) height_px: u32,
    pub(crate) duration: Option<Duration>,
    pub(crate) placeholder: Vec<u8>,
    pub(crate) renditions: Vec<(Rendition, Vec<u8>)>,
}

/// Returns the hash of `bytes`, which are of the `declared` kind and have the `expected` hash.
pub(crate) fn identify(
    bytes: &[u8],
    declared: Kind,
    expected: Option<Sha256>,
) -> Result<Sha256, Refusal> {
    let sha256: Sha256 = Hasher::digest(bytes).into();
    if expected.is_some_and(|it| it != sha256) {
        return Err(Refusal::checksum());
    }
    match pixels::sniff(bytes) {
        Some(kind) if kind == declared => Ok(sha256),
        Some(kind) => Err(Refusal::kind(declared, kind)),
        // Names the foreign kinds that it knows, such as HEIC.
        None => Err(match pixels::inspect(bytes, &LIMITS) {
            Err(error @ pixels::Error::Unsupported { .. }) => error.into(),
            _ => Refusal::not_a_picture(),
        }),
    }
}

/// Decodes `bytes` under the limits and makes the smaller forms.
pub(crate) fn examine(bytes: &[u8], kind: Kind) -> Result<Findings, Refusal> {
    if kind.is_image() {
        let picture = pixels::decode(bytes, &LIMITS)?;
        let (width_px, height_px) = (picture.width(), picture.height());
        let (placeholder, renditions) = reduce(picture)?;
        return Ok(Findings { width_px, height_px, duration: None, placeholder, renditions });
    }
    let film = video::measure(bytes)?;
    if LIMITS.max_side < film.width.max(film.height) {
        return Err(Refusal::sides(LIMITS.max_side));
    }
    // A film in a codec that is not decoded here is kept without a still.
    let still = video::still(bytes, Duration::ZERO).ok();
    let (placeholder, renditions) = still.map(reduce).transpose()?.unwrap_or_default();
    Ok(Findings {
        width_px: film.width,
        height_px: film.height,
        duration: Some(film.duration),
        placeholder,
        renditions,
    })
}

/// A placeholder, and the renditions with their files.
type Reduced = (Vec<u8>, Vec<(Rendition, Vec<u8>)>);

/// Makes the placeholder and the renditions, each from the next larger one.
fn reduce(picture: Picture) -> Result<Reduced, Refusal> {
    let mut renditions = Vec::with_capacity(EDGES.len());
    let mut picture = picture;
    for edge in EDGES.into_iter().rev() {
        // Dropped at once: the original may have a hundred million pixels.
        picture = picture.resize(Fit::LongEdge(edge));
        let bytes = picture.to_webp(QUALITY)?;
        let rendition = Rendition {
            long_edge_px: edge,
            width_px: picture.width(),
            height_px: picture.height(),
            size_bytes: i64::try_from(bytes.len()).expect("a rendition is small"),
        };
        renditions.push((rendition, bytes));
    }
    renditions.reverse();
    Ok((picture.placeholder(), renditions))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refusal::Reason;

    fn png(width: u32, height: u32) -> Result<Vec<u8>, pixels::Error> {
        Picture::filled(width, height, [90, 60, 30, 255]).to_png()
    }

    #[test]
    fn small_pictures_are_not_enlarged() -> Result<(), Box<dyn std::error::Error>> {
        let findings = examine(&png(300, 100)?, Kind::Png).map_err(|it| it.message)?;
        let sizes: Vec<_> = findings
            .renditions
            .iter()
            .map(|(it, _)| (it.long_edge_px, it.width_px, it.height_px))
            .collect();
        assert_eq!(sizes, [(256, 256, 85), (512, 300, 100), (1280, 300, 100)]);
        assert!(!findings.placeholder.is_empty());
        Ok(())
    }

    #[test]
    fn a_renamed_file_is_refused() -> Result<(), Box<dyn std::error::Error>> {
        let refusal = identify(&png(8, 8)?, Kind::Jpeg, None).err().ok_or("accepted")?;
        assert_eq!(refusal.reason, Reason::TypeMismatch);
        assert_eq!(refusal.message, "the file is image/png; image/jpeg was declared");
        Ok(())
    }

    #[test]
    fn foreign_files_are_named() -> Result<(), Box<dyn std::error::Error>> {
        let refusal = identify(b"\0\0\0\x18ftypheic\0\0", Kind::Jpeg, None).err().ok_or("taken")?;
        assert_eq!(refusal.reason, Reason::NotAPicture);
        assert!(refusal.message.contains("HEIC"), "{}", refusal.message);
        Ok(())
    }
}
