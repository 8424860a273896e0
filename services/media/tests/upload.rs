//! Bringing files in.

use api::sartiq::media::v1::{
    self as pb, AbortUploadRequest, CompleteUploadRequest, CreateUploadRequest, GetUploadRequest,
    SignUrlsRequest, UploadedPart, UrlRequest,
};
use futures::future::try_join_all;
use pixels::{Kind, Limits, Picture, video};
use reqwest::StatusCode;
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use testkit::{reason, request_id};
use tonic::Code;
use types::id::OrganizationId;

use crate::stage::{Result, Stage, announce, noise, photo};

#[sqlx::test(migrator = "media::MIGRATIONS")]
async fn a_photo_becomes_media(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let bytes = photo("coffee.png")?;
    let upload = stage.put_upload("my cup.png", "image/png", &bytes).await?;
    assert_eq!(upload.state(), pb::upload::State::Created);
    let done = stage.complete(&upload.id).await?;
    let upload = done.upload.ok_or("no upload")?;
    let media = done.media.ok_or("no media")?;
    assert_eq!((upload.state(), &upload.media_id), (pb::upload::State::Ingested, &media.id));
    assert_eq!((media.kind(), media.origin()), (pb::media::Kind::Image, pb::media::Origin::Upload));
    assert_eq!((media.width_px, media.height_px), (600, 400));
    assert_eq!((&*media.filename, &*media.media_type), ("my cup.png", "image/png"));
    assert_eq!(media.size_bytes, bytes.len() as i64);
    assert_eq!(media.sha256, Sha256::digest(&bytes).to_vec());
    assert!(!media.placeholder.is_empty());
    let sizes: Vec<_> =
        media.renditions.iter().map(|it| (it.long_edge_px, it.width_px, it.height_px)).collect();
    assert_eq!(sizes, [(256, 256, 171), (512, 512, 341), (1280, 600, 400)]);

    // Only the canonical objects are left.
    assert!(stage.keys("temp/").await?.is_empty());
    assert_eq!(stage.keys("media/").await?.len(), 4);
    assert_eq!(stage.events().await?, 1);
    Ok(())
}

#[sqlx::test(migrator = "media::MIGRATIONS")]
async fn a_large_file_comes_in_parts(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let bytes = noise(2600, 2400)?;
    assert!(16 << 20 < bytes.len(), "{}", bytes.len());
    let request = announce("noise.png", "image/png", &bytes);
    let created = stage.uploads().create_upload(request).await?.into_inner();
    let upload = created.upload.ok_or("no upload")?;
    assert_eq!(created.parts.len(), bytes.len().div_ceil(8 << 20));

    let mut parts = Vec::new();
    for (part, chunk) in created.parts.iter().zip(bytes.chunks(8 << 20)) {
        assert_eq!(part.size_bytes, chunk.len() as i64);
        let (status, etag) = stage.put(&part.url, &part.headers, chunk).await?;
        assert_eq!(status, StatusCode::OK);
        parts.push(UploadedPart { number: part.number, etag });
    }
    let complete = |parts: &[UploadedPart]| CompleteUploadRequest {
        request_id: request_id(),
        id: upload.id.clone(),
        parts: parts.to_vec(),
    };
    let status =
        stage.uploads().complete_upload(complete(&parts[1..])).await.err().ok_or("taken")?;
    assert_eq!(testkit::fields(&status), ["parts"]);
    let mut wrong = parts.clone();
    wrong[0].etag = "\"00000000000000000000000000000000\"".to_owned();
    let status = stage.uploads().complete_upload(complete(&wrong)).await.err().ok_or("taken")?;
    assert_eq!((status.code(), &*reason(&status)), (Code::FailedPrecondition, "UPLOAD_INCOMPLETE"));

    let done = stage.uploads().complete_upload(complete(&parts)).await?.into_inner();
    let media = done.media.ok_or("no media")?;
    assert_eq!(media.sha256, Sha256::digest(&bytes).to_vec());
    assert_eq!((media.width_px, media.height_px), (2600, 2400));
    assert!(stage.keys("temp/").await?.is_empty());
    Ok(())
}

#[sqlx::test(migrator = "media::MIGRATIONS")]
async fn the_same_bytes_are_one_media(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let bytes = photo("chelsea.png")?;
    let first = stage.bring("a.png", "image/png", &bytes).await?;
    let upload = stage.put_upload("b.png", "image/png", &bytes).await?;
    let second = stage.complete(&upload.id).await?;
    let upload = second.upload.ok_or("no upload")?;
    assert_eq!((upload.state(), upload.media_id), (pb::upload::State::Duplicate, first.id.clone()));
    assert_eq!(second.media, Some(first));
    assert_eq!(stage.keys("media/").await?.len(), 4);
    assert!(stage.keys("temp/").await?.is_empty());
    assert_eq!(stage.events().await?, 1);
    Ok(())
}

