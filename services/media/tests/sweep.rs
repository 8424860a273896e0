//! What is overdue ends, and nothing is left behind.

use api::sartiq::media::v1::{
    AdoptRequest, ReadSource, SignReadRequest, SignWriteRequest, WriteTarget,
};
use reqwest::StatusCode;
use sqlx::PgPool;
use testkit::{reason, request_id};
use time::{Duration, OffsetDateTime};
use tonic::Code;
use types::id::TaskId;

use crate::stage::{Result, Stage, announce, photo};

const A_DAY_AND_AN_HOUR: Duration = Duration::hours(25);

#[sqlx::test(migrator = "media::MIGRATIONS")]
async fn uploads_end_after_a_day(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let bytes = photo("coffee.png")?;
    let single = stage.put_upload("a.png", "image/png", &bytes).await?;
    let large = vec![0; (16 << 20) + 1];
    let request = announce("b.png", "image/png", &large);
    let parts = stage.uploads().create_upload(request).await?.into_inner();
    let part = parts.parts.first().ok_or("no part")?;
    let (status, _) = stage.put(&part.url, &part.headers, &large[..8 << 20]).await?;
    assert_eq!(status, StatusCode::OK);
    let (key, multipart_id): (String, String) =
        sqlx::query_as("select key, multipart_id from media.upload where multipart_id is not null")
            .fetch_one(&stage.db)
            .await?;
    assert!(stage.has_parts(&key, &multipart_id).await);

    let now = OffsetDateTime::now_utc();
    let early = stage.library.sweep(now + Duration::hours(23)).await?;
    assert_eq!(early, media::Swept::default());
    let swept = stage.library.sweep(now + A_DAY_AND_AN_HOUR).await?;
    assert_eq!((swept.expired_uploads, swept.cleared_uploads), (2, 2));
    assert!(stage.keys("").await?.is_empty());
    assert!(!stage.has_parts(&key, &multipart_id).await);

    let status = stage.complete(&single.id).await.err().ok_or("completed")?;
    assert_eq!((status.code(), &*reason(&status)), (Code::FailedPrecondition, "UPLOAD_EXPIRED"));
    let again = stage.library.sweep(now + A_DAY_AND_AN_HOUR).await?;
    assert_eq!(again, media::Swept::default());
    Ok(())
}

#[sqlx::test(migrator = "media::MIGRATIONS")]
async fn what_a_dead_process_wrote_is_deleted_with_its_upload(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    stage.put_upload("a.png", "image/png", &photo("coffee.png")?).await?;
    let candidate: uuid::Uuid = sqlx::query_scalar(
        "update media.upload set state = 'verifying', attempt = 1, lease_until = now()
        returning candidate_id",
    )
    .fetch_one(&stage.db)
    .await?;
    stage.smuggle(&format!("media/{candidate}/file.png"), "half").await?;
    let kept = stage.bring("b.png", "image/png", &photo("chelsea.png")?).await?;

    stage.library.sweep(OffsetDateTime::now_utc() + A_DAY_AND_AN_HOUR).await?;
    let keys = stage.keys("").await?;
    assert_eq!(keys.len(), 4);
    assert!(keys.iter().all(|it| it.starts_with(&format!("media/{}/", kept.id))), "{keys:?}");
    Ok(())
}

#[sqlx::test(migrator = "media::MIGRATIONS")]
async fn what_could_not_be_cleared_is_cleared_later(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let upload = stage.put_upload("a.png", "image/png", &photo("coffee.png")?).await?;
    let key = stage.keys("temp/").await?.pop().ok_or("no object")?;
    stage.complete(&upload.id).await?;
    // As if the process had died between the decision and the deletion.
    sqlx::query("update media.upload set cleared_at = null").execute(&stage.db).await?;
    stage.smuggle(&key, "left behind").await?;
    let swept = stage.library.sweep(OffsetDateTime::now_utc()).await?;
    assert_eq!((swept.expired_uploads, swept.cleared_uploads), (0, 1));
    assert!(stage.keys("temp/").await?.is_empty());
    assert_eq!(stage.keys("media/").await?.len(), 4);
    Ok(())
}

#[sqlx::test(migrator = "media::MIGRATIONS")]
async fn results_that_nobody_adopts_end_after_a_day(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let bytes = photo("coffee.png")?;
    let mut keys = Vec::new();
    for index in 0..2 {
        let target = WriteTarget {
            key: format!("compute/images/{}/result_{index}.png", TaskId::generate()),
            media_type: "image/png".to_owned(),
            size_bytes: bytes.len() as i64,
        };
        let request = SignWriteRequest { targets: vec![target] };
        let write = stage.workspace().sign_write(request).await?.into_inner().writes.remove(0);
        stage.put(&write.url, &write.headers, bytes.clone()).await?;
        keys.push(write.key);
    }
    let adopt = AdoptRequest {
        key: keys[0].clone(),
        filename: "look.png".to_owned(),
        ..AdoptRequest::default()
    };
    let media = stage.workspace().adopt(adopt.clone()).await?.into_inner().media;

    let now = OffsetDateTime::now_utc();
    assert_eq!(stage.library.sweep(now + Duration::hours(23)).await?.workspace_files, 0);
    assert_eq!(stage.keys("compute/").await?.len(), 2);
    assert_eq!(stage.library.sweep(now + A_DAY_AND_AN_HOUR).await?.workspace_files, 2);
    assert!(stage.keys("compute/").await?.is_empty());
    assert_eq!(stage.keys("media/").await?.len(), 4);

    // The adoption is remembered, and the key still leads to the bytes.
    assert_eq!(stage.workspace().adopt(adopt).await?.into_inner().media, media);
    let reading = |key: &str| SignReadRequest {
        sources: vec![ReadSource { key: key.to_owned(), ..ReadSource::default() }],
    };
    let read = stage.workspace().sign_read(reading(&keys[0])).await?.into_inner().reads;
    assert_eq!(stage.http.get(&read[0].url).send().await?.bytes().await?, bytes);
    let status = stage.workspace().sign_read(reading(&keys[1])).await.err().ok_or("read")?;
    assert_eq!(reason(&status), "WORKSPACE_FILE_NOT_FOUND");
    Ok(())
}

#[sqlx::test(migrator = "media::MIGRATIONS")]
async fn objects_that_no_row_tells_of_are_deleted(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    stage.smuggle("temp/whatever", "x").await?;
    stage.smuggle(&format!("temp/{}_0_a.png", request_id()), "x").await?;
    stage.smuggle("compute/images/1/result_0.png", "x").await?;
    let now = OffsetDateTime::now_utc();
    assert_eq!(stage.library.sweep(now + Duration::hours(23)).await?.orphans, 0);
    assert_eq!(stage.library.sweep(now + A_DAY_AND_AN_HOUR).await?.orphans, 3);
    assert!(stage.keys("").await?.is_empty());
    Ok(())
}
