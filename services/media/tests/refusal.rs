//! Files that are refused, each with its own reason and a sentence that names the limit.

use api::sartiq::media::v1::{self as pb, CreateUploadRequest, GetUploadRequest};
use pixels::Picture;
use reqwest::StatusCode;
use sqlx::PgPool;
use testkit::{fields, reason, request_id};
use tonic::Code;

use crate::stage::{Result, Stage, announce, photo};

/// Brings a file that is refused, and says how.
async fn refused(stage: &Stage, kind: &str, bytes: &[u8]) -> Result<(String, String)> {
    let upload = stage.put_upload("a.png", kind, bytes).await?;
    let status = stage.complete(&upload.id).await.err().ok_or("it was taken")?;
    assert_eq!(status.code(), Code::InvalidArgument, "{status}");
    assert_eq!(fields(&status), ["id"]);
    // The decision stands, and can be read.
    let again = stage.complete(&upload.id).await.err().ok_or("it was taken")?;
    assert_eq!((reason(&again), again.message()), (reason(&status), status.message()));
    let request = GetUploadRequest { id: upload.id };
    let upload = stage.uploads().get_upload(request).await?.into_inner().upload;
    let upload = upload.ok_or("no upload")?;
    assert_eq!(upload.state(), pb::upload::State::Rejected);
    assert_eq!(
        (&*upload.reject_reason, &*upload.reject_message),
        (&*reason(&status), status.message())
    );
    assert!(stage.keys("").await?.is_empty(), "bytes are left");
    Ok((upload.reject_reason, upload.reject_message))
}

/// A PNG whose header claims another size.
fn claiming(width: u32, height: u32) -> Result<Vec<u8>> {
    let mut png = Picture::filled(8, 8, [1, 2, 3, 255]).to_png()?;
    png[16..20].copy_from_slice(&width.to_be_bytes());
    png[20..24].copy_from_slice(&height.to_be_bytes());
    Ok(png)
}

