//! Results of providers, and how they become media.

use api::sartiq::media::v1::{
    self as pb, AdoptRequest, Media, ReadSource, SignReadRequest, SignWriteRequest, WriteTarget,
};
use futures::future::try_join_all;
use reqwest::StatusCode;
use server::Role;
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use testkit::{fields, reason};
use time::{Duration, OffsetDateTime};
use tonic::{Code, Status};
use types::id::{OrganizationId, TaskId};

use crate::stage::{Result, Stage, photo};

fn target(bytes: &[u8]) -> WriteTarget {
    WriteTarget {
        key: format!("compute/images/{}/result_0.png", TaskId::generate()),
        media_type: "image/png".to_owned(),
        size_bytes: bytes.len() as i64,
    }
}

/// Writes a result, as a provider does.
async fn write(stage: &Stage, bytes: &[u8]) -> Result<String> {
    let request = SignWriteRequest { targets: vec![target(bytes)] };
    let signed = stage.workspace().sign_write(request).await?.into_inner();
    let [write] = signed.writes.as_slice() else { return Err("one write".into()) };
    let (status, _) = stage.put(&write.url, &write.headers, bytes).await?;
    assert_eq!(status, StatusCode::OK);
    Ok(write.key.clone())
}

fn adoption(key: &str) -> AdoptRequest {
    AdoptRequest { key: key.to_owned(), filename: "look.png".to_owned(), ..AdoptRequest::default() }
}

async fn adopt(stage: &Stage, request: AdoptRequest) -> Result<Media, Status> {
    let adopted = stage.workspace().adopt(request).await?.into_inner();
    adopted.media.ok_or_else(|| Status::internal("no media"))
}

fn reading(key: &str) -> SignReadRequest {
    SignReadRequest { sources: vec![ReadSource { key: key.to_owned(), ..ReadSource::default() }] }
}

#[sqlx::test(migrator = "media::MIGRATIONS")]
async fn a_result_is_adopted_once(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let bytes = photo("astronaut.png")?;
    let key = write(&stage, &bytes).await?;
    let sha256 = Sha256::digest(&bytes).to_vec();
    let request = AdoptRequest { sha256: sha256.clone().into(), ..adoption(&key) };
    let media = adopt(&stage, request.clone()).await?;
    assert_eq!(media.origin(), pb::media::Origin::Generated);
    assert_eq!((&*media.filename, media.width_px), ("look.png", 512));
    assert_eq!(media.renditions.len(), 3);
    assert_eq!(adopt(&stage, request).await?, media);
    assert_eq!(stage.events().await?, 1);

    // Adopted once, it cannot be written any more; and it can still be read by its key.
    let again = WriteTarget { key: key.clone(), ..target(&bytes) };
    let again = SignWriteRequest { targets: vec![again] };
    let status = stage.workspace().sign_write(again).await.err().ok_or("signed")?;
    assert_eq!(reason(&status), "WORKSPACE_FILE_ADOPTED");
    let read = stage.workspace().sign_read(reading(&key)).await?.into_inner().reads;
    assert_eq!((&*read[0].media_type, read[0].size_bytes), ("image/png", bytes.len() as i64));
    assert_eq!(read[0].sha256, sha256);
    assert_eq!(stage.http.get(&read[0].url).send().await?.bytes().await?, bytes);

    let wrong = AdoptRequest { sha256: vec![1; 32].into(), ..adoption(&key) };
    let status = adopt(&stage, wrong).await.err().ok_or("adopted")?;
    assert_eq!(reason(&status), "CHECKSUM_MISMATCH");
    Ok(())
}

#[sqlx::test(migrator = "media::MIGRATIONS")]
async fn many_who_adopt_at_once_get_one_media(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let key = write(&stage, &photo("coffee.png")?).await?;
    let media = try_join_all((0..6).map(|_| adopt(&stage, adoption(&key)))).await?;
    assert!(media.iter().all(|it| *it == media[0]));
    assert_eq!(stage.events().await?, 1);
    Ok(())
}

