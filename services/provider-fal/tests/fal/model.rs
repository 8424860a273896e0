//! What the adapter says about fal and its models, and what runs cost.

use api::sartiq::provider::v1::{CheckRequest, DescribeRequest, cost};
use provider::conformance::Stage;
use provider::{Code, Provider, Url};
use provider_fal::Fal;

use crate::Result;
use crate::stub::Fake;

#[tokio::test(flavor = "multi_thread")]
async fn a_garment_is_put_on_a_person() -> Result {
    let fake = Fake::start().await?;
    let fal = fake.fal()?;
    let models = fal.models();
    let stage = Stage::new(fal).await;
    let model =
        models.iter().find(|it| it.id == "fal-ai/flux-2-pro/edit").ok_or("the model is gone")?;
    let followed = stage.run(stage.request(stage.input(model))).await;
    let completed = followed.completed()?;
    let asset = completed.outputs[0].asset.as_ref().ok_or("no asset")?;
    // 517x777 was asked for, which is not on the grid.
    assert_eq!((asset.width_px, asset.height_px), (512, 784));
    assert_eq!(followed.accepted()?.adjustments, ["the size 517x777 was changed to 512x784"]);
    assert!(completed.outputs[0].seed.is_some());
    assert!(!completed.vendor_request_id.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fal_bills_is_what_it_cost() -> Result {
    let fake = Fake::start().await?;
    let fal = fake.fal()?;
    let models = fal.models();
    let stage = Stage::new(fal).await;
    for model in &models {
        let followed = stage.run(stage.request(stage.input(model))).await;
        let cost = followed.completed()?.cost.clone().ok_or("no cost")?;
        assert_eq!(cost.source(), cost::Source::Vendor, "{}", model.id);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_is_told_from_fal() -> Result {
    let fake = Fake::start().await?;
    let stage = Stage::new(fake.fal()?).await;
    let description = stage.client.clone().describe(DescribeRequest {}).await?.into_inner();
    assert!(description.sandboxed);
    let mut config = fake.config()?;
    config.fal_queue_url = Url::parse("https://queue.fal.run")?;
    assert!(!Fal::new(config)?.profile().sandboxed);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_an_operators_matter() -> Result {
    let fake = Fake::start().await?;
    let mut config = fake.config()?;
    config.fal_key = "another".into();
    let fal = Fal::new(config)?;
    let models = fal.models();
    let stage = Stage::new(fal).await;
    let followed = stage.run(stage.request(stage.input(&models[0]))).await;
    assert_eq!(followed.failure()?.code(), Code::Authentication);
    let check = stage.client.clone().check(CheckRequest {}).await?.into_inner();
    assert!(check.reachable && !check.authenticated);
    let problem = check.problem.ok_or("no problem")?;
    assert!(!problem.message.contains("another"), "the key is told to nobody");
    Ok(())
}

#[test]
fn the_command_line_is_consistent() {
    provider::command::<provider_fal::Config>().debug_assert();
}
