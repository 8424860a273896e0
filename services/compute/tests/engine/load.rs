//! Many workflows at once share commits.

use std::time::Instant;

use api::sartiq::compute::v1::*;
use futures::StreamExt;
use sqlx::PgPool;

use crate::Result;
use crate::audit::audit;
use crate::provider::Act;
use crate::stage::{Stage, picture};

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn five_hundred_workflows_share_commits(db: PgPool) -> Result {
    let stage = Stage::new(db).await;
    stage.fake.plan(|_, _| vec![Act::Accept, Act::Complete]);
    let process = stage.process().await?;
    let lane = Lane {
        provider: "acme".to_owned(),
        model: "acme-text_to_image".to_owned(),
        max_concurrency: 200,
        ..Lane::default()
    };
    let request = SetRouteRequest {
        request_id: testkit::request_id(),
        capability: api::sartiq::provider::v1::Capability::TextToImage.into(),
        lanes: vec![lane],
    };
    process.routes(stage.organization).set_route(request).await?;
    let started = Instant::now();
    let (stage, process) = (&stage, &process);
    let submissions = futures::stream::iter(0..500).map(async |nth| {
        let [a, b] = ["a", "b"].map(|it| format!("{it}{nth}"));
        stage.submit(process, vec![picture(&a, &[]), picture(&b, &[&a])]).await
    });
    let submitted: Vec<Result<String>> = submissions.buffer_unordered(32).collect().await;
    submitted.into_iter().collect::<Result<Vec<_>>>()?;
    testkit::eventually(async || {
        let sql = "select count(*) from compute.workflow where state <> 3";
        let left: i64 = sqlx::query_scalar(sql).fetch_one(&stage.db).await?;
        Ok::<_, sqlx::Error>(left == 0)
    })
    .await?;
    let took = started.elapsed();
    // 1,000 runs have 4,000 changes (prepared, submitted, done, told); they share transactions.
    let sql = "select count(distinct xmin::text) from compute.task";
    let commits: i64 = sqlx::query_scalar(sql).fetch_one(&stage.db).await?;
    println!("500 workflows in {took:?}, 1000 tasks ended in {commits} commits");
    assert!(commits < 800, "{commits}");
    // However the end came, the provider's own name for each run was kept.
    let sql = "select count(*) from compute.attempt
               where phase <> 5 or vendor_job_id = '' or resume_token is null";
    let unnamed: i64 = sqlx::query_scalar(sql).fetch_one(&stage.db).await?;
    assert_eq!(unnamed, 0);
    audit(&stage.db, &[&stage.fake]).await
}
