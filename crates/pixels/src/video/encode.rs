//! From pictures to H.264 in an MP4.

use openh264::OpenH264API;
use openh264::encoder::{
    Complexity, Encoder, EncoderConfig, FrameRate, IntraFramePeriod, Profile, RateControlMode,
    VuiConfig,
};
use openh264::formats::YUVSlices;

use super::mux;
use crate::error::{Error, Result};
use crate::picture::Picture;

/// The most frames of one film: what a caller's duration times rate may come to.
const MOST_FRAMES: usize = 20_000;

/// A film in the making: frames go in one by one, so that they need not all be in memory.
pub struct Film {
    encoder: Encoder,
    track: mux::Track,
    yuv: Vec<u8>,
}

/// Encodes pictures as an MP4. All take the size of the first, made even.
pub fn encode(frames: impl IntoIterator<Item = Picture>, fps: u32) -> Result<Vec<u8>> {
    let mut frames = frames.into_iter();
    let first = frames.next().ok_or_else(|| fault("a film needs a frame"))?;
    let mut film = Film::new(first.width(), first.height(), fps)?;
    film.push(&first)?;
    for frame in frames {
        film.push(&frame)?;
    }
    film.finish()
}

impl Film {
    /// Starts a film. Sides are made even, which H.264 needs.
    pub fn new(width: u32, height: u32, fps: u32) -> Result<Self> {
        let (width, height) = ((width & !1).max(16), (height & !1).max(16));
        let fps = fps.clamp(1, 120);
        let config = EncoderConfig::new()
            // A constant quality: bits are cheap here, and no frame may be skipped.
            .rate_control_mode(RateControlMode::Off)
            .max_frame_rate(FrameRate::from_hz(fps as f32))
            .profile(Profile::Baseline)
            .complexity(Complexity::Low)
            .skip_frames(false)
            .intra_frame_period(IntraFramePeriod::from_num_frames(fps * 2))
            .vui(VuiConfig::bt709())
            // One thread: the same frames give the same bytes.
            .num_threads(1);
        let encoder = Encoder::with_api_config(OpenH264API::from_source(), config)
            .map_err(|error| fault(&error.to_string()))?;
        Ok(Self { encoder, track: mux::Track::new(width, height, fps), yuv: Vec::new() })
    }

    /// Adds a frame; one of another size is resized.
    pub fn push(&mut self, frame: &Picture) -> Result<()> {
        if self.track.len() >= MOST_FRAMES {
            return Err(fault("a film has at most 20000 frames"));
        }
        let (width, height) = self.track.size();
        let resized;
        let frame = if (frame.width() & !1, frame.height() & !1) == (width, height) {
            frame
        } else {
            resized = frame.resize(crate::Fit::Cover(width, height));
            &resized
        };
        let (width, height) = (width as usize, height as usize);
        yuv(frame, width, height, &mut self.yuv);
        let (luma, chroma) = self.yuv.split_at(width * height);
        let (blue, red) = chroma.split_at(width * height / 4);
        let source =
            YUVSlices::new((luma, blue, red), (width, height), (width, width / 2, width / 2));
        let stream = self.encoder.encode(&source).map_err(|error| fault(&error.to_string()))?;
        self.track.push(&stream.to_vec());
        Ok(())
    }

    /// Writes the file.
    pub fn finish(self) -> Result<Vec<u8>> {
        self.track.finish().ok_or_else(|| fault("the encoder gave no frame"))
    }
}

/// Converts to planar YUV 4:2:0, BT.709, the studio range.
fn yuv(frame: &Picture, width: usize, height: usize, yuv: &mut Vec<u8>) {
    yuv.clear();
    yuv.resize(width * height * 3 / 2, 0);
    let (luma, chroma) = yuv.split_at_mut(width * height);
    let (blue, red) = chroma.split_at_mut(width * height / 4);
    let stride = frame.width() as usize * 4;
    for (y, (row, luma)) in
        frame.pixels().chunks_exact(stride).zip(luma.chunks_exact_mut(width)).enumerate()
    {
        for (pixel, luma) in row.chunks_exact(4).zip(luma.iter_mut()) {
            let [r, g, b] = [pixel[0], pixel[1], pixel[2]].map(i32::from);
            *luma = (16 + ((47 * r + 157 * g + 16 * b + 128) >> 8)) as u8;
        }
        if y % 2 == 0 && y / 2 < height / 2 {
            let at = y / 2 * (width / 2);
            for (x, pair) in row.chunks_exact(8).take(width / 2).enumerate() {
                let [r, g, b] =
                    [0, 1, 2].map(|it| (i32::from(pair[it]) + i32::from(pair[it + 4])) / 2);
                blue[at + x] = (128 + ((-26 * r - 87 * g + 112 * b + 128) >> 8)) as u8;
                red[at + x] = (128 + ((112 * r - 102 * g - 10 * b + 128) >> 8)) as u8;
            }
        }
    }
}

fn fault(reason: &str) -> Error {
    Error::Encode { kind: "MP4", reason: reason.to_owned() }
}