#[sqlx::test(migrator = "media::MIGRATIONS")]
async fn known_bytes_are_the_known_media(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let bytes = photo("coffee.png")?;
    let uploaded = stage.bring("cup.png", "image/png", &bytes).await?;
    let key = write(&stage, &bytes).await?;
    assert_eq!(adopt(&stage, adoption(&key)).await?, uploaded);
    assert_eq!(adopt(&stage, adoption(&key)).await?, uploaded);
    assert_eq!(stage.keys("media/").await?.len(), 4);
    Ok(())
}

#[sqlx::test(migrator = "media::MIGRATIONS")]
async fn a_result_belongs_to_the_organization_it_was_signed_for(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let bytes = photo("coffee.png")?;
    let key = write(&stage, &bytes).await?;
    let mut stranger = stage.workspace_of(OrganizationId::generate());
    let over = WriteTarget { key: key.clone(), ..target(&bytes) };
    let answers = [
        stranger.sign_read(reading(&key)).await.err(),
        stranger.adopt(adoption(&key)).await.err(),
        stranger.sign_write(SignWriteRequest { targets: vec![over] }).await.err(),
    ];
    for status in answers {
        let status = status.ok_or("a stranger got in")?;
        let expected = (Code::NotFound, "WORKSPACE_FILE_NOT_FOUND");
        assert_eq!((status.code(), &*reason(&status)), expected);
    }
    assert!(stage.workspace().sign_read(reading(&key)).await.is_ok());
    Ok(())
}

#[sqlx::test(migrator = "media::MIGRATIONS")]
async fn what_was_not_written_is_not_there(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let target = target(b"x");
    let key = target.key.clone();
    for _ in 0..2 {
        let read = stage.workspace().sign_read(reading(&key)).await.err().ok_or("read")?;
        assert_eq!(reason(&read), "WORKSPACE_FILE_NOT_FOUND");
        let adopted = adopt(&stage, adoption(&key)).await.err().ok_or("adopted")?;
        assert_eq!(reason(&adopted), "WORKSPACE_FILE_NOT_FOUND");
        // Signed for, it is still not written.
        let request = SignWriteRequest { targets: vec![target.clone()] };
        stage.workspace().sign_write(request).await?;
    }
    Ok(())
}

#[sqlx::test(migrator = "media::MIGRATIONS")]
async fn results_are_judged_like_uploads(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let key = write(&stage, b"a page of excuses").await?;
    let status = adopt(&stage, adoption(&key)).await.err().ok_or("adopted")?;
    assert_eq!((status.code(), &*reason(&status)), (Code::InvalidArgument, "NOT_A_PICTURE"));
    assert_eq!(fields(&status), ["key"]);

    let large = vec![0; 100 * 1024 * 1024 + 1];
    let key = write(&stage, &large).await?;
    let status = adopt(&stage, adoption(&key)).await.err().ok_or("adopted")?;
    assert_eq!((status.code(), &*reason(&status)), (Code::InvalidArgument, "TOO_LARGE"));
    assert!(status.message().contains("at most 104857600"), "{status}");
    Ok(())
}

#[sqlx::test(migrator = "media::MIGRATIONS")]
async fn requests_that_contradict_themselves_are_refused(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let good = target(b"x");
    let jpeg = WriteTarget { media_type: "image/jpeg".to_owned(), ..good.clone() };
    let request = SignWriteRequest { targets: vec![jpeg] };
    let status = stage.workspace().sign_write(request).await.err().ok_or("signed")?;
    assert_eq!(fields(&status), ["targets[0].media_type"]);
    let request = SignWriteRequest { targets: vec![good.clone(), good] };
    let status = stage.workspace().sign_write(request).await.err().ok_or("signed")?;
    assert_eq!(fields(&status), ["targets[1].key"]);
    let request = SignReadRequest { sources: vec![ReadSource::default()] };
    let status = stage.workspace().sign_read(request).await.err().ok_or("signed")?;
    assert_eq!(fields(&status), ["sources[0]"]);
    Ok(())
}