#[sqlx::test(migrator = "media::MIGRATIONS")]
async fn bytes_that_are_there_need_not_come_again(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let bytes = photo("coffee.png")?;
    let media = stage.bring("coffee.png", "image/png", &bytes).await?;
    let hash = media.sha256.clone();
    let request = CreateUploadRequest { sha256: hash, ..announce("b.png", "image/png", &bytes) };
    let created = stage.uploads().create_upload(request.clone()).await?.into_inner();
    assert!(created.parts.is_empty(), "{created:?}");
    let upload = created.upload.ok_or("no upload")?;
    assert_eq!(upload.state(), pb::upload::State::Duplicate);
    assert_eq!(upload.media_id, media.id);
    // Asking again, and completing all the same, come to the same.
    let again = stage.uploads().create_upload(request.clone()).await?.into_inner();
    assert_eq!((again.upload, again.parts.len()), (Some(upload.clone()), 0));
    assert_eq!(stage.complete(&upload.id).await?.media.ok_or("no media")?.id, media.id);

    // Another size, or another organization, is told nothing.
    let larger = CreateUploadRequest {
        request_id: request_id(),
        size_bytes: request.size_bytes + 1,
        ..request.clone()
    };
    assert_eq!(stage.uploads().create_upload(larger).await?.into_inner().parts.len(), 1);
    let foreign = CreateUploadRequest { request_id: request_id(), ..request };
    let mut foreigner = stage.uploads_of(OrganizationId::generate());
    assert_eq!(foreigner.create_upload(foreign).await?.into_inner().parts.len(), 1);
    Ok(())
}

#[sqlx::test(migrator = "media::MIGRATIONS")]
async fn bytes_are_shared_within_an_organization_only(db: PgPool) -> Result {
    let mut stage = Stage::open(db).await?;
    let bytes = photo("chelsea.png")?;
    let first = stage.bring("a.png", "image/png", &bytes).await?;
    stage.organization = OrganizationId::generate();
    let second = stage.bring("a.png", "image/png", &bytes).await?;
    assert_ne!(first.id, second.id);
    assert_eq!(stage.keys("media/").await?.len(), 8);
    Ok(())
}

#[sqlx::test(migrator = "media::MIGRATIONS")]
async fn many_who_complete_at_once_get_one_answer(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let upload = stage.put_upload("a.png", "image/png", &photo("coffee.png")?).await?;
    let answers = try_join_all((0..8).map(|_| stage.complete(&upload.id))).await?;
    let first = answers[0].clone();
    assert!(first.media.is_some());
    assert!(answers.iter().all(|it| *it == first));
    assert_eq!(stage.keys("media/").await?.len(), 4);
    assert_eq!(stage.events().await?, 1);
    Ok(())
}

#[sqlx::test(migrator = "media::MIGRATIONS")]
async fn equal_files_that_come_at_once_are_one_media(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let bytes = photo("coffee.png")?;
    let mut uploads = Vec::new();
    for _ in 0..4 {
        uploads.push(stage.put_upload("a.png", "image/png", &bytes).await?);
    }
    let answers = try_join_all(uploads.iter().map(|it| stage.complete(&it.id))).await?;
    let ids: Vec<_> = answers.into_iter().flat_map(|it| it.media).map(|it| it.id).collect();
    assert_eq!(ids.len(), 4);
    assert!(ids.iter().all(|it| *it == ids[0]));
    // What the slower ones wrote is gone again.
    assert_eq!(stage.keys("media/").await?.len(), 4);
    assert_eq!(stage.events().await?, 1);
    Ok(())
}

#[sqlx::test(migrator = "media::MIGRATIONS")]
async fn asking_again_answers_again(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let bytes = photo("coffee.png")?;
    let request = announce("a.png", "image/png", &bytes);
    let first = stage.uploads().create_upload(request.clone()).await?.into_inner();
    let again = stage.uploads().create_upload(request.clone()).await?.into_inner();
    assert_eq!(first.upload, again.upload);
    assert_eq!(again.parts.len(), 1);
    let other = CreateUploadRequest { filename: "b.png".to_owned(), ..request };
    let status = stage.uploads().create_upload(other).await.err().ok_or("taken")?;
    assert_eq!((status.code(), &*reason(&status)), (Code::AlreadyExists, "REQUEST_ID_REUSED"));

    let [part] = again.parts.as_slice() else { return Err("one part".into()) };
    stage.put(&part.url, &part.headers, bytes).await?;
    let id = first.upload.ok_or("no upload")?.id;
    let request = CompleteUploadRequest { request_id: request_id(), id, parts: Vec::new() };
    let first = stage.uploads().complete_upload(request.clone()).await?.into_inner();
    let again = stage.uploads().complete_upload(request).await?.into_inner();
    assert_eq!(first, again);
    Ok(())
}

#[sqlx::test(migrator = "media::MIGRATIONS")]
async fn what_was_interrupted_is_finished_by_the_next_one(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let upload = stage.put_upload("a.png", "image/png", &photo("coffee.png")?).await?;
    // As a process leaves it that dies after it wrote some of the objects.
    sqlx::query(
        "update media.upload set state = 'verifying', attempt = 1,
            lease_until = now() - interval '1 second'",
    )
    .execute(&stage.db)
    .await?;
    let candidate: uuid::Uuid =
        sqlx::query_scalar("select candidate_id from media.upload").fetch_one(&stage.db).await?;
    stage.smuggle(&format!("media/{candidate}/512.webp"), "half").await?;

    let media = stage.complete(&upload.id).await?.media.ok_or("no media")?;
    assert_eq!(media.id, candidate.to_string());
    assert_eq!(stage.keys("media/").await?.len(), 4);
    Ok(())
}

