//! Hostile and odd files.

use super::*;
use crate::Fit;

type Outcome = std::result::Result<(), Box<dyn std::error::Error>>;

/// A picture whose four corners differ, so that orientation shows.
fn corners() -> Picture {
    let mut picture = Picture::filled(48, 32, [255, 255, 255, 255]);
    for y in 0..32 {
        for x in 0..48 {
            let colour = match (x < 24, y < 16) {
                (true, true) => [250, 10, 10, 255],
                (false, true) => [10, 250, 10, 255],
                (true, false) => [10, 10, 250, 255],
                (false, false) => [240, 240, 20, 255],
            };
            picture.set(x, y, colour);
        }
    }
    picture
}

fn files() -> Result<Vec<(Kind, Vec<u8>)>> {
    let picture = corners();
    let mut gif = Vec::new();
    image::codecs::gif::GifEncoder::new(&mut gif)
        .encode(
            picture.pixels(),
            picture.width(),
            picture.height(),
            image::ExtendedColorType::Rgba8,
        )
        .map_err(|error| Error::Damaged(error.to_string()))?;
    Ok(vec![
        (Kind::Png, picture.to_png()?),
        (Kind::Jpeg, picture.to_jpeg(92)?),
        (Kind::Webp, picture.to_webp(90.0)?),
        (Kind::Gif, gif),
    ])
}

#[test]
fn every_kind_comes_back() -> Outcome {
    for (kind, bytes) in files()? {
        assert_eq!(kind::sniff(&bytes), Some(kind));
        let facts = inspect(&bytes, &Limits::default())?;
        assert_eq!((facts.kind, facts.width, facts.height), (kind, 48, 32));
        let picture = decode(&bytes, &Limits::default())?;
        let difference = crate::difference(&picture, &corners());
        assert!(difference < 0.03, "{kind}: {difference}");
    }
    Ok(())
}

#[test]
fn a_file_that_stops_early_is_an_error() -> Outcome {
    for (kind, bytes) in files()? {
        for eighth in 0..8 {
            let cut = &bytes[..bytes.len() * eighth / 8];
            let error =
                decode(cut, &Limits::default()).err().ok_or(format!("{kind} {eighth}/8"))?;
            if eighth > 1 {
                assert_eq!(error, Error::Truncated, "{kind} {eighth}/8");
            }
        }
        let short = &bytes[..bytes.len() - 1];
        assert_eq!(decode(short, &Limits::default()).err(), Some(Error::Truncated), "{kind}");
    }
    Ok(())
}

#[test]
fn flipped_bytes_never_panic() -> Outcome {
    for (_, bytes) in files()? {
        for at in 0..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[at] ^= 0xff;
            let _ = decode(&bytes, &Limits::default());
        }
    }
    Ok(())
}

#[test]
fn a_bomb_is_refused_by_its_header() -> Outcome {
    let mut bomb = corners().to_png()?;
    bomb[16..20].copy_from_slice(&50_000u32.to_be_bytes());
    bomb[20..24].copy_from_slice(&50_000u32.to_be_bytes());
    let error = decode(&bomb, &Limits::default()).err();
    assert_eq!(error, Some(Error::TooWide { limit: 16_384 }));

    let limits = Limits { max_side: 65_535, ..Limits::default() };
    let error = decode(&bomb, &limits).err();
    assert_eq!(error, Some(Error::TooManyPixels { limit: limits.max_pixels }));
    assert!(error.ok_or("none")?.to_string().contains("120000000"));
    Ok(())
}

#[test]
fn limits_are_named() -> Outcome {
    let bytes = corners().to_png()?;
    let limits = Limits { max_bytes: 10, ..Limits::default() };
    assert_eq!(decode(&bytes, &limits).err(), Some(Error::TooLarge { limit: 10 }));
    let limits = Limits { max_side: 40, ..Limits::default() };
    assert_eq!(decode(&bytes, &limits).err(), Some(Error::TooWide { limit: 40 }));
    let limits = Limits { max_pixels: 48 * 32, ..Limits::default() };
    assert!(decode(&bytes, &limits).is_ok());
    let limits = Limits { max_pixels: 48 * 32 - 1, ..Limits::default() };
    assert_eq!(decode(&bytes, &limits).err(), Some(Error::TooManyPixels { limit: 1535 }));
    Ok(())
}

