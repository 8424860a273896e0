//! The promises of every adapter.

use crate::Result;
use crate::stub::Fake;

#[tokio::test(flavor = "multi_thread")]
async fn fal_keeps_every_promise() -> Result {
    let fake = Fake::start().await?;
    let build = || fake.fal().expect("an adapter");
    provider::conformance::check(build, &fake).await;
    Ok(())
}
