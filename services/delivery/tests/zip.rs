//! Zips.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use api::sartiq::delivery::v1::export::State;
use api::sartiq::delivery::v1::*;
use api::sartiq::event::v1::event::Payload;
use pixels::{Kind, Limits};
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use testkit::{reason, request_id};
use tonic::Code;

use crate::stage::{Result, Stage, picture, refusal};

/// Downloads the zip of an export, and returns its files by name.
async fn download(stage: &Stage, export: &Export) -> Result<BTreeMap<String, Vec<u8>>> {
    let request = SignDownloadRequest { id: export.id.clone() };
    let signed = stage.exports().sign_download(request).await?.into_inner();
    let answer = reqwest::get(&signed.url).await?.error_for_status()?;
    let disposition = answer.headers().get("content-disposition").ok_or("not to be saved")?;
    assert!(disposition.to_str()?.contains("Spring-2026.zip"), "{disposition:?}");
    let bytes = answer.bytes().await?;
    assert_eq!(i64::try_from(bytes.len())?, export.size_bytes);
    let mut zip = ::zip::ZipArchive::new(Cursor::new(bytes))?;
    let mut files = BTreeMap::new();
    for index in 0..zip.len() {
        let mut file = zip.by_index(index)?;
        assert_eq!(file.compression(), ::zip::CompressionMethod::Stored);
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        files.insert(file.name()?.into_owned(), bytes);
    }
    Ok(files)
}

/// Whether each receipt tells of the file in the zip.
fn agree(items: &[ExportItem], files: &BTreeMap<String, Vec<u8>>) -> Result {
    for item in items {
        let receipt = item.receipt.as_ref().ok_or("no receipt")?;
        let bytes = files.get(&receipt.location).ok_or("not in the zip")?;
        assert_eq!(receipt.location, item.filename);
        assert_eq!(receipt.size_bytes, i64::try_from(bytes.len())?);
        assert_eq!(receipt.sha256, Sha256::digest(bytes).to_vec());
        assert!(receipt.deliver_time.is_some() && receipt.remote_id.is_empty());
    }
    assert_eq!(items.len(), files.len());
    Ok(())
}

#[sqlx::test(migrator = "delivery::MIGRATIONS")]
async fn a_zip_holds_what_its_receipts_say(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let look = stage.studio.look("Linen shirt");
    for width in [8, 10, 12] {
        stage.approved(&look, width).await?;
    }
    let export = stage.create(stage.creation()).await?;
    assert_eq!((&*export.download_path, export.item_count), ("", 3));
    let export = stage.until(&export.id, State::Completed).await?;
    assert_eq!((export.delivered_count, export.failed_count), (3, 0));
    assert_eq!(export.download_path, format!("/exports/{}/download", export.id));
    assert!(export.end_time.is_some() && export.problem.is_empty());
    let files = download(&stage, &export).await?;
    assert_eq!(files["Linen-shirt_02.png"], picture(10)?);
    agree(&stage.items(&export.id).await?, &files)?;

    let told = stage.told().await?;
    let [Payload::ExportEnded(ended)] = told.as_slice() else { return Err("one event".into()) };
    assert_eq!((&*ended.state, ended.delivered_count), ("STATE_COMPLETED", 3));
    Ok(())
}

