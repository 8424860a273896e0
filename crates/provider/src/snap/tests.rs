//! Tests of what is rounded and what is refused.

use super::*;
use crate::model::{Capability, Counted, Price};

fn model(sizes: Sizes) -> Model {
    Model {
        id: "acme/draw".into(),
        name: "Draw".into(),
        capability: Capability::TextToImage,
        limits: Limits {
            max_outputs: 4,
            sizes,
            max_prompt_chars: 20,
            media_types: vec!["image/jpeg".into(), "image/png".into()],
            ..Limits::default()
        },
        price: Price { unit: Counted::Output, usd_micros: 1 },
    }
}

fn free() -> Sizes {
    Sizes::Free {
        multiple: 16,
        min_side: 256,
        max_side: 2048,
        max_pixels: 4_000_000,
        width: 1024,
        height: 1024,
    }
}

fn order(width: u32, height: u32) -> Order {
    Order {
        model: "acme/draw".into(),
        task: Task::TextToImage { prompt: "a tote".into(), negative_prompt: String::new() },
        count: 1,
        width,
        height,
        media_type: String::new(),
        seed: None,
    }
}

fn size(sizes: Sizes, width: u32, height: u32) -> Result<(Option<Size>, usize)> {
    let (prepared, adjustments) = snap(&model(sizes), "r".into(), order(width, height))?;
    Ok((prepared.size, adjustments.len()))
}

#[test]
fn a_size_that_fits_stays() -> Result<()> {
    assert_eq!(size(free(), 1024, 1536)?, (Some(Size { width: 1024, height: 1536 }), 0));
    assert_eq!(size(free(), 0, 0)?, (None, 0));
    Ok(())
}

#[test]
fn a_size_off_the_grid_is_rounded_and_said_so() -> Result<()> {
    assert_eq!(size(free(), 1000, 1500)?, (Some(Size { width: 1008, height: 1504 }), 1));
    assert_eq!(size(free(), 4096, 4096)?, (Some(Size { width: 2000, height: 2000 }), 1));
    assert_eq!(size(free(), 100, 150)?, (Some(Size { width: 256, height: 384 }), 1));
    Ok(())
}

#[test]
fn every_size_is_within_bounds_or_refused() {
    for width in (1..8192).step_by(97) {
        for height in (1..8192).step_by(89) {
            let Ok((Some(it), _)) = size(free(), width, height) else { continue };
            assert!(256 <= it.width && it.width <= 2048 && it.width.is_multiple_of(16), "{it:?}");
            assert!(
                256 <= it.height && it.height <= 2048 && it.height.is_multiple_of(16),
                "{it:?}"
            );
            assert!(it.width * it.height <= 4_000_000, "{it:?}");
        }
    }
    assert!(size(free(), 8192, 16).is_err());
}

#[test]
fn shapes_are_taken_from_the_list() -> Result<()> {
    let sizes = Sizes::Ratios { ratios: vec![(1, 1), (2, 3), (3, 4), (16, 9)], pixels: 1_000_000 };
    let (prepared, adjustments) = snap(&model(sizes.clone()), "r".into(), order(1024, 1536))?;
    assert_eq!(prepared.ratio, Some((2, 3)));
    assert_eq!(adjustments, ["the size 1024x1536 was changed to the shape 2:3"]);
    let refused = snap(&model(sizes), "r".into(), order(4000, 400)).err();
    assert_eq!(refused.map(|it| it.code), Some(Code::InvalidInput));
    Ok(())
}

#[test]
fn what_cannot_be_rounded_is_refused() {
    let refused = |order| snap(&model(free()), "r".into(), order).err().map(|it| it.code);
    assert_eq!(refused(Order { count: 5, ..order(0, 0) }), Some(Code::InvalidInput));
    assert_eq!(
        refused(Order { media_type: "video/mp4".into(), ..order(0, 0) }),
        Some(Code::InvalidInput)
    );
    let long = Task::TextToImage { prompt: "a".repeat(21), negative_prompt: String::new() };
    assert_eq!(refused(Order { task: long, ..order(0, 0) }), Some(Code::InvalidInput));
    let blank = Task::TextToImage { prompt: "  ".into(), negative_prompt: String::new() };
    assert_eq!(refused(Order { task: blank, ..order(0, 0) }), Some(Code::InvalidInput));
    let other = Task::EditImage {
        prompt: "a tote".into(),
        negative_prompt: String::new(),
        references: Vec::new(),
    };
    assert_eq!(refused(Order { task: other, ..order(0, 0) }), Some(Code::Unsupported));
}

#[test]
fn what_the_model_does_not_know_is_left_out() -> Result<()> {
    let order = Order {
        seed: Some(7),
        media_type: "image/webp".into(),
        task: Task::TextToImage { prompt: "a tote".into(), negative_prompt: "a hat".into() },
        ..order(0, 0)
    };
    let (prepared, adjustments) = snap(&model(free()), "r".into(), order)?;
    assert_eq!(prepared.seed, None);
    assert_eq!(prepared.media_type, "image/jpeg");
    assert_eq!(adjustments.len(), 3);
    Ok(())
}

#[test]
fn lengths_go_to_the_nearest() {
    assert_eq!(nearest(&[5, 10], 6).ok(), Some(5));
    assert_eq!(nearest(&[5, 10], 20).ok(), Some(10));
    assert!(nearest(&[5, 10], 21).is_err());
    assert!(nearest(&[], 1).is_err());
}