#[test]
fn renamed_text_is_not_an_image() {
    let error = decode(b"Dear customer, please find attached.", &Limits::default()).err();
    assert_eq!(error, Some(Error::NotAnImage));
    let error = decode(b"%PDF-1.7", &Limits::default()).err();
    assert!(matches!(error, Some(Error::Unsupported { what: "PDF", .. })));
}

/// The smallest EXIF block that says how the camera was held.
fn with_orientation(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let mut exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
    let mut bytes = jpeg[..2].to_vec();
    bytes.extend([0xff, 0xe1]);
    bytes.extend((exif.len() as u16 + 2).to_be_bytes());
    bytes.extend(exif);
    bytes.extend(&jpeg[2..]);
    bytes
}

#[test]
fn orientation_is_applied() -> Outcome {
    let jpeg = corners().to_jpeg(95)?;
    // Where the top left corner's red comes to stand: left?, top?
    let red = [
        (1, true, true),
        (2, false, true),
        (3, false, false),
        (4, true, false),
        (5, true, true),
        (6, false, true),
        (7, false, false),
        (8, true, false),
    ];
    for (orientation, is_left, is_top) in red {
        let bytes = with_orientation(&jpeg, orientation);
        let picture = decode(&bytes, &Limits::default())?;
        let facts = inspect(&bytes, &Limits::default())?;
        let size = if orientation < 5 { (48, 32) } else { (32, 48) };
        assert_eq!((picture.width(), picture.height()), size, "{orientation}");
        assert_eq!((facts.width, facts.height), size, "{orientation}");
        let x = if is_left { 4 } else { size.0 - 5 };
        let y = if is_top { 4 } else { size.1 - 5 };
        let [r, g, b, _] = picture.get(x, y);
        assert!(r > 200 && g < 80 && b < 80, "{orientation}: {r} {g} {b}");
    }
    Ok(())
}

#[test]
fn the_first_frame_stands_for_an_animation() -> Outcome {
    let mut bytes = Vec::new();
    {
        let mut encoder = image::codecs::gif::GifEncoder::new(&mut bytes);
        for colour in [[255, 0, 0, 255], [0, 0, 255, 255]] {
            let frame = Picture::filled(16, 16, colour);
            encoder.encode(frame.pixels(), 16, 16, image::ExtendedColorType::Rgba8)?;
        }
    }
    assert!(inspect(&bytes, &Limits::default())?.is_animated);
    let [r, _, b, _] = decode(&bytes, &Limits::default())?.resize(Fit::Exact(1, 1)).get(0, 0);
    assert!(r > 200 && b < 50);
    Ok(())
}

/// A PNG of one colour that carries a profile.
fn with_profile(
    colour: [u8; 4],
    profile: Vec<u8>,
) -> std::result::Result<Vec<u8>, Box<dyn std::error::Error>> {
    use image::ImageEncoder;
    let picture = Picture::filled(16, 16, colour);
    let mut bytes = Vec::new();
    let mut encoder = image::codecs::png::PngEncoder::new(&mut bytes);
    encoder.set_icc_profile(profile)?;
    encoder.write_image(picture.pixels(), 16, 16, image::ExtendedColorType::Rgba8)?;
    Ok(bytes)
}

#[test]
fn colours_are_brought_to_srgb() -> Outcome {
    let p3 = moxcms::ColorProfile::new_display_p3().encode()?;
    let bytes = with_profile([200, 60, 60, 255], p3.clone())?;
    let [r, g, b, a] = decode(&bytes, &Limits::default())?.get(8, 8);
    // The same red needs more of sRGB's narrower primary.
    assert!(r > 205 && g < 55 && b < 58 && a == 255, "{r} {g} {b} {a}");

    let srgb = moxcms::ColorProfile::new_srgb().encode()?;
    let bytes = with_profile([200, 60, 60, 255], srgb)?;
    assert_eq!(decode(&bytes, &Limits::default())?.get(8, 8), [200, 60, 60, 255]);

    // A broken profile is no reason to refuse a picture, nor to fall over.
    for at in (0..p3.len()).step_by(3) {
        let mut broken = p3.clone();
        broken[at] ^= 0xff;
        decode(&with_profile([200, 60, 60, 255], broken)?, &Limits::default())?;
    }
    decode(&with_profile([200, 60, 60, 255], b"nonsense".to_vec())?, &Limits::default())?;
    Ok(())
}
