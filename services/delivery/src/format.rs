//! How delivered files are formatted.

use bytes::Bytes;
use pixels::{Fit, Kind, Limits};

/// The largest file that is delivered.
pub(crate) const MAX_BYTES: u64 = 500 << 20;

/// What quality is where nobody says.
const DEFAULT_QUALITY: u8 = 90;

/// How files are formatted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Format {
    // None keeps each as it was made.
    pub(crate) kind: Option<Kind>,
    // None keeps the size.
    pub(crate) long_edge: Option<u32>,
    // None is the default.
    pub(crate) quality: Option<u8>,
}

impl Format {
    /// The kind that a file of `kind` is delivered as. Films stay what they are.
    pub(crate) fn of(&self, kind: Kind) -> Kind {
        match self.kind {
            Some(wanted) if kind.is_image() => wanted,
            _ => kind,
        }
    }

    /// Formats a file. Takes a while: for threads that may block.
    pub(crate) fn apply(&self, bytes: Bytes) -> pixels::Result<Bytes> {
        let kind = pixels::sniff(&bytes).ok_or(pixels::Error::NotAnImage)?;
        if !kind.is_image() || (self.kind.is_none() && self.long_edge.is_none()) {
            return Ok(bytes);
        }
        let limits = Limits { max_bytes: MAX_BYTES, ..Limits::default() };
        if self.kind.is_none() {
            let facts = pixels::inspect(&bytes, &limits)?;
            let is_small = self.long_edge.is_none_or(|it| facts.width.max(facts.height) <= it);
            // Of an animation, only the first frame would be left.
            if is_small || facts.is_animated {
                return Ok(bytes);
            }
        }
        let mut picture = pixels::decode(&bytes, &limits)?;
        // Not needed any more, and as large as what follows.
        drop(bytes);
        if let Some(edge) = self.long_edge
            && edge < picture.width().max(picture.height())
        {
            picture = picture.resize(Fit::LongEdge(edge));
        }
        let quality = self.quality.unwrap_or(DEFAULT_QUALITY);
        Ok(picture.encode(self.of(kind), quality)?.into())
    }
}

#[cfg(test)]
mod tests {
    use pixels::Picture;

    use super::*;

    const AS_MADE: Format = Format { kind: None, long_edge: None, quality: None };

    fn png() -> pixels::Result<Bytes> {
        Ok(Picture::filled(40, 20, [9, 99, 199, 255]).to_png()?.into())
    }

    fn size(bytes: &[u8]) -> pixels::Result<(Kind, u32, u32)> {
        let facts = pixels::inspect(bytes, &Limits::default())?;
        Ok((facts.kind, facts.width, facts.height))
    }

    #[test]
    fn bytes_are_kept_unless_something_is_to_change() -> pixels::Result<()> {
        let png = png()?;
        assert_eq!(AS_MADE.apply(png.clone())?, png);
        assert_eq!(Format { long_edge: Some(40), ..AS_MADE }.apply(png.clone())?, png);
        let small = Format { long_edge: Some(20), ..AS_MADE }.apply(png)?;
        assert_eq!(size(&small)?, (Kind::Png, 20, 10));
        Ok(())
    }

    #[test]
    fn pictures_are_converted_and_never_enlarged() -> pixels::Result<()> {
        for kind in [Kind::Jpeg, Kind::Png, Kind::Webp] {
            let format = Format { kind: Some(kind), long_edge: Some(400), quality: None };
            assert_eq!(size(&format.apply(png()?)?)?, (kind, 40, 20));
        }
        Ok(())
    }

    #[test]
    fn what_is_no_picture_is_not_delivered() {
        assert!(AS_MADE.apply(Bytes::from_static(b"<html>")).is_err());
        let format = Format { kind: Some(Kind::Jpeg), ..AS_MADE };
        assert!(format.apply(Bytes::from_static(b"\x89PNG\r\n\x1a\nrest")).is_err());
    }
}
