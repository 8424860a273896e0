//! What may go out.

use api::sartiq::delivery::v1::export_service_client::ExportServiceClient;
use api::sartiq::delivery::v1::*;
use server::Role;
use sqlx::PgPool;
use testkit::{fields, metadata, reason, request_id};
use tonic::Code;
use types::id::{OrganizationId, ShootingId, ShotId};

use crate::stage::{Result, Stage, picture, refusal};

#[sqlx::test(migrator = "delivery::MIGRATIONS")]
async fn only_approved_shots_of_the_shooting_go_out(db: PgPool) -> Result {
    let stage = Stage::open_idle(db).await?;
    let status = refusal(stage.exports().create_export(stage.creation()).await)?;
    assert_eq!((status.code(), &*reason(&status)), (Code::FailedPrecondition, "NOTHING_APPROVED"));

    let look = stage.studio.look("Linen shirt");
    let (fine, undone) = (stage.approved(&look, 8).await?, stage.approved(&look, 10).await?);
    stage.studio.undo(&undone);
    let elsewhere = ShootingId::generate().to_string();
    let foreign =
        stage.studio.approved(stage.organization, &elsewhere, &look, picture(12)?).await?;
    let request = CreateExportRequest {
        shot_ids: vec![fine.clone(), undone.clone(), foreign.clone()],
        ..stage.creation()
    };
    let status = refusal(stage.exports().create_export(request).await)?;
    assert_eq!((status.code(), &*reason(&status)), (Code::FailedPrecondition, "SHOT_NOT_APPROVED"));
    assert_eq!(fields(&status), ["shot_ids[1]", "shot_ids[2]"]);
    assert_eq!(metadata(&status)["ids"], format!("{undone},{foreign}"));

    // Those of other organizations are not there at all.
    let request =
        CreateExportRequest { shot_ids: vec![ShotId::generate().to_string()], ..stage.creation() };
    assert_eq!(refusal(stage.exports().create_export(request).await)?.code(), Code::NotFound);

    let export = stage.create(stage.creation()).await?;
    assert_eq!((export.item_count, export.state()), (1, export::State::Queued));
    let request = CreateExportRequest { shot_ids: vec![fine.clone()], ..stage.creation() };
    let export = stage.create(request).await?;
    let items = stage.items(&export.id).await?;
    assert_eq!((&items[0].shot_id, items.len()), (&fine, 1));
    Ok(())
}

#[sqlx::test(migrator = "delivery::MIGRATIONS")]
async fn what_was_approved_at_the_time_is_what_goes_out(db: PgPool) -> Result {
    let stage = Stage::open_idle(db).await?;
    let look = stage.studio.look("Linen shirt");
    let shot = stage.approved(&look, 8).await?;
    let prediction = stage.studio.prediction(&shot);
    let export = stage.create(stage.creation()).await?;
    stage.studio.approve(&shot, picture(10)?).await?;
    assert_eq!(stage.items(&export.id).await?[0].prediction_id, prediction);
    Ok(())
}

