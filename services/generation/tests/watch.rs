//! Watching a generation.

use api::sartiq::event::v1::TaskProgress;
use api::sartiq::event::v1::event::Payload;
use api::sartiq::generation::v1::generation::State;
use api::sartiq::generation::v1::{WatchGenerationRequest, prediction};
use events::{Draft, Progress};
use sqlx::PgPool;

use crate::stage::{Result, Stage};

#[sqlx::test(migrator = "::generation::MIGRATIONS")]
async fn a_watcher_sees_the_present_then_each_change_then_the_end(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let generation = stage.start(&stage.set(), 2).await?;
    let request = WatchGenerationRequest { id: generation.id.clone() };
    let mut stream = stage.generations().watch_generation(request.clone()).await?.into_inner();
    let first = stream.message().await?.ok_or("the stream ended")?;
    let now = first.generation.ok_or("no generation")?;
    assert_eq!((now.state(), now.progress_percent), (State::Pending, 0));
    assert_eq!(first.predictions.len(), 2);

    stage.make(&generation, 0).await?;
    stage.fail(&generation, 1, "CODE_UPSTREAM").await?;
    let (mut last, mut percent) = (None, 0);
    while let Some(message) = stream.message().await? {
        let now = message.generation.clone().ok_or("no generation")?;
        assert!(percent <= now.progress_percent, "progress went back");
        percent = now.progress_percent;
        assert_ne!(last.as_ref(), Some(&message), "told without a change");
        last = Some(message);
    }
    let last = last.ok_or("nothing changed")?;
    let now = last.generation.ok_or("no generation")?;
    assert_eq!((now.state(), now.progress_percent), (State::Completed, 100));
    let states: Vec<_> = last.predictions.iter().map(|it| it.state()).collect();
    assert_eq!(states, [prediction::State::Ready, prediction::State::Failed]);

    // Of what has ended there is one thing to say.
    let mut stream = stage.generations().watch_generation(request).await?.into_inner();
    let only = stream.message().await?.ok_or("the stream ended")?;
    assert_eq!(only.generation.map(|it| it.state()), Some(State::Completed));
    assert!(stream.message().await?.is_none());
    Ok(())
}

#[sqlx::test(migrator = "::generation::MIGRATIONS")]
async fn a_watcher_sees_how_far_a_picture_is(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let generation = stage.start(&stage.set(), 1).await?;
    stage.tell(stage.task_started(&generation, "image_0")).await?;
    stage.await_prediction(&generation, 0, prediction::State::Rendering).await?;
    let request = WatchGenerationRequest { id: generation.id.clone() };
    let mut stream = stage.generations().watch_generation(request).await?.into_inner();
    stream.message().await?.ok_or("the stream ended")?;

    let (progress, sender) = Progress::new("compute", stage.stream.clone(), stage.mesh.shutdown());
    stage.mesh.spawn("compute's progress", sender);
    let tell = |percent| {
        let told = TaskProgress {
            reference: generation.id.clone(),
            node: "image_0".into(),
            percent: Some(percent),
            ..Default::default()
        };
        progress.tell(Draft::new(stage.organization, Payload::TaskProgress(told)));
    };
    // Nobody may be listening yet, so it is told until it is heard.
    let mut seen = None;
    testkit::eventually(async || {
        tell(50);
        let Ok(Ok(Some(message))) =
            tokio::time::timeout(std::time::Duration::from_millis(100), stream.message()).await
        else {
            return Ok::<_, String>(false);
        };
        seen = message.generation.map(|it| it.progress_percent);
        Ok(seen == Some(35))
    })
    .await
    .map_err(|error| format!("{error}: {seen:?}"))?;
    Ok(())
}
