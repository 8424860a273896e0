//! Every mistake that the sandbox can make, and what becomes of it.

use api::sartiq::provider::v1::failure::{Code, Retry};
use api::sartiq::provider::v1::{RunAccepted, RunRequest};
use provider::conformance::{Followed, Stage};
use provider::{Model, Provider};
use provider_fal::Fal;
use serde_json::{Value, json};

use crate::Result;
use crate::stub::Fake;

/// An adapter at a sandbox, and a model that takes inputs.
struct Scene {
    fake: Fake,
    stage: Stage,
    model: Model,
}

impl Scene {
    async fn set() -> Result<Self> {
        let fake = Fake::start().await?;
        let fal: Fal = fake.fal()?;
        let model = fal.models().into_iter().find(|it| it.id == "fal-ai/flux-2-pro/edit");
        let model = model.ok_or("the model is gone")?;
        let stage = Stage::new(fal).await;
        Ok(Self { fake, stage, model })
    }

    fn request(&self) -> RunRequest {
        self.stage.request(self.stage.input(&self.model))
    }

    async fn run(&self, operation: &str, fault: Value) -> Result<Followed> {
        self.fake.fault(json!({"operation": operation}), fault).await?;
        Ok(self.stage.run(self.request()).await)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_of_models_are_sorted() -> Result {
    let scene = Scene::set().await?;
    for (name, code, retry) in [
        ("content_policy_violation", Code::ContentPolicyInput, Retry::ChangedInput),
        ("image_load_error", Code::InputUnreadable, Retry::ChangedInput),
        ("file_download_error", Code::InputUnreadable, Retry::ChangedInput),
        ("face_detection_error", Code::InputUnreadable, Retry::ChangedInput),
        ("image_too_large", Code::InputTooLarge, Retry::ChangedInput),
        ("file_too_large", Code::InputTooLarge, Retry::ChangedInput),
        ("image_too_small", Code::InvalidInput, Retry::ChangedInput),
        ("one_of", Code::InvalidInput, Retry::ChangedInput),
        ("feature_not_supported", Code::Unsupported, Retry::Never),
        ("internal_server_error", Code::Upstream, Retry::SameRequest),
        ("generation_timeout", Code::Timeout, Retry::SameRequest),
        ("downstream_service_error", Code::Upstream, Retry::SameRequest),
        ("downstream_service_unavailable", Code::Overloaded, Retry::SameRequest),
        ("runner_disconnected", Code::Overloaded, Retry::SameRequest),
        ("runner_server_error", Code::Upstream, Retry::SameRequest),
        ("startup_timeout", Code::Timeout, Retry::SameRequest),
    ] {
        let followed = scene.run("submit", json!({"kind": "fail_late", "name": name})).await?;
        let failure = followed.failure().map_err(|it| format!("{name}: {it}"))?;
        assert_eq!((failure.code(), failure.retry()), (code, retry), "{name}: {failure:?}");
        assert_eq!(failure.vendor_code, name);
        assert!(!failure.maybe_submitted && !failure.vendor_request_id.is_empty(), "{failure:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_at_the_door_are_sorted() -> Result {
    let scene = Scene::set().await?;
    for (name, code, retry) in [
        ("unauthorized", Code::Authentication, Retry::AfterOperator),
        ("forbidden", Code::Permission, Retry::AfterOperator),
        ("balance", Code::Billing, Retry::AfterOperator),
        ("payment_required", Code::Billing, Retry::AfterOperator),
        ("not_found", Code::NotFound, Retry::Never),
        ("rate_limited", Code::RateLimited, Retry::SameRequest),
        ("bad_request", Code::InvalidInput, Retry::ChangedInput),
        ("content_policy_violation", Code::ContentPolicyInput, Retry::ChangedInput),
    ] {
        let followed = scene.run("submit", json!({"kind": "error", "name": name})).await?;
        let failure = followed.failure().map_err(|it| format!("{name}: {it}"))?;
        assert_eq!((failure.code(), failure.retry()), (code, retry), "{name}: {failure:?}");
        assert!(!failure.maybe_submitted, "{failure:?}");
    }
    assert_eq!(scene.fake.count("submitted").await?, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn doubts_are_told_and_nothing_is_asked_twice() -> Result {
    let scene = Scene::set().await?;
    for fault in [
        json!({"kind": "lost_answer"}),
        json!({"kind": "hang_after_accept"}),
        json!({"kind": "cut"}),
        json!({"kind": "invalid_json"}),
    ] {
        let before = scene.fake.count("submitted").await?;
        let followed = scene.run("submit", fault.clone()).await?;
        let failure = followed.failure().map_err(|it| format!("{fault}: {it}"))?;
        assert!(failure.maybe_submitted, "{fault}: {failure:?}");
        assert_eq!(failure.retry(), Retry::SameRequest, "{fault}");
        assert_eq!(scene.fake.count("submitted").await?, before + 1, "{fault}");
    }
    // A gateway's page says nothing about what is behind it.
    let before = scene.fake.count("submitted").await?;
    let followed = scene.run("submit", json!({"kind": "html", "status": 502})).await?;
    assert!(followed.failure()?.maybe_submitted);
    assert!(scene.fake.count("submitted").await? <= before + 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_passes_is_waited_for() -> Result {
    let scene = Scene::set().await?;
    for (operation, fault) in [
        ("submit", json!({"kind": "error", "name": "rate_limited", "retry_after": 1})),
        ("submit", json!({"kind": "error", "name": "runner_scheduling_failure"})),
        ("submit", json!({"kind": "latency", "ms": 300})),
        ("submit", json!({"kind": "slow", "ms": 300})),
        ("status", json!({"kind": "error", "status": 500, "detail": "oh"})),
        ("status", json!({"kind": "cut"})),
        ("status", json!({"kind": "invalid_json"})),
        ("status", json!({"kind": "html", "status": 502})),
        ("status", json!({"kind": "unknown_status", "name": "PONDERING"})),
        ("status", json!({"kind": "backwards"})),
        ("status", json!({"kind": "hang"})),
        ("result", json!({"kind": "cut"})),
        ("result", json!({"kind": "invalid_json"})),
        ("result", json!({"kind": "html", "status": 503})),
        ("download", json!({"kind": "cut"})),
        ("download", json!({"kind": "error", "status": 500, "detail": "oh"})),
        ("download", json!({"kind": "wrong_type"})),
        ("download", json!({"kind": "slow", "ms": 300})),
        ("upload", json!({"kind": "error", "status": 503, "detail": "oh"})),
    ] {
        let before = scene.fake.count("submitted").await?;
        scene.fake.fault(json!({"operation": operation, "times": 1}), fault.clone()).await?;
        let mut request = scene.request();
        if operation == "upload" {
            // A picture that was not uploaded before, and is too large to travel inside.
            let edit = request.input.as_mut().and_then(|it| it.edit_image.as_mut());
            let edit = edit.ok_or("no edit")?;
            edit.references[0].image = Some(scene.stage.picture(99, 700, 500));
        }
        let followed = scene.stage.run(request).await;
        followed.completed().map_err(|it| format!("{operation} {fault}: {it}"))?;
        assert_eq!(scene.fake.count("submitted").await?, before + 1, "{operation} {fault}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn results_that_never_come_are_failures() -> Result {
    let scene = Scene::set().await?;
    for (operation, fault, code) in [
        ("submit", json!({"kind": "expired_result"}), Code::ResultExpired),
        ("submit", json!({"kind": "job_lost"}), Code::NotFound),
        ("result", json!({"kind": "invalid_json"}), Code::Protocol),
        ("download", json!({"kind": "html", "status": 200}), Code::Protocol),
        ("download", json!({"kind": "cut"}), Code::Upstream),
        ("download", json!({"kind": "expired_result", "status": 410}), Code::ResultExpired),
    ] {
        let followed = scene.run(operation, fault.clone()).await?;
        let failure = followed.failure().map_err(|it| format!("{operation} {fault}: {it}"))?;
        assert_eq!(failure.code(), code, "{operation} {fault}: {failure:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_filter_refused_is_no_output() -> Result {
    let mut scene = Scene::set().await?;
    // Only some families say what their filter did.
    let models = scene.fake.fal()?.models();
    scene.model = models.into_iter().find(|it| it.id == "fal-ai/flux/dev").ok_or("gone")?;
    let followed = scene.run("submit", json!({"kind": "nsfw"})).await?;
    assert_eq!(followed.failure()?.code(), Code::ContentPolicyOutput);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_leads_nowhere_but_to_fal() -> Result {
    let scene = Scene::set().await?;
    let request = scene.request();
    let accepted = scene.stage.begin(request.clone()).await;
    let token = String::from_utf8(accepted.resume_token.to_vec())?;
    assert!(!token.contains("sandbox-key"), "tokens hold no secrets");
    let url = &scene.fake.url;
    for elsewhere in
        ["http://169.254.169.254", "http://127.0.0.1:1", "https://queue.fal.run.evil.io"]
    {
        let token = token.replace(url.as_str(), elsewhere).into_bytes().into();
        let accepted = RunAccepted { resume_token: token, ..accepted.clone() };
        let status = scene.stage.resume(&request, &accepted).await.status.ok_or("followed")?;
        assert_eq!(status.code(), tonic::Code::InvalidArgument, "{elsewhere}");
    }
    scene.stage.resume(&request, &accepted).await.completed()?;
    assert_eq!(scene.fake.count("submitted").await?, 1);
    Ok(())
}
