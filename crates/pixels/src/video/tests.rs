//! Films written, measured, cut off and taken apart.

use super::*;

type Outcome = std::result::Result<(), Box<dyn std::error::Error>>;

fn film(width: u32, height: u32, n_frames: u32, fps: u32) -> Result<Vec<u8>> {
    let frames = (0..n_frames).map(|number| {
        let mut frame = Picture::filled(width, height, [30, 30, 30, 255]);
        let shape = crate::draw::Shape::Ellipse {
            centre: (20.0 + number as f32 * 4.0, height as f32 / 2.0),
            radii: (16.0, 16.0),
        };
        frame.paint(&shape, &crate::draw::Paint::flat([220, 40, 40, 255]));
        frame
    });
    encode(frames, fps)
}

#[test]
fn a_film_is_as_long_and_large_as_asked() -> Outcome {
    let bytes = film(320, 240, 25, 10)?;
    assert_eq!(crate::sniff(&bytes), Some(Kind::Mp4));
    let facts = measure(&bytes)?;
    assert_eq!((facts.width, facts.height, facts.frames), (320, 240, 25));
    assert_eq!(facts.duration, Duration::from_millis(2500));
    assert_eq!(facts.codec, "avc1");
    assert!(!facts.has_sound);
    assert!((facts.frame_rate() - 10.0).abs() < 0.01);
    Ok(())
}

#[test]
fn odd_sides_become_even() -> Outcome {
    let facts = measure(&film(321, 243, 2, 8)?)?;
    assert_eq!((facts.width, facts.height), (320, 242));
    Ok(())
}

#[test]
fn stills_show_what_was_filmed() -> Outcome {
    let bytes = film(320, 240, 30, 10)?;
    let first = still(&bytes, Duration::ZERO)?;
    let last = still(&bytes, Duration::from_secs(60))?;
    let is_red = |picture: &Picture, x| picture.get(x, 120)[0] > 150;
    assert!(is_red(&first, 20) && !is_red(&first, 136), "{:?}", first.get(20, 120));
    assert!(is_red(&last, 136) && !is_red(&last, 20), "{:?}", last.get(136, 120));
    Ok(())
}

#[test]
fn the_same_frames_give_the_same_bytes() -> Outcome {
    assert_eq!(film(128, 128, 12, 12)?, film(128, 128, 12, 12)?);
    Ok(())
}

#[test]
fn a_film_that_stops_early_is_an_error() -> Outcome {
    let bytes = film(160, 120, 10, 10)?;
    for eighth in 0..8 {
        let cut = &bytes[..bytes.len() * eighth / 8];
        let error = measure(cut).err().ok_or(format!("{eighth}/8"))?;
        assert!(eighth < 1 || error == Error::Truncated, "{eighth}/8: {error}");
    }
    assert_eq!(measure(b"not a film").err(), Some(Error::NotAVideo));
    Ok(())
}

#[test]
fn flipped_bytes_never_panic() -> Outcome {
    let bytes = film(64, 64, 4, 10)?;
    let index = bytes.windows(4).position(|it| it == b"mdat").ok_or("no data")?;
    for at in 0..index {
        for flip in [0xff, 0x80, 0x01] {
            let mut bytes = bytes.clone();
            bytes[at] ^= flip;
            let _ = measure(&bytes);
        }
    }
    Ok(())
}
