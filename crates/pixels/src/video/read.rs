//! Reading an ISO base media file, believing nothing: every size is checked against the bytes that
//! are there before it is used.

use std::ops::Range;
use std::time::Duration;

use super::VideoFacts;
use crate::error::{Error, Result};

/// A film's index.
pub(super) struct Opened {
    pub(super) facts: VideoFacts,
    /// Where each frame's bytes are.
    pub(super) samples: Vec<Range<usize>>,
    /// The frames that need no other, from zero.
    pub(super) sync: Vec<usize>,
    /// Parameter sets behind start codes, as a decoder wants them; empty but for H.264.
    pub(super) parameter_sets: Vec<u8>,
    length_bytes: usize,
}

impl Opened {
    /// Appends a frame's units behind start codes.
    pub(super) fn annex_b(
        &self,
        bytes: &[u8],
        sample: &Range<usize>,
        stream: &mut Vec<u8>,
    ) -> Result<()> {
        let mut rest = bytes.get(sample.clone()).ok_or(Error::Truncated)?;
        while rest.len() > self.length_bytes {
            let (length, after) = rest.split_at(self.length_bytes);
            let length = length.iter().fold(0usize, |sum, it| sum << 8 | usize::from(*it));
            let unit =
                after.get(..length).ok_or_else(|| damaged("a unit is longer than its frame"))?;
            stream.extend([0, 0, 0, 1]);
            stream.extend(unit);
            rest = &after[length..];
        }
        Ok(())
    }
}

/// Reads the index of the first video track.
pub(super) fn open(bytes: &[u8]) -> Result<Opened> {
    let mut movie = None;
    let mut at = 0;
    while at < bytes.len() {
        let (name, body) = next(bytes, at).ok_or(Error::Truncated)?;
        if name == b"moov" {
            movie = Some(body.clone());
        }
        if name == b"moof" {
            return Err(Error::Unsupported { what: "fragmented MP4", instead: "plain MP4" });
        }
        at = body.end;
    }
    let movie = movie.ok_or(Error::Truncated)?;
    let movie = &bytes[movie];
    let tracks: Vec<&[u8]> =
        children(movie).filter(|(name, _)| name == b"trak").map(|(_, body)| body).collect();
    let has_sound = tracks.iter().any(|it| handler(it) == Some(b"soun".as_slice()));
    let track = tracks
        .iter()
        .find(|it| handler(it) == Some(b"vide".as_slice()))
        .ok_or_else(|| damaged("there is no video track"))?;
    read_track(bytes, track, has_sound)
}

/// What kind of track this is: `vide`, `soun`.
fn handler(track: &[u8]) -> Option<&[u8]> {
    path(track, &[b"mdia", b"hdlr"])?.get(8..12)
}

fn read_track(bytes: &[u8], track: &[u8], has_sound: bool) -> Result<Opened> {
    let find = |names: &[&[u8; 4]]| {
        path(track, names).ok_or_else(|| damaged("a part of the index is missing"))
    };
    let duration = duration(find(&[b"mdia", b"mdhd"])?)?;
    let table: [&[u8; 4]; 3] = [b"mdia", b"minf", b"stbl"];
    let table = find(&table)?;
    let entry = |name| path(table, &[name]).ok_or_else(|| damaged("a table is missing"));
    let (codec, body) = children(entry(b"stsd")?.get(8..).ok_or(Error::Truncated)?)
        .next()
        .ok_or_else(|| damaged("there is no codec"))?;
    let (mut width, mut height) = (u32::from(be16(body, 24)?), u32::from(be16(body, 26)?));
    if is_turned(find(&[b"tkhd"])?) {
        (width, height) = (height, width);
    }
    if width == 0 || height == 0 {
        return Err(damaged("a side is zero"));
    }
    let samples = samples(bytes.len(), table)?;
    let sync = match path(table, &[b"stss"]) {
        Some(sync) => counted(sync, 4, 4)?
            .map(|it| Ok(be32(it, 0)?.saturating_sub(1) as usize))
            .collect::<Result<_>>()?,
        None => (0..samples.len()).collect(),
    };
    let (length_bytes, parameter_sets) = match path(body.get(78..).unwrap_or_default(), &[b"avcC"])
    {
        Some(it) if codec == *b"avc1" => parameter_sets(it)?,
        _ => (4, Vec::new()),
    };
    let facts = VideoFacts {
        width,
        height,
        duration,
        frames: samples.len() as u32,
        codec: String::from_utf8_lossy(&codec).into_owned(),
        has_sound,
    };
    Ok(Opened { facts, samples, sync, parameter_sets, length_bytes })
}

fn duration(header: &[u8]) -> Result<Duration> {
    let (timescale, ticks) = match header.first() {
        Some(1) => {
            let ticks = u64::from(be32(header, 24)?) << 32 | u64::from(be32(header, 28)?);
            (be32(header, 20)?, ticks)
        }
        _ => (be32(header, 12)?, u64::from(be32(header, 16)?)),
    };
    if timescale == 0 {
        return Err(damaged("the clock stands still"));
    }
    Duration::try_from_secs_f64(ticks as f64 / f64::from(timescale))
        .map_err(|_| damaged("the duration is out of range"))
}

