//! What comes out: the asked size and format, the garment in sight, the same for the same seed.

use std::time::{Duration, Instant};

use pixels::{Fit, Kind, Limits, colour_similarity, difference, locate};
use serde_json::{Value, json};

use crate::play::{EDIT, FLUX, Outcome, Play, data_uri, garment, person, small};
use crate::queue::text;

fn edit(garments: &[String], seed: u64) -> Value {
    json!({"prompt": "a model wears the shirt in a studio", "image_urls": garments, "seed": seed,
        "image_size": {"width": 512, "height": 768}, "output_format": "png"})
}

#[tokio::test]
async fn the_same_seed_gives_the_same_bytes_and_another_another_picture() -> Outcome {
    let play = Play::start().await?;
    let sources = [data_uri(&garment())?, data_uri(&person())?];
    let mut files = Vec::new();
    for seed in [1, 1, 2, 3] {
        let output = play.run(EDIT, &edit(&sources, seed)).await?;
        assert_eq!(output["seed"], seed);
        files.push(play.bytes(&output["images"][0]["url"]).await?);
    }
    assert_eq!(files[0], files[1]);
    let decode = |at: usize| pixels::decode(&files[at], &Limits::default());
    for (one, other) in [(0, 2), (0, 3), (2, 3)] {
        let difference = difference(&decode(one)?, &decode(other)?);
        assert!(difference > 0.04, "{one} {other}: {difference}");
    }
    Ok(())
}

#[tokio::test]
async fn addresses_of_references_do_not_change_the_picture() -> Outcome {
    let play = Play::start().await?;
    let upload = play.client.post(play.url("/cdn/files/upload")).body(garment().to_png()?);
    let upload = play.send(upload.header("content-type", "image/png")).await?.body;
    let by_url = play.run(EDIT, &edit(&[text(&upload["access_url"]).to_owned()], 5)).await?;
    let inline = play.run(EDIT, &edit(&[data_uri(&garment())?], 5)).await?;
    let one = play.bytes(&by_url["images"][0]["url"]).await?;
    assert_eq!(one, play.bytes(&inline["images"][0]["url"]).await?);
    Ok(())
}

