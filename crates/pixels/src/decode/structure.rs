//! A file's own account of itself: its size, and whether it reaches its end.
//!
//! Decoders are lenient about files that stop early (a JPEG comes out half grey), so the container
//! is walked to its end marker before anything is decoded.

use crate::error::{Error, Result};
use crate::kind::Kind;

/// What the container says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outline {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) is_animated: bool,
}

/// Reads the size from the header alone.
pub(super) fn size(bytes: &[u8], kind: Kind) -> Result<(u32, u32)> {
    match kind {
        Kind::Png => {
            if bytes.get(12..16).ok_or(Error::Truncated)? != b"IHDR" {
                return Err(Error::Damaged("the first chunk is not a header".into()));
            }
            Ok((be32(bytes, 16)?, be32(bytes, 20)?))
        }
        Kind::Jpeg => jpeg(bytes, Until::Size),
        Kind::Gif => Ok((le16(bytes, 6)?, le16(bytes, 8)?)),
        Kind::Webp => webp_size(bytes),
        Kind::Mp4 => Err(Error::NotAnImage),
    }
}

/// Walks the container to its end.
pub(super) fn walk(bytes: &[u8], kind: Kind, width: u32, height: u32) -> Result<Outline> {
    let is_animated = match kind {
        Kind::Png => png(bytes)?,
        Kind::Jpeg => {
            jpeg(bytes, Until::End)?;
            false
        }
        Kind::Gif => gif(bytes)?,
        Kind::Webp => webp(bytes)?,
        Kind::Mp4 => return Err(Error::NotAnImage),
    };
    Ok(Outline { width, height, is_animated })
}

fn png(bytes: &[u8]) -> Result<bool> {
    let (mut at, mut is_animated) = (8, false);
    loop {
        let length = be32(bytes, at)? as usize;
        let name = bytes.get(at + 4..at + 8).ok_or(Error::Truncated)?;
        // Length, name and checksum stand around the data.
        let next = at.checked_add(12 + length).ok_or(Error::Truncated)?;
        if next > bytes.len() {
            return Err(Error::Truncated);
        }
        match name {
            b"IEND" => return Ok(is_animated),
            b"acTL" => is_animated = true,
            _ => {}
        }
        at = next;
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Until {
    Size,
    End,
}

/// Walks the markers of a JPEG, either to its frame header or to its end marker.
fn jpeg(bytes: &[u8], until: Until) -> Result<(u32, u32)> {
    let (mut at, mut size) = (2, None);
    loop {
        // Any number of fill bytes may precede a marker.
        while *bytes.get(at).ok_or(Error::Truncated)? == 0xff
            && *bytes.get(at + 1).ok_or(Error::Truncated)? == 0xff
        {
            at += 1;
        }
        if bytes[at] != 0xff {
            return Err(Error::Damaged("a marker is missing".into()));
        }
        let marker = bytes[at + 1];
        at += 2;
        match marker {
            0xd9 => return size.ok_or_else(|| Error::Damaged("there is no frame".into())),
            // Markers without a length.
            0x01 | 0xd0..=0xd8 => continue,
            _ => {}
        }
        let length = be16(bytes, at)? as usize;
        if length < 2 {
            return Err(Error::Damaged("a segment has no length".into()));
        }
        // Start of frame: all of C0 to CF but the three that mean something else.
        if matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc) {
            size = Some((be16(bytes, at + 5)?, be16(bytes, at + 3)?));
            if until == Until::Size {
                return size.ok_or(Error::Truncated);
            }
        }
        at += length;
        if marker == 0xda {
            at = entropy_end(bytes, at)?;
        }
    }
}

/// Skips entropy-coded data: the next marker that is neither a stuffed zero nor a restart.
fn entropy_end(bytes: &[u8], mut at: usize) -> Result<usize> {
    loop {
        let rest = bytes.get(at..).ok_or(Error::Truncated)?;
        at += rest.iter().position(|it| *it == 0xff).ok_or(Error::Truncated)?;
        match bytes.get(at + 1).ok_or(Error::Truncated)? {
            0x00 | 0xd0..=0xd7 => at += 2,
            0xff => at += 1,
            _ => return Ok(at),
        }
    }
}

fn gif(bytes: &[u8]) -> Result<bool> {
    let flags = *bytes.get(10).ok_or(Error::Truncated)?;
    let mut at = 13 + table(flags);
    let mut n_frames = 0;
    loop {
        match *bytes.get(at).ok_or(Error::Truncated)? {
            0x3b if n_frames == 0 => return Err(Error::Damaged("there is no frame".into())),
            0x3b => return Ok(n_frames > 1),
            0x21 => at = sub_blocks(bytes, at + 2)?,
            0x2c => {
                n_frames += 1;
                let flags = *bytes.get(at + 9).ok_or(Error::Truncated)?;
                at = sub_blocks(bytes, at + 11 + table(flags))?;
            }
            _ => return Err(Error::Damaged("a block of unknown kind".into())),
        }
    }
}

/// The bytes of the colour table that a flag byte announces.
fn table(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

fn sub_blocks(bytes: &[u8], mut at: usize) -> Result<usize> {
    loop {
        let length = usize::from(*bytes.get(at).ok_or(Error::Truncated)?);
        at += 1 + length;
        if length == 0 {
            return Ok(at);
        }
    }
}

fn webp(bytes: &[u8]) -> Result<bool> {
    let whole = le32(bytes, 4)? as usize;
    if whole.saturating_add(8) > bytes.len() {
        return Err(Error::Truncated);
    }
    let flags = bytes.get(20).copied().unwrap_or_default();
    Ok(bytes.get(12..16) == Some(b"VP8X") && flags & 0x02 != 0)
}

fn webp_size(bytes: &[u8]) -> Result<(u32, u32)> {
    match bytes.get(12..16).ok_or(Error::Truncated)? {
        b"VP8X" => Ok((le24(bytes, 24)? + 1, le24(bytes, 27)? + 1)),
        b"VP8L" => {
            let bits = le32(bytes, 21)?;
            Ok(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1))
        }
        b"VP8 " => Ok((le16(bytes, 26)? & 0x3fff, le16(bytes, 28)? & 0x3fff)),
        _ => Err(Error::Damaged("the first chunk is not a picture".into())),
    }
}

fn take<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N]> {
    bytes.get(at..).and_then(|it| it.first_chunk()).copied().ok_or(Error::Truncated)
}

fn be16(bytes: &[u8], at: usize) -> Result<u32> {
    Ok(u16::from_be_bytes(take(bytes, at)?).into())
}

fn be32(bytes: &[u8], at: usize) -> Result<u32> {
    Ok(u32::from_be_bytes(take(bytes, at)?))
}

fn le16(bytes: &[u8], at: usize) -> Result<u32> {
    Ok(u16::from_le_bytes(take(bytes, at)?).into())
}

fn le24(bytes: &[u8], at: usize) -> Result<u32> {
    let [a, b, c] = take(bytes, at)?;
    Ok(u32::from_le_bytes([a, b, c, 0]))
}

fn le32(bytes: &[u8], at: usize) -> Result<u32> {
    Ok(u32::from_le_bytes(take(bytes, at)?))
}