#[sqlx::test(migrator = "media::MIGRATIONS")]
async fn pictures_are_turned_upright(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let mut picture = Picture::filled(400, 200, [250, 0, 0, 255]);
    for y in 0..200 {
        for x in 200..400 {
            picture.set(x, y, [0, 0, 250, 255]);
        }
    }
    // The camera was turned: the left of the file is the top of the picture.
    let jpeg = with_orientation(&picture.to_jpeg(90)?, 6);
    let media = stage.bring("turned.jpg", "image/jpeg", &jpeg).await?;
    assert_eq!((media.width_px, media.height_px), (200, 400));
    let rendition = media.renditions.first().ok_or("no rendition")?;
    assert_eq!((rendition.width_px, rendition.height_px), (128, 256));

    let urls = vec![UrlRequest { media_id: media.id, long_edge_px: 256, ..UrlRequest::default() }];
    let signed = stage.media().sign_urls(SignUrlsRequest { urls }).await?.into_inner().urls;
    let bytes = stage.http.get(&signed[0].url).send().await?.bytes().await?;
    let shown = pixels::decode(&bytes, &Limits::default())?;
    assert!(200 < shown.get(64, 20)[0] && shown.get(64, 20)[2] < 60);
    assert!(200 < shown.get(64, 236)[2] && shown.get(64, 236)[0] < 60);
    Ok(())
}

#[sqlx::test(migrator = "media::MIGRATIONS")]
async fn films_are_measured(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let frames = (0..12).map(|it| Picture::filled(320, 240, [20 * it, 90, 60, 255]));
    let film = video::encode(frames, 12)?;
    let media = stage.bring("turn.mp4", Kind::Mp4.media_type(), &film).await?;
    assert_eq!(media.kind(), pb::media::Kind::Video);
    assert_eq!((media.width_px, media.height_px), (320, 240));
    assert_eq!(media.duration.map(|it| it.seconds), Some(1));
    assert_eq!(media.renditions.len(), 3);
    Ok(())
}

#[sqlx::test(migrator = "media::MIGRATIONS")]
async fn what_was_given_up_is_gone(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let bytes = photo("coffee.png")?;
    let upload = stage.put_upload("a.png", "image/png", &bytes).await?;
    let abort = |id: &str| AbortUploadRequest { request_id: request_id(), id: id.to_owned() };
    for _ in 0..2 {
        let aborted = stage.uploads().abort_upload(abort(&upload.id)).await?.into_inner().upload;
        assert_eq!(aborted.ok_or("no upload")?.state(), pb::upload::State::Aborted);
    }
    assert!(stage.keys("temp/").await?.is_empty());
    let status = stage.complete(&upload.id).await.err().ok_or("completed")?;
    assert_eq!((status.code(), &*reason(&status)), (Code::FailedPrecondition, "UPLOAD_ABORTED"));

    let upload = stage.put_upload("a.png", "image/png", &bytes).await?;
    stage.complete(&upload.id).await?;
    let status = stage.uploads().abort_upload(abort(&upload.id)).await.err().ok_or("aborted")?;
    assert_eq!((status.code(), &*reason(&status)), (Code::FailedPrecondition, "UPLOAD_DECIDED"));
    Ok(())
}

#[sqlx::test(migrator = "media::MIGRATIONS")]
async fn strangers_see_no_upload(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let upload = stage.put_upload("a.png", "image/png", &photo("coffee.png")?).await?;
    let mut stranger = stage.uploads_of(OrganizationId::generate());
    let (id, request_id) = (upload.id.clone(), request_id());
    let get = stranger.get_upload(GetUploadRequest { id: id.clone() }).await.err();
    let complete =
        CompleteUploadRequest { request_id: request_id.clone(), id: id.clone(), parts: Vec::new() };
    let complete = stranger.complete_upload(complete).await.err();
    let abort =
        stranger.abort_upload(AbortUploadRequest { request_id, id: id.clone() }).await.err();
    for status in [get, complete, abort] {
        let status = status.ok_or("a stranger got in")?;
        assert_eq!((status.code(), &*reason(&status)), (Code::NotFound, "UPLOAD_NOT_FOUND"));
    }
    let upload = stage.uploads().get_upload(GetUploadRequest { id }).await?.into_inner().upload;
    assert_eq!(upload.ok_or("no upload")?.state(), pb::upload::State::Created);
    Ok(())
}

/// Writes the orientation into a JPEG, as a camera does.
fn with_orientation(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let mut exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
    let mut turned = jpeg[..2].to_vec();
    turned.extend([0xff, 0xe1]);
    turned.extend(u16::try_from(exif.len() + 2).unwrap_or(u16::MAX).to_be_bytes());
    turned.extend(exif);
    turned.extend_from_slice(&jpeg[2..]);
    turned
}