#[tokio::test]
async fn the_garment_can_be_seen() -> Outcome {
    let play = Play::start().await?;
    let shirt = garment().cut_out(40).picture.trimmed();
    let plain = json!({"prompt": "a model in a studio", "seed": 4, "output_format": "png",
        "image_size": {"width": 512, "height": 768}});
    let without = play.picture(&play.run("fal-ai/flux-2-pro", &plain).await?).await?;
    for endpoint in [EDIT, "fal-ai/nano-banana/edit", "fal-ai/bytedance/seedream/v4.5/edit"] {
        for seed in [4, 5, 6] {
            let output = play.run(endpoint, &edit(&[data_uri(&garment())?], seed)).await?;
            let with = play.picture(&output).await?;
            let found = locate(&shirt, &with);
            let elsewhere = locate(&shirt, &without);
            assert!(found.difference < 0.17, "{endpoint} {seed}: {found:?}");
            assert!(elsewhere.difference > found.difference + 0.08, "{elsewhere:?} {found:?}");
            let likeness = colour_similarity(&shirt, &with);
            assert!(
                likeness > colour_similarity(&shirt, &without) + 0.05,
                "{endpoint}: {likeness}"
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_person_can_be_seen_too() -> Outcome {
    let play = Play::start().await?;
    let sources = [data_uri(&garment())?, data_uri(&person())?];
    let with = play.picture(&play.run(EDIT, &edit(&sources, 9)).await?).await?;
    let without = play.picture(&play.run(EDIT, &edit(&sources[..1], 9)).await?).await?;
    let head = person().cut_out(36).picture.crop(180, 20, 120, 180).trimmed();
    let upper = |it: &pixels::Picture| it.crop(0, 0, it.width(), it.height() * 2 / 5);
    let (with, without) = (locate(&head, &upper(&with)), locate(&head, &upper(&without)));
    assert!(with.difference < 0.12, "{with:?}");
    assert!(without.difference > with.difference + 0.03, "{without:?} {with:?}");
    Ok(())
}

#[tokio::test]
async fn a_garment_is_tried_on_the_person_who_was_sent() -> Outcome {
    let play = Play::start().await?;
    let order = json!({"model_image": data_uri(&person())?, "garment_image": data_uri(&garment())?,
        "category": "tops", "num_samples": 2, "seed": 3});
    let output = play.run("fal-ai/fashn/tryon/v1.6", &order).await?;
    assert_eq!(output["images"].as_array().map(Vec::len), Some(2));
    assert!(output["images"][0]["width"].is_null(), "a plain file does not say its size");
    let picture = play.picture(&output).await?;
    assert_eq!((picture.width(), picture.height()), (480, 720));
    let shirt = garment().cut_out(40).picture.trimmed();
    let found = locate(&shirt, &picture);
    assert!(found.difference < 0.17, "{found:?}");
    let head = locate(&person().crop(180, 30, 120, 150), &picture);
    assert!(head.difference < 0.09, "the person is still there: {head:?}");
    assert_eq!(play.charged().await?, 150_000);
    Ok(())
}

#[tokio::test]
async fn sizes_and_formats_are_exact() -> Outcome {
    let play = Play::start().await?;
    for (format, kind) in [("png", Kind::Png), ("jpeg", Kind::Jpeg)] {
        let order = json!({"prompt": "p", "image_size": "portrait_16_9", "output_format": format});
        let output = play.run(FLUX, &order).await?;
        let bytes = play.bytes(&output["images"][0]["url"]).await?;
        assert_eq!(pixels::sniff(&bytes), Some(kind));
        let facts = pixels::inspect(&bytes, &Limits::default())?;
        assert_eq!((facts.width, facts.height), (576, 1024));
    }
    let order = json!({"prompt": "p", "aspect_ratio": "2:3", "resolution": "2K",
        "output_format": "webp", "num_images": 1});
    let output = play.run("fal-ai/nano-banana-pro", &order).await?;
    let bytes = play.bytes(&output["images"][0]["url"]).await?;
    assert_eq!(pixels::sniff(&bytes), Some(Kind::Webp));
    let facts = pixels::inspect(&bytes, &Limits::default())?;
    assert_eq!((facts.width, facts.height), (1664, 2496));
    Ok(())
}

#[tokio::test]
async fn several_images_differ() -> Outcome {
    let play = Play::start().await?;
    let mut order = small();
    order["num_images"] = json!(3);
    let output = play.run(FLUX, &order).await?;
    let images = output["images"].as_array().ok_or("no images")?;
    assert_eq!((images.len(), &output["has_nsfw_concepts"]), (3, &json!([false, false, false])));
    let first = play.bytes(&images[0]["url"]).await?;
    assert_ne!(first, play.bytes(&images[1]["url"]).await?);
    Ok(())
}

#[tokio::test]
async fn the_picture_may_come_inline() -> Outcome {
    let play = Play::start().await?;
    let mut order = small();
    order["sync_mode"] = json!(true);
    let output = play.run(FLUX, &order).await?;
    assert!(text(&output["images"][0]["url"]).starts_with("data:image/jpeg;base64,/9j/"));
    Ok(())
}

#[tokio::test]
async fn a_background_is_taken_away() -> Outcome {
    let play = Play::start().await?;
    let order = json!({"image_url": data_uri(&garment())?, "output_mask": true});
    let output = play.run("fal-ai/birefnet/v2", &order).await?;
    let cut = play.picture(&output).await?;
    assert_eq!((cut.width(), cut.height()), (500, 560));
    assert_eq!(cut.get(3, 3)[3], 0);
    assert_eq!(cut.get(250, 300)[3], 255);
    let mask = play.bytes(&output["mask_image"]["url"]).await?;
    assert_eq!(pixels::decode(&mask, &Limits::default())?.get(250, 300)[0], 255);
    Ok(())
}

#[tokio::test]
async fn pictures_are_enlarged() -> Outcome {
    let play = Play::start().await?;
    for (endpoint, field) in
        [("fal-ai/esrgan", "scale"), ("fal-ai/clarity-upscaler", "upscale_factor")]
    {
        let order = json!({"image_url": data_uri(&person())?, field: 2});
        let large = play.picture(&play.run(endpoint, &order).await?).await?;
        assert_eq!((large.width(), large.height()), (960, 1440));
        assert!(difference(&large, &person()) < 0.03);
    }
    let wide = person().resize(Fit::Exact(4000, 3000));
    let order = json!({"image_url": data_uri(&wide)?, "scale": 4});
    let answer = play.post("/run/fal-ai/esrgan", &order).await?;
    assert_eq!((answer.status, &answer.body["error_type"]), (422, &json!("image_too_large")));
    Ok(())
}

#[tokio::test]
async fn a_still_becomes_a_film() -> Outcome {
    let play = Play::start().await?;
    let order = json!({"image_url": data_uri(&person())?, "prompt": "zoom in", "duration": "5"});
    let kling = "fal-ai/kling-video/v2.5-turbo/pro/image-to-video";
    let output = play.run(kling, &order).await?;
    let bytes = play.bytes(&output["video"]["url"]).await?;
    let facts = pixels::video::measure(&bytes)?;
    assert_eq!((facts.width, facts.height), (720, 1080));
    assert_eq!(facts.duration, Duration::from_secs(5));
    assert!((8.0..=12.0).contains(&facts.frame_rate()));
    let first = pixels::video::still(&bytes, Duration::ZERO)?;
    let last = pixels::video::still(&bytes, Duration::from_secs(5))?;
    assert!(difference(&first, &person()) < 0.04);
    assert!(difference(&first, &last) > 0.01, "the camera moves");
    assert_eq!(play.charged().await?, 350_000);

    let tiny = person().resize(Fit::Exact(100, 100));
    let order = json!({"image_url": data_uri(&tiny)?, "prompt": "p"});
    let answer = play.post("/run/fal-ai/veo3.1/image-to-video", &order).await?;
    assert_eq!((answer.status, &answer.body["error_type"]), (422, &json!("image_too_small")));
    Ok(())
}

#[tokio::test]
async fn a_picture_is_put_into_words() -> Outcome {
    let play = Play::start().await?;
    let order = json!({"image_url": data_uri(&garment())?});
    let output = play.run("fal-ai/moondream3-preview/caption", &order).await?;
    assert!(text(&output["output"]).contains("plain white background"), "{output}");
    Ok(())
}

#[tokio::test]
async fn rendering_is_quick() -> Outcome {
    let config = sandbox::Config { latency: 0.0, ..sandbox::Config::default() };
    let play = Play::with(config).await?;
    let sources = [data_uri(&garment())?, data_uri(&person())?];
    let mut order = edit(&sources, 1);
    order["image_size"] = json!({"width": 1024, "height": 1536});
    order["output_format"] = json!("jpeg");
    let began = Instant::now();
    play.run(EDIT, &order).await?;
    // Far above what it takes, so that a busy machine does not fail the test.
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    Ok(())
}
