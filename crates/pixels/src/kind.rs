//! What a file is, judged by its first bytes and never by its name.

use std::fmt;

/// The kinds of file that are read or written here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// PNG.
    Png,
    /// JPEG.
    Jpeg,
    /// WebP.
    Webp,
    /// GIF.
    Gif,
    /// MP4, the ISO base media format with a video brand.
    Mp4,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Png, Self::Jpeg, Self::Webp, Self::Gif, Self::Mp4];

    /// Names the kind as HTTP does: `image/png`.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Webp => "image/webp",
            Self::Gif => "image/gif",
            Self::Mp4 => "video/mp4",
        }
    }

    /// Names the kind as file names do, without the dot: `png`.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::Webp => "webp",
            Self::Gif => "gif",
            Self::Mp4 => "mp4",
        }
    }

    /// Finds the kind that HTTP names `media_type`; parameters and case are ignored.
    pub fn from_media_type(media_type: &str) -> Option<Self> {
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        if essence.eq_ignore_ascii_case("image/jpg") {
            return Some(Self::Jpeg);
        }
        Self::ALL.into_iter().find(|kind| kind.media_type().eq_ignore_ascii_case(essence))
    }

    /// Whether this is a picture rather than a film.
    pub const fn is_image(self) -> bool {
        !matches!(self, Self::Mp4)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.media_type())
    }
}

/// Tells what `bytes` begin like; `None` where it is nothing that is read here.
///
/// A yes is a promise about the first bytes only: the rest may still be damaged.
pub fn sniff(bytes: &[u8]) -> Option<Kind> {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Some(Kind::Png);
    }
    if bytes.starts_with(&[0xff, 0xd8, 0xff]) {
        return Some(Kind::Jpeg);
    }
    if bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a") {
        return Some(Kind::Gif);
    }
    if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        return Some(Kind::Webp);
    }
    match brand(bytes)? {
        b"isom" | b"iso2" | b"iso3" | b"iso4" | b"iso5" | b"iso6" | b"mp41" | b"mp42" | b"avc1"
        | b"dash" | b"M4V " | b"M4VP" | b"MSNV" | b"mmp4" => Some(Kind::Mp4),
        _ => None,
    }
}

/// Names what `bytes` begin like where that is a common kind that is not read here, so that a
/// refusal can say more than "not an image".
pub(crate) fn sniff_foreign(bytes: &[u8]) -> Option<&'static str> {
    match brand(bytes) {
        Some(b"heic" | b"heix" | b"hevc" | b"heim" | b"heis" | b"mif1" | b"msf1") => {
            return Some("HEIC");
        }
        Some(b"avif" | b"avis") => return Some("AVIF"),
        Some(b"qt  ") => return Some("QuickTime"),
        _ => {}
    }
    let known: [(&[u8], &str); 7] = [
        (b"II*\0", "TIFF"),
        (b"MM\0*", "TIFF"),
        (b"BM", "BMP"),
        (b"%PDF", "PDF"),
        (b"8BPS", "Photoshop"),
        (b"<svg", "SVG"),
        (b"\x1a\x45\xdf\xa3", "WebM"),
    ];
    known.into_iter().find(|(magic, _)| bytes.starts_with(magic)).map(|(_, name)| name)
}

/// Reads the major brand of an ISO base media file.
fn brand(bytes: &[u8]) -> Option<&[u8; 4]> {
    (bytes.get(4..8)? == b"ftyp").then(|| bytes.get(8..12)?.first_chunk()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_renamed_to_an_image_is_nothing() {
        assert_eq!(sniff(b"this is not a picture, whatever its name says"), None);
        assert_eq!(sniff(b""), None);
        assert_eq!(sniff(b"RIFF\0\0\0\0WAVE"), None);
    }

    #[test]
    fn media_types_go_both_ways() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_media_type(kind.media_type()), Some(kind));
        }
        assert_eq!(Kind::from_media_type("Image/JPG; q=1"), Some(Kind::Jpeg));
        assert_eq!(Kind::from_media_type("text/html"), None);
    }

    #[test]
    fn foreign_kinds_are_named() {
        assert_eq!(sniff(b"\0\0\0\x18ftypheic\0\0"), None);
        assert_eq!(sniff_foreign(b"\0\0\0\x18ftypheic\0\0"), Some("HEIC"));
        assert_eq!(sniff_foreign(b"II*\0...."), Some("TIFF"));
    }
}