/// Whether the track's matrix turns it by a quarter.
fn is_turned(header: &[u8]) -> bool {
    let at = if header.first() == Some(&1) { 52 } else { 40 };
    be32(header, at) == Ok(0) && be32(header, at + 4).is_ok_and(|it| it != 0)
}

/// Where every frame lies, from chunk places, chunk lengths and frame sizes.
fn samples(whole: usize, table: &[u8]) -> Result<Vec<Range<usize>>> {
    let entry = |name| path(table, &[name]);
    let sizes = entry(b"stsz").ok_or_else(|| damaged("the frames have no sizes"))?;
    let (same, n_samples) = (be32(sizes, 4)?, be32(sizes, 8)? as usize);
    // A frame takes a byte at least, so no honest file has more frames than bytes.
    if n_samples > whole {
        return Err(damaged("more frames than bytes"));
    }
    let places: Vec<u64> = match (entry(b"stco"), entry(b"co64")) {
        (Some(places), _) => {
            counted(places, 4, 4)?.map(|it| Ok(u64::from(be32(it, 0)?))).collect::<Result<_>>()?
        }
        (_, Some(places)) => counted(places, 4, 8)?
            .map(|it| Ok(u64::from(be32(it, 0)?) << 32 | u64::from(be32(it, 4)?)))
            .collect::<Result<_>>()?,
        _ => return Err(damaged("the frames have no places")),
    };
    let runs: Vec<(u32, u32)> =
        counted(entry(b"stsc").ok_or_else(|| damaged("the chunks have no lengths"))?, 4, 12)?
            .map(|it| Ok((be32(it, 0)?, be32(it, 4)?)))
            .collect::<Result<_>>()?;
    let mut samples = Vec::with_capacity(n_samples);
    for (chunk, place) in (1u32..).zip(places) {
        let in_chunk =
            runs.iter().take_while(|(first, _)| *first <= chunk).last().map_or(0, |(_, n)| *n);
        let mut at = usize::try_from(place).map_err(|_| Error::Truncated)?;
        for _ in 0..in_chunk {
            if samples.len() == n_samples {
                break;
            }
            let size = if same > 0 { same } else { be32(sizes, 12 + samples.len() * 4)? };
            let end = at.checked_add(size as usize).filter(|it| *it <= whole);
            let end = end.ok_or(Error::Truncated)?;
            samples.push(at..end);
            at = end;
        }
    }
    if samples.len() < n_samples || samples.is_empty() {
        return Err(damaged("frames are missing"));
    }
    Ok(samples)
}

fn parameter_sets(configuration: &[u8]) -> Result<(usize, Vec<u8>)> {
    let length_bytes = usize::from(*configuration.get(4).ok_or(Error::Truncated)? & 3) + 1;
    let (mut at, mut sets) = (5, Vec::new());
    for mask in [0x1f, 0xff] {
        let count = configuration.get(at).ok_or(Error::Truncated)? & mask;
        at += 1;
        for _ in 0..count {
            let length = usize::from(be16(configuration, at)?);
            sets.extend([0, 0, 0, 1]);
            sets.extend(configuration.get(at + 2..at + 2 + length).ok_or(Error::Truncated)?);
            at += 2 + length;
        }
    }
    Ok((length_bytes, sets))
}

/// The entries of a table whose count stands at `at`.
fn counted(table: &[u8], at: usize, width: usize) -> Result<impl Iterator<Item = &[u8]>> {
    let count = be32(table, at)? as usize;
    let entries = count
        .checked_mul(width)
        .and_then(|length| table.get(at + 4..(at + 4).checked_add(length)?))
        .ok_or_else(|| damaged("a table is longer than its box"))?;
    Ok(entries.chunks_exact(width))
}

fn path<'a>(within: &'a [u8], names: &[&[u8; 4]]) -> Option<&'a [u8]> {
    names.iter().try_fold(within, |within, name| {
        children(within).find(|(it, _)| it == *name).map(|(_, body)| body)
    })
}

fn children(within: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let (name, body) = next(within, at)?;
        at = body.end;
        Some((*name, &within[body]))
    })
}

/// The name and the inside of the box that begins at `at`; `None` where it does not fit.
fn next(bytes: &[u8], at: usize) -> Option<(&[u8; 4], Range<usize>)> {
    let length = be32(bytes, at).ok()?;
    let name = bytes.get(at + 4..)?.first_chunk()?;
    let (head, length) = match length {
        0 => (8, bytes.len() - at),
        1 => {
            let long =
                u64::from(be32(bytes, at + 8).ok()?) << 32 | u64::from(be32(bytes, at + 12).ok()?);
            (16, usize::try_from(long).ok()?)
        }
        _ => (8, length as usize),
    };
    let end = at.checked_add(length).filter(|it| *it <= bytes.len())?;
    (length >= head).then_some((name, at + head..end))
}

fn be16(bytes: &[u8], at: usize) -> Result<u16> {
    let bytes = bytes.get(at..).and_then(|it| it.first_chunk()).ok_or(Error::Truncated)?;
    Ok(u16::from_be_bytes(*bytes))
}

fn be32(bytes: &[u8], at: usize) -> Result<u32> {
    let bytes = bytes.get(at..).and_then(|it| it.first_chunk()).ok_or(Error::Truncated)?;
    Ok(u32::from_be_bytes(*bytes))
}

fn damaged(why: &str) -> Error {
    Error::Damaged(why.to_owned())
}
