//! Short films: measuring MP4 files, writing them as H.264, and taking stills from them.
//!
//! The container is read and written here rather than by a crate: vendors' files are untrusted, and
//! the one crate that does both allocates by the sizes that a file claims and writes its index last.

mod encode;
mod mux;
mod read;

pub use encode::{Film, encode};

use crate::error::{Error, Result};
use crate::kind::{self, Kind};
use crate::picture::Picture;

use std::time::Duration;

use openh264::decoder::Decoder;
use openh264::formats::YUVSource;

/// What a film's file says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VideoFacts {
    /// The width as seen, rotation applied.
    pub width: u32,
    /// The height as seen, rotation applied.
    pub height: u32,
    /// How long it runs.
    pub duration: Duration,
    /// How many frames it has.
    pub frames: u32,
    /// The codec's four letters: `avc1`, `hvc1`, `vp09`, `av01`.
    pub codec: String,
    /// Whether there is a sound track.
    pub has_sound: bool,
}

impl VideoFacts {
    /// Frames a second, on average.
    pub fn frame_rate(&self) -> f64 {
        let seconds = self.duration.as_secs_f64();
        if seconds > 0.0 { f64::from(self.frames) / seconds } else { 0.0 }
    }
}

/// Reads what an MP4 file says about itself and checks that its media is all there.
pub fn measure(bytes: &[u8]) -> Result<VideoFacts> {
    check(bytes)?;
    Ok(read::open(bytes)?.facts)
}

/// Decodes the frame that is shown at `at`, or the last one. H.264 only.
pub fn still(bytes: &[u8], at: Duration) -> Result<Picture> {
    check(bytes)?;
    let film = read::open(bytes)?;
    if film.facts.codec != "avc1" {
        return Err(Error::Unsupported { what: "other than H.264 video", instead: "H.264" });
    }
    let share = at.as_secs_f64() / film.facts.duration.as_secs_f64().max(0.001);
    let index =
        ((share * f64::from(film.facts.frames)) as usize).min(film.samples.len().saturating_sub(1));
    // Decoding starts at the last frame before it that needs no other.
    let start = film.sync.iter().rev().find(|it| **it <= index).copied().unwrap_or(0);
    let mut decoder = Decoder::new().map_err(|error| Error::Damaged(error.to_string()))?;
    let mut stream = film.parameter_sets.clone();
    let mut latest = None;
    for sample in &film.samples[start..=index] {
        film.annex_b(bytes, sample, &mut stream)?;
        if let Ok(Some(frame)) = decoder.decode(&stream) {
            let (width, height) = frame.dimensions();
            let mut rgba = vec![0; width * height * 4];
            frame.write_rgba8(&mut rgba);
            latest = Some(Picture::from_rgba(width as u32, height as u32, rgba)?);
        }
        stream.clear();
    }
    latest.ok_or_else(|| Error::Damaged("no frame could be decoded".into()))
}

fn check(bytes: &[u8]) -> Result<()> {
    match kind::sniff(bytes) {
        Some(Kind::Mp4) => Ok(()),
        _ => match kind::sniff_foreign(bytes) {
            Some(what @ ("QuickTime" | "WebM")) => Err(Error::Unsupported { what, instead: "MP4" }),
            _ => Err(Error::NotAVideo),
        },
    }
}

#[cfg(test)]
mod tests;