#[sqlx::test(migrator = "media::MIGRATIONS")]
async fn bytes_are_believed_and_names_are_not(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let (reason, message) = refused(&stage, "image/png", b"<html>not a picture</html>").await?;
    assert_eq!(reason, "NOT_A_PICTURE");
    assert_eq!(message, "the file is neither PNG, JPEG, WebP, GIF nor MP4");

    let (reason, message) = refused(&stage, "image/jpeg", &photo("coffee.png")?).await?;
    assert_eq!(reason, "TYPE_MISMATCH");
    assert_eq!(message, "the file is image/png; image/jpeg was declared");

    let (reason, message) =
        refused(&stage, "image/jpeg", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic").await?;
    assert_eq!(reason, "NOT_A_PICTURE");
    assert!(message.starts_with("HEIC files are not supported"), "{message}");
    Ok(())
}

#[sqlx::test(migrator = "media::MIGRATIONS")]
async fn files_must_be_whole(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let bytes = photo("chelsea.png")?;
    let (reason, message) = refused(&stage, "image/png", &bytes[..bytes.len() / 2]).await?;
    assert_eq!((&*reason, &*message), ("TRUNCATED", "the file is cut off before its end"));
    let film = pixels::video::encode([Picture::filled(64, 64, [9, 9, 9, 255])], 1)?;
    let (reason, _) = refused(&stage, "video/mp4", &film[..film.len() - 10]).await?;
    assert_eq!(reason, "TRUNCATED");

    let mut bytes = bytes;
    let middle = bytes.len() / 2;
    bytes[middle..middle + 64].fill(0xaa);
    let (reason, message) = refused(&stage, "image/png", &bytes).await?;
    assert_eq!(reason, "NOT_A_PICTURE");
    assert!(message.starts_with("the file is damaged"), "{message}");
    Ok(())
}

#[sqlx::test(migrator = "media::MIGRATIONS")]
async fn bombs_are_not_unpacked(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let (reason, message) = refused(&stage, "image/png", &claiming(20_001, 8)?).await?;
    assert_eq!(reason, "TOO_MANY_PIXELS");
    assert!(message.contains("20000 pixels"), "{message}");
    let (reason, message) = refused(&stage, "image/png", &claiming(10_001, 10_000)?).await?;
    assert_eq!(reason, "TOO_MANY_PIXELS");
    assert!(message.contains("100000000 pixels"), "{message}");
    Ok(())
}

#[sqlx::test(migrator = "media::MIGRATIONS")]
async fn declared_hashes_must_be_right(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let bytes = photo("coffee.png")?;
    let mut request = announce("a.png", "image/png", &bytes);
    request.sha256 = vec![7; 31].into();
    let status = stage.uploads().create_upload(request.clone()).await.err().ok_or("taken")?;
    assert_eq!(fields(&status), ["sha256"]);

    request.sha256 = vec![7; 32].into();
    let created = stage.uploads().create_upload(request).await?.into_inner();
    let [part] = created.parts.as_slice() else { return Err("one part".into()) };
    stage.put(&part.url, &part.headers, bytes).await?;
    let upload = created.upload.ok_or("no upload")?;
    let status = stage.complete(&upload.id).await.err().ok_or("taken")?;
    assert_eq!((status.code(), &*reason(&status)), (Code::InvalidArgument, "CHECKSUM_MISMATCH"));
    Ok(())
}

#[sqlx::test(migrator = "media::MIGRATIONS")]
async fn the_store_takes_what_was_announced_and_nothing_else(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let bytes = photo("coffee.png")?;
    let request = announce("a.png", "image/png", &bytes);
    let created = stage.uploads().create_upload(request).await?.into_inner();
    let [part] = created.parts.as_slice() else { return Err("one part".into()) };
    let (shorter, _) = stage.put(&part.url, &part.headers, &bytes[1..]).await?;
    assert_eq!(shorter, StatusCode::FORBIDDEN);
    let mut longer = bytes.clone();
    longer.push(0);
    let (longer, _) = stage.put(&part.url, &part.headers, longer).await?;
    assert_eq!(longer, StatusCode::FORBIDDEN);
    let mut headers = part.headers.clone();
    headers.insert("content-type".to_owned(), "text/html".to_owned());
    let (other, _) = stage.put(&part.url, &headers, bytes.clone()).await?;
    assert_eq!(other, StatusCode::FORBIDDEN);

    let upload = created.upload.ok_or("no upload")?;
    let status = stage.complete(&upload.id).await.err().ok_or("taken")?;
    assert_eq!((status.code(), &*reason(&status)), (Code::FailedPrecondition, "UPLOAD_INCOMPLETE"));
    // Nothing is lost by that.
    let (right, _) = stage.put(&part.url, &part.headers, bytes).await?;
    assert_eq!(right, StatusCode::OK);
    assert!(stage.complete(&upload.id).await?.media.is_some());
    Ok(())
}

#[sqlx::test(migrator = "media::MIGRATIONS")]
async fn a_store_that_took_another_size_does_not_deceive(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let upload = stage.put_upload("a.png", "image/png", &photo("coffee.png")?).await?;
    let key = stage.keys("temp/").await?.pop().ok_or("no object")?;
    stage.smuggle(&key, photo("chelsea.png")?).await?;
    let status = stage.complete(&upload.id).await.err().ok_or("taken")?;
    assert_eq!((status.code(), &*reason(&status)), (Code::InvalidArgument, "SIZE_MISMATCH"));
    assert!(status.message().contains("were declared"), "{status}");
    Ok(())
}

#[sqlx::test(migrator = "media::MIGRATIONS")]
async fn sizes_and_types_are_limited_before_anything_is_sent(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let request = announce("a.png", "image/png", b"x");
    let large = CreateUploadRequest { size_bytes: 100 * 1024 * 1024 + 1, ..request.clone() };
    let status = stage.uploads().create_upload(large).await.err().ok_or("taken")?;
    assert_eq!(
        (status.code(), fields(&status)),
        (Code::InvalidArgument, vec!["size_bytes".into()])
    );
    let svg = CreateUploadRequest {
        request_id: request_id(),
        media_type: "image/svg+xml".to_owned(),
        ..request
    };
    let status = stage.uploads().create_upload(svg).await.err().ok_or("taken")?;
    assert_eq!(fields(&status), ["media_type"]);
    Ok(())
}
