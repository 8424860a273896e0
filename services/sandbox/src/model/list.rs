//! The endpoints that are played, each with the fields it reads.

use pixels::Kind;

use super::{Film, Form, Model, Scene, Shape, Size, TryOn, Work};

/// Every model. The times are a tenth of what such models take, so that a test stays short.
pub(super) static MODELS: &[Model] = &[
    model("fal-ai/flux/dev", 300, 28, Shape::Flux, flux),
    model("fal-ai/flux-2-pro", 450, 20, Shape::Seeded, flux_2),
    model("fal-ai/flux-2-pro/edit", 500, 20, Shape::Seeded, flux_2_edit),
    model("fal-ai/flux-pro/kontext", 400, 24, Shape::Flux, kontext),
    model("fal-ai/nano-banana", 350, 8, Shape::Described, banana),
    model("fal-ai/nano-banana/edit", 400, 8, Shape::Described, banana_edit),
    model("fal-ai/nano-banana-pro", 600, 8, Shape::Described, banana_pro),
    model("fal-ai/nano-banana-pro/edit", 600, 8, Shape::Described, banana_pro_edit),
    model("fal-ai/nano-banana-2", 450, 8, Shape::Described, banana_pro),
    model("fal-ai/nano-banana-2/edit", 450, 8, Shape::Described, banana_pro_edit),
    model("fal-ai/bytedance/seedream/v4.5/edit", 500, 20, Shape::Seeded, seedream_edit),
    model("fal-ai/fashn/tryon/v1.6", 500, 30, Shape::Files, fashn),
    model("fal-ai/leffa/virtual-tryon", 450, 50, Shape::Single, leffa),
    model("fal-ai/cat-vton", 450, 30, Shape::Single, cat_vton),
    model("fal-ai/birefnet/v2", 150, 1, Shape::CutOut, birefnet),
    model("fal-ai/bria/background/remove", 150, 1, Shape::CutOut, remove),
    model("fal-ai/imageutils/rembg", 150, 1, Shape::CutOut, remove),
    model("fal-ai/clarity-upscaler", 450, 18, Shape::Single, clarity),
    model("fal-ai/esrgan", 200, 1, Shape::Single, esrgan),
    model("fal-ai/aura-sr", 200, 1, Shape::Single, aura),
    model("fal-ai/kling-video/v2.5-turbo/pro/image-to-video", 600, 30, Shape::Video, kling_2),
    model("fal-ai/kling-video/v3/pro/image-to-video", 600, 30, Shape::Video, kling_3),
    model("fal-ai/veo3.1/image-to-video", 600, 40, Shape::Video, veo),
    model("fal-ai/veo3.1/fast/image-to-video", 400, 20, Shape::Video, veo),
    model("fal-ai/moondream3-preview/caption", 150, 1, Shape::Caption, caption),
    model("openrouter/router/vision", 200, 1, Shape::Chat, vision),
];