#[sqlx::test(migrator = "media::MIGRATIONS")]
async fn media_can_be_read_beside_results(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let bytes = photo("chelsea.png")?;
    let media = stage.bring("cat.png", "image/png", &bytes).await?;
    let key = write(&stage, &photo("coffee.png")?).await?;
    let sources = vec![
        ReadSource { key, ..ReadSource::default() },
        ReadSource { media_id: media.id, ..ReadSource::default() },
    ];
    let reads = stage.workspace().sign_read(SignReadRequest { sources }).await?.into_inner().reads;
    assert!(reads[0].sha256.is_empty());
    assert_eq!(reads[1].sha256, media.sha256);
    assert_eq!(stage.http.get(&reads[1].url).send().await?.bytes().await?, bytes);
    Ok(())
}

#[sqlx::test(migrator = "media::MIGRATIONS")]
async fn people_have_no_workspace(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let request = SignWriteRequest { targets: vec![target(b"x")] };
    let status = stage.workspace_as(Role::Owner).sign_write(request).await.err().ok_or("signed")?;
    assert_eq!(status.code(), Code::PermissionDenied);
    Ok(())
}

#[sqlx::test(migrator = "media::MIGRATIONS")]
async fn a_zip_is_saved_under_its_name_and_lives_for_a_week(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let zip = WriteTarget {
        key: format!("delivery/{}/1.zip", TaskId::generate()),
        media_type: "application/zip".to_owned(),
        size_bytes: 4,
    };
    let request = SignWriteRequest { targets: vec![zip.clone()] };
    let write = stage.workspace().sign_write(request).await?.into_inner().writes.remove(0);
    stage.put(&write.url, &write.headers, "PK..").await?;
    let source = ReadSource {
        key: zip.key.clone(),
        download_filename: "Spring \"look\".zip".to_owned(),
        ..ReadSource::default()
    };
    let request = SignReadRequest { sources: vec![source] };
    let read = stage.workspace().sign_read(request).await?.into_inner().reads.remove(0);
    assert_eq!((&*read.media_type, read.size_bytes), ("application/zip", 4));
    let answer = stage.http.get(&read.url).send().await?;
    let disposition = answer.headers().get("content-disposition").ok_or("not to be saved")?;
    assert!(disposition.to_str()?.starts_with("attachment; filename=\"Spring _look_.zip\""));
    assert_eq!(answer.bytes().await?, "PK..");

    // Nothing but pictures and films becomes a media.
    let status = adopt(&stage, adoption(&zip.key)).await.err().ok_or("adopted")?;
    assert_eq!(fields(&status), ["key"]);
    let picture = WriteTarget { media_type: "image/png".to_owned(), ..zip };
    let request = SignWriteRequest { targets: vec![picture] };
    let status = stage.workspace().sign_write(request).await.err().ok_or("signed")?;
    assert_eq!(fields(&status), ["targets[0].media_type"]);
    let huge = WriteTarget { size_bytes: 501 << 20, ..target(b"x") };
    let request = SignWriteRequest { targets: vec![huge] };
    let status = stage.workspace().sign_write(request).await.err().ok_or("signed")?;
    assert_eq!(fields(&status), ["targets[0].size_bytes"]);

    let now = OffsetDateTime::now_utc();
    assert_eq!(stage.library.sweep(now + Duration::hours(167)).await?.workspace_files, 0);
    assert_eq!(stage.keys("delivery/").await?.len(), 1);
    assert_eq!(stage.library.sweep(now + Duration::hours(169)).await?.workspace_files, 1);
    assert!(stage.keys("delivery/").await?.is_empty());
    Ok(())
}
