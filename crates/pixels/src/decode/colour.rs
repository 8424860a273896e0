//! Colours to sRGB, which is what everything else here, and every browser, takes for granted.

use moxcms::{ColorProfile, DataColorSpace, Layout, TransformOptions};

use crate::picture::Picture;

/// A profile larger than this is not one that a camera or an editor wrote.
const LARGEST_PROFILE: usize = 4 << 20;

/// How far colours may be from sRGB's and count as the same, in steps of 255.
const SAME: u8 = 2;

/// Converts the colours of `picture`, which `profile` describes. A profile that cannot be read, or
/// that is not of red, green and blue, is as good as none: the decoder has done what can be done.
pub(super) fn to_srgb(picture: &mut Picture, profile: &[u8]) {
    if profile.len() > LARGEST_PROFILE {
        return;
    }
    let Ok(profile) = ColorProfile::new_from_slice(profile) else { return };
    if profile.color_space != DataColorSpace::Rgb {
        return;
    }
    let srgb = ColorProfile::new_srgb();
    let options = TransformOptions::default();
    let Ok(transform) = profile.create_transform_8bit(Layout::Rgba, &srgb, Layout::Rgba, options)
    else {
        return;
    };
    // Most profiles say sRGB in many ways; a few colours tell, and save the conversion.
    let samples: Vec<u8> = [0, 96, 200, 255]
        .into_iter()
        .flat_map(|r| {
            [0, 128, 255].into_iter().flat_map(move |g| [[r, g, 40, 255], [r, g, 220, 255]])
        })
        .flatten()
        .collect();
    let mut converted = vec![0; samples.len()];
    if transform.transform(&samples, &mut converted).is_err()
        || samples.iter().zip(&converted).all(|(a, b)| a.abs_diff(*b) <= SAME)
    {
        return;
    }
    let row_bytes = picture.width() as usize * 4;
    let mut line = vec![0; row_bytes];
    for row in picture.pixels_mut().chunks_exact_mut(row_bytes) {
        if transform.transform(row, &mut line).is_ok() {
            row.copy_from_slice(&line);
        }
    }
}