#[sqlx::test(migrator = "delivery::MIGRATIONS")]
async fn pictures_are_formatted_as_asked(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let look = stage.studio.look("Linen shirt");
    stage.approved(&look, 100).await?;
    stage.approved(&look, 20).await?;
    for (kind, expected) in [
        (file_format::Type::Jpeg, Kind::Jpeg),
        (file_format::Type::Webp, Kind::Webp),
        (file_format::Type::Unspecified, Kind::Png),
    ] {
        let format = FileFormat { r#type: kind.into(), long_edge_px: 50, quality: 80 };
        let request = CreateExportRequest { format: Some(format), ..stage.creation() };
        let export = stage.create(request).await?;
        let export = stage.until(&export.id, State::Completed).await?;
        assert_eq!(export.format, Some(format));
        let files = download(&stage, &export).await?;
        agree(&stage.items(&export.id).await?, &files)?;
        let facts = |number: u32| {
            let name = format!("Linen-shirt_{number:02}.{}", expected.extension());
            pixels::inspect(files.get(&name).map_or(&[], Vec::as_slice), &Limits::default())
        };
        let (large, small) = (facts(1)?, facts(2)?);
        assert_eq!((large.kind, large.width, large.height), (expected, 50, 25));
        // Never enlarged.
        assert_eq!((small.kind, small.width, small.height), (expected, 20, 10));
    }
    Ok(())
}

#[sqlx::test(migrator = "delivery::MIGRATIONS")]
async fn what_fails_is_named_and_can_be_retried(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let look = stage.studio.look("Linen shirt");
    let lost = stage.approved(&look, 8).await?;
    stage.approved(&look, 10).await?;
    stage.studio.lose(&lost);
    let id = stage.create(stage.creation()).await?.id;
    let export = stage.until(&id, State::PartiallyCompleted).await?;
    assert_eq!((export.delivered_count, export.failed_count), (1, 1));
    assert_eq!(export.problem, "1 item failed");
    let items = stage.items(&id).await?;
    assert_eq!(items[0].state(), export_item::State::Failed);
    assert_eq!((&*items[0].problem, items[0].attempt_count), ("the picture is gone", 1));
    assert_eq!(items[0].receipt, None);
    agree(&items[1..], &download(&stage, &export).await?)?;

    stage.studio.find_again();
    let retry = RetryExportRequest { request_id: request_id(), id: id.clone() };
    let reply = stage.exports().retry_export(retry.clone()).await?.into_inner();
    assert_eq!(stage.exports().retry_export(retry).await?.into_inner(), reply);
    let export = stage.until(&id, State::Completed).await?;
    let items = stage.items(&id).await?;
    assert_eq!((items[0].attempt_count, &*items[0].problem), (2, ""));
    agree(&items, &download(&stage, &export).await?)?;

    let retry = RetryExportRequest { request_id: request_id(), id };
    let status = refusal(stage.exports().retry_export(retry).await)?;
    assert_eq!((status.code(), &*reason(&status)), (Code::FailedPrecondition, "STATE_CONFLICT"));
    Ok(())
}

#[sqlx::test(migrator = "delivery::MIGRATIONS")]
async fn an_export_of_nothing_has_no_zip(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let look = stage.studio.look("Linen shirt");
    let bytes = b"\x89PNG\r\n\x1a\nand then nothing".to_vec();
    stage.studio.approved(stage.organization, &stage.shooting, &look, bytes).await?;
    let format = FileFormat { r#type: file_format::Type::Jpeg.into(), ..FileFormat::default() };
    let request = CreateExportRequest { format: Some(format), ..stage.creation() };
    let export = stage.create(request).await?;
    let export = stage.until(&export.id, State::Failed).await?;
    assert_eq!((&*export.download_path, export.size_bytes), ("", 0));
    let request = SignDownloadRequest { id: export.id };
    let status = refusal(stage.exports().sign_download(request).await)?;
    assert_eq!((status.code(), &*reason(&status)), (Code::FailedPrecondition, "ZIP_NOT_THERE"));
    Ok(())
}

#[sqlx::test(migrator = "delivery::MIGRATIONS")]
async fn a_zip_expires(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let look = stage.studio.look("Linen shirt");
    stage.approved(&look, 8).await?;
    let export = stage.create(stage.creation()).await?;
    let export = stage.until(&export.id, State::Completed).await?;
    sqlx::query("update delivery.export set zip_expires_at = now()").execute(&stage.db).await?;
    assert_eq!(stage.get(&export.id).await?.download_path, "");
    let request = SignDownloadRequest { id: export.id };
    let status = refusal(stage.exports().sign_download(request).await)?;
    assert_eq!(reason(&status), "ZIP_NOT_THERE");
    assert!(status.message().contains("expired"));
    Ok(())
}

#[sqlx::test(migrator = "delivery::MIGRATIONS")]
async fn an_export_outlives_an_outage_of_ours(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let look = stage.studio.look("Linen shirt");
    stage.approved(&look, 8).await?;
    stage.studio.set_workspace_away(true);
    let export = stage.create(stage.creation()).await?;
    testkit::eventually(async || {
        stage.get(&export.id).await.map(|it| it.problem == "the pictures cannot be read right now")
    })
    .await?;
    stage.studio.set_workspace_away(false);
    let export = stage.until(&export.id, State::Completed).await?;
    agree(&stage.items(&export.id).await?, &download(&stage, &export).await?)
}

#[sqlx::test(migrator = "delivery::MIGRATIONS")]
async fn a_run_that_was_overtaken_is_done_again(db: PgPool) -> Result {
    let stage = Stage::open_idle(db).await?;
    let look = stage.studio.look("Linen shirt");
    stage.approved(&look, 8).await?;
    let export = stage.create(stage.creation()).await?;
    // As a process leaves it that dies in the middle.
    sqlx::query("update delivery.export set state = 'delivering', run = 7")
        .execute(&stage.db)
        .await?;
    sqlx::query("update delivery.job set state = 'running', attempts = 1, fence = 1")
        .execute(&stage.db)
        .await?;
    stage.work(true)?;
    let export = stage.until(&export.id, State::Completed).await?;
    agree(&stage.items(&export.id).await?, &download(&stage, &export).await?)
}

#[sqlx::test(migrator = "delivery::MIGRATIONS")]
async fn an_export_that_ends_its_process_each_time_fails(db: PgPool) -> Result {
    let stage = Stage::open_idle(db).await?;
    let look = stage.studio.look("Linen shirt");
    stage.approved(&look, 8).await?;
    let export = stage.create(stage.creation()).await?;
    sqlx::query("update delivery.export set state = 'delivering', run = 20")
        .execute(&stage.db)
        .await?;
    // As the twentieth process leaves it.
    sqlx::query(
        "update delivery.job set state = 'running', losses = 19, fence = 20,
             run_at = now() - interval '1 hour'",
    )
    .execute(&stage.db)
    .await?;
    stage.work(true)?;
    let export = stage.until(&export.id, State::Failed).await?;
    let items = stage.items(&export.id).await?;
    assert_eq!(export.failed_count, 1);
    assert_eq!(items[0].problem, "it could not be finished");
    Ok(())
}