#[sqlx::test(migrator = "delivery::MIGRATIONS")]
async fn names_tell_the_look_and_are_unique(db: PgPool) -> Result {
    let stage = Stage::open_idle(db).await?;
    let (one, other) = (stage.studio.look("Linen shirt"), stage.studio.look("linen / shirt"));
    for (look, width) in [(&one, 8), (&one, 10), (&other, 12)] {
        stage.approved(look, width).await?;
    }
    let format = FileFormat { r#type: file_format::Type::Jpeg.into(), ..FileFormat::default() };
    let request = CreateExportRequest { format: Some(format), ..stage.creation() };
    let export = stage.create(request).await?;
    let items = stage.items(&export.id).await?;
    let names: Vec<_> = items.iter().map(|it| it.filename.as_str()).collect();
    assert_eq!(names, ["Linen-shirt_01.jpg", "Linen-shirt_02.jpg", "linen-shirt_01_2.jpg"]);

    let mut exports = stage.exports();
    let request = ListExportItemsRequest {
        export_id: export.id.clone(),
        page_size: 2,
        page_token: String::new(),
    };
    let page = exports.list_export_items(request.clone()).await?.into_inner();
    assert_eq!(page.items, items[..2]);
    let request = ListExportItemsRequest { page_token: page.next_page_token, ..request };
    let page = exports.list_export_items(request).await?.into_inner();
    assert_eq!((page.items.as_slice(), &*page.next_page_token), (&items[2..], ""));
    Ok(())
}

#[sqlx::test(migrator = "delivery::MIGRATIONS")]
async fn many_shots_are_asked_for_in_batches(db: PgPool) -> Result {
    let stage = Stage::open_idle(db).await?;
    for number in 0..70 {
        let look = stage.studio.look(&format!("Look {number}"));
        for width in [8, 10, 12] {
            stage.approved(&look, width).await?;
        }
    }
    let export = stage.create(stage.creation()).await?;
    assert_eq!(export.item_count, 210);
    // Two pages of shots, and three batches each of shots, predictions and media.
    assert_eq!(stage.studio.n_calls(), 2 + 3 + 3 + 3);
    Ok(())
}

#[sqlx::test(migrator = "delivery::MIGRATIONS")]
async fn an_export_is_created_once(db: PgPool) -> Result {
    let stage = Stage::open_idle(db).await?;
    let look = stage.studio.look("Linen shirt");
    let shot = stage.approved(&look, 8).await?;
    let request = stage.creation();
    let export = stage.create(request.clone()).await?;
    // Whatever became of the shot since.
    stage.studio.undo(&shot);
    assert_eq!(stage.create(request.clone()).await?, export);
    let other = CreateExportRequest { name: "Autumn".to_owned(), ..request };
    let status = refusal(stage.exports().create_export(other).await)?;
    assert_eq!((status.code(), &*reason(&status)), (Code::AlreadyExists, "REQUEST_ID_REUSED"));

    let request = ListExportsRequest::default();
    assert_eq!(stage.exports().list_exports(request).await?.into_inner().exports, [export]);
    let request =
        ListExportsRequest { shooting_id: ShootingId::generate().into(), ..Default::default() };
    assert!(stage.exports().list_exports(request).await?.into_inner().exports.is_empty());
    Ok(())
}

#[sqlx::test(migrator = "delivery::MIGRATIONS")]
async fn formats_beyond_reason_are_refused(db: PgPool) -> Result {
    let stage = Stage::open_idle(db).await?;
    let format = FileFormat { r#type: 9, long_edge_px: -1, quality: 101 };
    let request =
        CreateExportRequest { format: Some(format), name: " ".to_owned(), ..stage.creation() };
    let status = refusal(stage.exports().create_export(request).await)?;
    assert_eq!((status.code(), &*reason(&status)), (Code::InvalidArgument, "FIELD_INVALID"));
    let request = CreateExportRequest { name: " ".to_owned(), ..stage.creation() };
    let status = refusal(stage.exports().create_export(request).await)?;
    assert_eq!(fields(&status), ["name"]);
    Ok(())
}

#[sqlx::test(migrator = "delivery::MIGRATIONS")]
async fn exports_of_others_are_not_there(db: PgPool) -> Result {
    let stage = Stage::open_idle(db).await?;
    let look = stage.studio.look("Linen shirt");
    stage.approved(&look, 8).await?;
    let id = stage.create(stage.creation()).await?.id;
    let stranger = testkit::as_role(&stage.channel, Role::Owner, OrganizationId::generate());
    let mut strangers = ExportServiceClient::new(stranger);
    let items = ListExportItemsRequest { export_id: id.clone(), ..Default::default() };
    let retry = RetryExportRequest { request_id: request_id(), id: id.clone() };
    let cancel = CancelExportRequest { request_id: request_id(), id: id.clone() };
    let answers = [
        strangers.get_export(GetExportRequest { id: id.clone() }).await.err(),
        strangers.list_export_items(items).await.err(),
        strangers.sign_download(SignDownloadRequest { id: id.clone() }).await.err(),
        strangers.retry_export(retry).await.err(),
        strangers.cancel_export(cancel).await.err(),
    ];
    for status in answers {
        let status = status.ok_or("a stranger got in")?;
        assert_eq!((status.code(), &*reason(&status)), (Code::NotFound, "EXPORT_NOT_FOUND"));
    }
    let list = strangers.list_exports(ListExportsRequest::default()).await?.into_inner();
    assert!(list.exports.is_empty());

    let mut viewers = ExportServiceClient::new(stage.role(Role::Viewer));
    viewers.get_export(GetExportRequest { id }).await?;
    let status = refusal(viewers.create_export(stage.creation()).await)?;
    assert_eq!(status.code(), Code::PermissionDenied);
    Ok(())
}