const fn model(
    endpoint: &'static str,
    usual_ms: u64,
    n_steps: u32,
    shape: Shape,
    read: fn(&mut Form<'_>) -> Work,
) -> Model {
    Model { endpoint, usual_ms, n_steps, shape, read }
}

/// The longest prompt that is read.
const PROMPT: usize = 20_000;
const FORMATS: &[&str] = &["jpeg", "png"];
const FORMATS_3: &[&str] = &["jpeg", "png", "webp"];
const LIKE_INPUT: Size = Size::LikeInput { pixels: 1 << 20 };

fn flux(form: &mut Form<'_>) -> Work {
    form.whole("num_inference_steps", 1, 50, 28);
    form.number("guidance_scale", 1.0, 20.0, 3.5);
    form.flag("enable_safety_checker", true);
    form.choice("acceleration", &["none", "regular", "high"], "none");
    Work::Scene(Scene {
        prompt: form.text("prompt", PROMPT),
        references: Vec::new(),
        n_images: form.whole("num_images", 1, 4, 1) as u32,
        size: form.image_size(Size::Exact(1024, 768)),
        format: form.format(FORMATS, "jpeg"),
        price_factor: 1.0,
    })
}

fn flux_2(form: &mut Form<'_>) -> Work {
    form.choice("safety_tolerance", &["1", "2", "3", "4", "5"], "2");
    form.flag("enable_safety_checker", true);
    Work::Scene(Scene {
        prompt: form.text("prompt", PROMPT),
        references: Vec::new(),
        n_images: 1,
        size: form.image_size(Size::Exact(1024, 768)),
        format: form.format(FORMATS, "jpeg"),
        price_factor: 1.0,
    })
}

fn flux_2_edit(form: &mut Form<'_>) -> Work {
    let references = form.pictures("image_urls", 9);
    form.choice("safety_tolerance", &["1", "2", "3", "4", "5"], "2");
    form.flag("enable_safety_checker", true);
    Work::Scene(Scene {
        prompt: form.text("prompt", PROMPT),
        references,
        n_images: 1,
        size: form.image_size(LIKE_INPUT),
        format: form.format(FORMATS, "jpeg"),
        price_factor: 1.0,
    })
}

fn kontext(form: &mut Form<'_>) -> Work {
    form.number("guidance_scale", 1.0, 20.0, 3.5);
    form.choice("safety_tolerance", &["1", "2", "3", "4", "5", "6"], "2");
    form.flag("enhance_prompt", false);
    Work::Retouch(Scene {
        prompt: form.text("prompt", PROMPT),
        references: vec![form.picture("image_url")],
        n_images: form.whole("num_images", 1, 4, 1) as u32,
        size: form.aspect_ratio(None, 1.0),
        format: form.format(FORMATS, "jpeg"),
        price_factor: 1.0,
    })
}

fn banana(form: &mut Form<'_>) -> Work {
    Work::Scene(banana_scene(form, false, 1.0))
}

fn banana_edit(form: &mut Form<'_>) -> Work {
    Work::Scene(banana_scene(form, true, 1.0))
}

fn banana_pro(form: &mut Form<'_>) -> Work {
    let factor = resolution(form);
    Work::Scene(banana_scene(form, false, factor))
}

fn banana_pro_edit(form: &mut Form<'_>) -> Work {
    let factor = resolution(form);
    Work::Scene(banana_scene(form, true, factor))
}

/// `resolution` as a factor on the sides.
fn resolution(form: &mut Form<'_>) -> f64 {
    match form.choice("resolution", &["0.5K", "1K", "2K", "4K"], "1K").as_str() {
        "0.5K" => 0.5,
        "2K" => 2.0,
        "4K" => 4.0,
        _ => 1.0,
    }
}

fn banana_scene(form: &mut Form<'_>, is_edit: bool, factor: f64) -> Scene {
    let references = if is_edit { form.pictures("image_urls", 14) } else { Vec::new() };
    form.choice("safety_tolerance", &["1", "2", "3", "4", "5", "6"], "4");
    form.flag("limit_generations", false);
    Scene {
        prompt: form.text("prompt", PROMPT),
        references,
        n_images: form.whole("num_images", 1, 4, 1) as u32,
        size: form.aspect_ratio((!is_edit).then_some("1:1"), factor),
        format: form.format(FORMATS_3, "png"),
        price_factor: match factor {
            0.5 => 0.75,
            2.0 => 1.5,
            4.0 => 2.0,
            _ => 1.0,
        },
    }
}

fn seedream_edit(form: &mut Form<'_>) -> Work {
    let references = form.pictures("image_urls", 10);
    form.whole("max_images", 1, 6, 1);
    form.flag("enable_safety_checker", true);
    Work::Scene(Scene {
        prompt: form.text("prompt", PROMPT),
        references,
        n_images: form.whole("num_images", 1, 6, 1) as u32,
        size: form.image_size(LIKE_INPUT),
        format: Kind::Png,
        price_factor: 1.0,
    })
}

fn fashn(form: &mut Form<'_>) -> Work {
    form.choice("mode", &["performance", "balanced", "quality"], "balanced");
    form.choice("garment_photo_type", &["auto", "model", "flat-lay"], "auto");
    form.choice("moderation_level", &["none", "permissive", "conservative"], "permissive");
    form.flag("segmentation_free", true);
    let categories = ["tops", "bottoms", "one-pieces", "auto"];
    Work::TryOn(TryOn {
        person: form.picture("model_image"),
        garment: form.picture("garment_image"),
        category: form.choice("category", &categories, "auto"),
        n_images: form.whole("num_samples", 1, 4, 1) as u32,
        format: form.format(FORMATS, "png"),
    })
}

fn leffa(form: &mut Form<'_>) -> Work {
    form.whole("num_inference_steps", 1, 50, 50);
    form.number("guidance_scale", 0.0, 20.0, 2.5);
    Work::TryOn(TryOn {
        person: form.picture("human_image_url"),
        garment: form.picture("garment_image_url"),
        category: form.choice(
            "garment_type",
            &["upper_body", "lower_body", "dresses"],
            "upper_body",
        ),
        n_images: 1,
        format: form.format(FORMATS, "png"),
    })
}

fn cat_vton(form: &mut Form<'_>) -> Work {
    let types = ["upper", "lower", "overall", "inner", "outer"];
    form.image_size(Size::Exact(768, 1024));
    Work::TryOn(TryOn {
        person: form.picture("human_image_url"),
        garment: form.picture("garment_image_url"),
        category: form.choice("cloth_type", &types, "upper"),
        n_images: 1,
        format: Kind::Png,
    })
}

fn birefnet(form: &mut Form<'_>) -> Work {
    let models = [
        "General Use (Light)",
        "General Use (Light 2K)",
        "General Use (Heavy)",
        "General Use (Dynamic)",
        "Matting",
        "Portrait",
    ];
    form.choice("model", &models, "General Use (Light)");
    form.choice("operating_resolution", &["1024x1024", "2048x2048", "2304x2304"], "1024x1024");
    form.flag("refine_foreground", true);
    Work::CutOut {
        image: form.picture("image_url"),
        wants_mask: form.flag("output_mask", false),
        mask_only: form.flag("mask_only", false),
        format: form.format(&["png", "webp", "gif"], "png"),
    }
}

fn remove(form: &mut Form<'_>) -> Work {
    form.flag("crop_to_bbox", false);
    let image = form.picture("image_url");
    Work::CutOut { image, wants_mask: false, mask_only: false, format: Kind::Png }
}

fn clarity(form: &mut Form<'_>) -> Work {
    form.number("creativity", 0.0, 1.0, 0.35);
    form.number("resemblance", 0.0, 1.0, 0.6);
    form.number("guidance_scale", 0.0, 20.0, 4.0);
    form.whole("num_inference_steps", 4, 50, 18);
    form.optional_text("prompt", PROMPT);
    Work::Enlarge {
        image: form.picture("image_url"),
        factor: form.number("upscale_factor", 1.0, 4.0, 2.0),
        format: Kind::Png,
    }
}

fn esrgan(form: &mut Form<'_>) -> Work {
    let models = [
        "RealESRGAN_x4plus",
        "RealESRGAN_x2plus",
        "RealESRGAN_x4plus_anime_6B",
        "RealESRGAN_x4_v3",
        "RealESRGAN_x4_wdn_v3",
        "RealESRGAN_x4_anime_v3",
    ];
    form.choice("model", &models, "RealESRGAN_x4plus");
    form.whole("tile", 0, 4096, 0);
    form.flag("face", false);
    Work::Enlarge {
        image: form.picture("image_url"),
        factor: form.number("scale", 1.0, 8.0, 2.0),
        format: form.format(FORMATS, "png"),
    }
}

fn aura(form: &mut Form<'_>) -> Work {
    form.choice("checkpoint", &["v1", "v2"], "v1");
    form.flag("overlapping_tiles", false);
    form.whole("upscaling_factor", 4, 4, 4);
    Work::Enlarge { image: form.picture("image_url"), factor: 4.0, format: Kind::Png }
}

fn kling_2(form: &mut Form<'_>) -> Work {
    form.number("cfg_scale", 0.0, 1.0, 0.5);
    form.optional_text("negative_prompt", 2_500);
    Work::Film(Film {
        prompt: form.text("prompt", 2_500),
        first: form.picture("image_url"),
        last: form.optional_picture("tail_image_url"),
        seconds: seconds(&form.choice("duration", &["5", "10"], "5")),
        short_side: 720,
        ratio: None,
    })
}

fn kling_3(form: &mut Form<'_>) -> Work {
    form.number("cfg_scale", 0.0, 1.0, 0.5);
    form.flag("generate_audio", true);
    let durations: Vec<String> = (3..=15).map(|it| it.to_string()).collect();
    let durations: Vec<&str> = durations.iter().map(String::as_str).collect();
    // Either one prompt or several, never both.
    if form.has("prompt") == form.has("multi_prompt") {
        let msg = "Exactly one of 'prompt' and 'multi_prompt' should be given";
        form.complain(crate::refusal::Problem::new("prompt", None, "value_error", msg));
    }
    Work::Film(Film {
        prompt: form.optional_text("prompt", 2_500).unwrap_or_default(),
        first: form.picture("start_image_url"),
        last: form.optional_picture("end_image_url"),
        seconds: seconds(&form.choice("duration", &durations, "5")),
        short_side: 720,
        ratio: None,
    })
}

fn veo(form: &mut Form<'_>) -> Work {
    form.flag("generate_audio", true);
    form.flag("auto_fix", false);
    form.choice("safety_tolerance", &["1", "2", "3", "4", "5", "6"], "4");
    let ratio = match form.choice("aspect_ratio", &["auto", "16:9", "9:16"], "auto").as_str() {
        "16:9" => Some((16, 9)),
        "9:16" => Some((9, 16)),
        _ => None,
    };
    let resolution = form.choice("resolution", &["720p", "1080p"], "720p");
    Work::Film(Film {
        prompt: form.text("prompt", PROMPT),
        first: form.picture("image_url"),
        last: None,
        seconds: seconds(&form.choice("duration", &["4s", "6s", "8s"], "8s")),
        short_side: if resolution == "1080p" { 1080 } else { 720 },
        ratio,
    })
}

fn caption(form: &mut Form<'_>) -> Work {
    form.choice("length", &["short", "normal", "long"], "normal");
    Work::Describe { images: vec![form.picture("image_url")] }
}

fn vision(form: &mut Form<'_>) -> Work {
    form.text("prompt", 200_000);
    form.text("model", 200);
    form.optional_text("system_prompt", 200_000);
    form.number("temperature", 0.0, 2.0, 1.0);
    Work::Describe { images: form.pictures("image_urls", 20) }
}

/// The number in "5" or "8s".
fn seconds(duration: &str) -> u32 {
    duration.trim_end_matches('s').parse().unwrap_or(5)
}
