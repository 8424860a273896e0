//! Tests of what each family of models is sent and answers.

use std::error::Error;

use provider::Size;

use super::*;
use crate::catalogue;

fn input(reference: &str) -> Input {
    Input { reference: reference.into(), width: 800, height: 1200 }
}

fn run(task: Task, media_type: &str) -> Prepared {
    Prepared {
        run_id: "r".into(),
        model: "fal-ai/any".into(),
        task,
        count: 1,
        size: None,
        ratio: None,
        media_type: media_type.into(),
        seed: None,
    }
}

fn job() -> Result<Job, Box<dyn Error>> {
    let url = Url::parse("https://queue.fal.run/fal-ai/any/requests/r")?;
    Ok(Job {
        request_id: "r".into(),
        model: "fal-ai/any".into(),
        status_url: url.clone(),
        response_url: url.clone(),
        cancel_url: url,
    })
}

#[test]
fn flux_takes_a_size_and_a_count() -> Result<(), Failure> {
    let task = Task::TextToImage { prompt: "a tote".into(), negative_prompt: String::new() };
    let run = Prepared {
        size: Some(Size { width: 1024, height: 1536 }),
        seed: Some(7),
        count: 2,
        ..run(task, "image/png")
    };
    assert_eq!(
        arguments(Family::Flux, &run)?,
        json!({
            "prompt": "a tote", "seed": 7, "num_images": 2, "output_format": "png",
            "image_size": {"width": 1024, "height": 1536},
        })
    );
    // FLUX.2 makes one and knows no count.
    assert!(arguments(Family::Flux2, &run)?.get("num_images").is_none());
    Ok(())
}

#[test]
fn references_are_a_list_but_for_kontext() -> Result<(), Failure> {
    let task = || Task::EditImage {
        prompt: "red".into(),
        negative_prompt: String::new(),
        references: vec![input("https://a"), input("https://b")],
    };
    let many = arguments(Family::Flux2, &run(task(), "image/jpeg"))?;
    assert_eq!(many["image_urls"], json!(["https://a", "https://b"]));
    assert_eq!(many["output_format"], "jpeg");
    let run = Prepared { ratio: Some((2, 3)), ..run(task(), "image/jpeg") };
    let single = arguments(Family::Kontext, &run)?;
    assert_eq!(
        (&single["image_url"], &single["aspect_ratio"]),
        (&json!("https://a"), &json!("2:3"))
    );
    assert!(single.get("image_urls").is_none());
    Ok(())
}

#[test]
fn garments_have_categories() -> Result<(), Failure> {
    let task = |part| Task::TryOn { person: input("https://p"), garment: input("https://g"), part };
    let made = arguments(Family::Fashn, &run(task(Some(Part::FullBody)), "image/png"))?;
    assert_eq!(
        made,
        json!({
            "model_image": "https://p", "garment_image": "https://g", "category": "one-pieces",
            "num_samples": 1, "output_format": "png",
        })
    );
    let made = arguments(Family::Fashn, &run(task(None), "image/png"))?;
    assert_eq!(made["category"], "auto");
    Ok(())
}

#[test]
fn each_family_writes_durations_its_own_way() -> Result<(), Failure> {
    let task = |seconds| Task::ImageToVideo {
        image: input("https://a"),
        prompt: "she turns".into(),
        seconds,
    };
    let kling = arguments(Family::Kling, &run(task(Some(5)), "video/mp4"))?;
    assert_eq!(kling, json!({"prompt": "she turns", "image_url": "https://a", "duration": "5"}));
    let veo = arguments(Family::Veo, &run(task(Some(8)), "video/mp4"))?;
    assert_eq!((&veo["duration"], &veo["aspect_ratio"]), (&json!("8s"), &json!("auto")));
    assert!(arguments(Family::Veo, &run(task(None), "video/mp4"))?.get("duration").is_none());
    Ok(())
}

#[test]
fn enlargers_name_their_factor_differently() -> Result<(), Failure> {
    let task = || Task::Upscale { image: input("https://a"), factor: 3 };
    assert_eq!(arguments(Family::Esrgan, &run(task(), "image/png"))?["scale"], 3);
    assert_eq!(arguments(Family::Clarity, &run(task(), "image/png"))?["upscale_factor"], 3);
    Ok(())
}

#[test]
fn what_the_filter_blacked_out_is_no_output() -> Result<(), Box<dyn Error>> {
    let read = |flags: &str| -> Result<Result<Success>, Box<dyn Error>> {
        let text = format!(
            r#"{{"images":[{{"url":"https://1"}},{{"url":"https://2","file_size":9}}],
                "seed":7,"has_nsfw_concepts":{flags}}}"#
        );
        Ok(success(serde_json::from_str(&text)?, None, &job()?))
    };
    let some = read("[true,false]")??;
    assert_eq!((some.outputs.len(), &*some.outputs[0].url), (1, "https://2"));
    assert_eq!((some.outputs[0].size_bytes, some.outputs[0].seed), (Some(9), Some(7)));
    let none = read("[true,true]")?.err();
    assert_eq!(none.map(|it| it.code), Some(Code::ContentPolicyOutput));
    assert_eq!(read("null")??.outputs.len(), 2);
    let empty = success(serde_json::from_str("{}")?, None, &job()?).err();
    assert_eq!(empty.map(|it| it.code), Some(Code::NoOutput));
    Ok(())
}

#[test]
fn a_completed_run_may_have_failed() -> Result<(), serde_json::Error> {
    let status: Status = serde_json::from_str(
        r#"{"status":"COMPLETED","logs":null,"error":"too slow","error_type":"generation_timeout"}"#,
    )?;
    let failure = status.failure("r");
    assert_eq!(failure.map(|it| it.code), Some(Code::Timeout));
    let status: Status = serde_json::from_str(r#"{"status":"COMPLETED","logs":[]}"#)?;
    assert!(status.failure("r").is_none());
    Ok(())
}

#[test]
fn progress_is_read_from_the_last_line() -> Result<(), serde_json::Error> {
    let status: Status = serde_json::from_str(
        r#"{"status":"IN_PROGRESS","logs":[{"message":"a"},{"message":" 45%|### | 13/28 "},{"message":" "}]}"#,
    )?;
    let line = status.last_line().unwrap_or_default();
    assert_eq!((&*line, percent(&line)), ("45%|### | 13/28", Some(45)));
    assert_eq!(percent("step 3 of 4: 100% done"), Some(100));
    assert_eq!(percent("half a per cent is not %"), None);
    assert_eq!(percent("1000%"), None);
    assert_eq!(percent("nothing"), None);
    Ok(())
}

#[test]
fn the_built_in_models_can_be_read() -> Result<(), provider::Error> {
    let models = catalogue::read(None)?;
    assert_eq!(models.len(), 12);
    assert!(models.iter().all(|it| 0 < it.model.price.usd_micros));
    Ok(())
}
