//! Delivering to the bucket of a customer.

use api::sartiq::delivery::v1::export::State;
use api::sartiq::delivery::v1::*;
use api::sartiq::event::v1::event::Payload;
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use testkit::{reason, request_id};
use tonic::Code;

use crate::stage::{Result, Stage, picture, refusal};

/// A request to deliver all that is approved to a target.
fn to(stage: &Stage, target: &Target) -> CreateExportRequest {
    CreateExportRequest { target_id: target.id.clone(), ..stage.creation() }
}

async fn retry(stage: &Stage, id: &str) -> Result {
    let request = RetryExportRequest { request_id: request_id(), id: id.to_owned() };
    stage.exports().retry_export(request).await?;
    Ok(())
}

/// An export that waits, since its target cannot be reached.
async fn stuck(stage: &Stage) -> Result<(Target, String)> {
    let target = stage.create_target().await?;
    let look = stage.studio.look("Linen shirt");
    stage.approved(&look, 8).await?;
    stage.alter("endpoint_url", "http://127.0.0.1:1").await?;
    let id = stage.create(to(stage, &target)).await?.id;
    stage.until(&id, State::Waiting).await?;
    Ok((target, id))
}

#[sqlx::test(migrator = "delivery::MIGRATIONS")]
async fn files_arrive_as_their_receipts_say(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let target = stage.create_target().await?;
    let look = stage.studio.look("Linen shirt");
    for width in [8, 10] {
        stage.approved(&look, width).await?;
    }
    let export = stage.create(to(&stage, &target)).await?;
    let export = stage.until(&export.id, State::Completed).await?;
    assert_eq!((&*export.download_path, &export.target_id), ("", &target.id));
    // The test of the target left nothing behind.
    assert_eq!(stage.keys().await?, ["shop/Linen-shirt_01.png", "shop/Linen-shirt_02.png"]);
    for item in stage.items(&export.id).await? {
        let receipt = item.receipt.ok_or("no receipt")?;
        let (bytes, etag) = stage.delivered(&receipt.location).await?;
        assert_eq!(receipt.location, format!("shop/{}", item.filename));
        assert_eq!(receipt.remote_id, etag);
        assert_eq!(receipt.sha256, Sha256::digest(&bytes).to_vec());
        assert_eq!(receipt.size_bytes, i64::try_from(bytes.len())?);
    }
    let request = SignDownloadRequest { id: export.id };
    let status = refusal(stage.exports().sign_download(request).await)?;
    assert_eq!(reason(&status), "ZIP_NOT_THERE");
    Ok(())
}

#[sqlx::test(migrator = "delivery::MIGRATIONS")]
async fn refused_credentials_wait_until_a_test_succeeds(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let target = stage.create_target().await?;
    let look = stage.studio.look("Linen shirt");
    stage.approved(&look, 8).await?;
    stage.alter("access_key_id", "revoked").await?;
    let first = stage.create(to(&stage, &target)).await?;
    let waiting = stage.until(&first.id, State::Waiting).await?;
    assert!(waiting.problem.contains("refuses the credentials"), "{}", waiting.problem);
    let request = GetTargetRequest { id: target.id.clone() };
    let now = stage.targets().get_target(request).await?.into_inner().target.ok_or("no target")?;
    assert_eq!(now.state(), target::State::Refused);
    // Those that come later do not even try.
    let second = stage.create(to(&stage, &target)).await?;
    stage.until(&second.id, State::Waiting).await?;
    let request = DeleteTargetRequest { request_id: request_id(), id: target.id.clone() };
    let status = refusal(stage.targets().delete_target(request).await)?;
    assert_eq!((status.code(), &*reason(&status)), (Code::FailedPrecondition, "TARGET_IN_USE"));
    let told = stage.told().await?;
    assert!(matches!(told.as_slice(), [Payload::ExportWaiting(a), Payload::ExportWaiting(b)]
        if a.state == "STATE_WAITING" && b.export_id == second.id));

    let tested = stage.test_target(&target.id).await?;
    assert!(!tested.problem.is_empty());
    stage.alter("access_key_id", &stage.customer.access_key).await?;
    let tested = stage.test_target(&target.id).await?;
    assert_eq!(
        (&*tested.problem, tested.target.map(|it| it.state())),
        ("", Some(target::State::Active))
    );
    stage.until(&first.id, State::Completed).await?;
    stage.until(&second.id, State::Completed).await?;
    Ok(())
}

#[sqlx::test(migrator = "delivery::MIGRATIONS")]
async fn a_target_that_is_away_is_waited_for(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let target = stage.create_target().await?;
    let look = stage.studio.look("Linen shirt");
    stage.approved(&look, 8).await?;
    stage.alter("endpoint_url", "http://127.0.0.1:1").await?;
    let export = stage.create(to(&stage, &target)).await?;
    let waiting = stage.until(&export.id, State::Waiting).await?;
    assert!(waiting.problem.contains("cannot be reached"), "{}", waiting.problem);
    // That says nothing about the credentials.
    let tested = stage.test_target(&target.id).await?;
    assert_eq!(tested.target.map(|it| it.state()), Some(target::State::Active));
    assert!(tested.problem.contains("cannot be reached"), "{}", tested.problem);
    stage.alter("endpoint_url", &stage.customer.endpoint).await?;
    // It goes on by itself.
    stage.until(&export.id, State::Completed).await?;
    Ok(())
}

#[sqlx::test(migrator = "delivery::MIGRATIONS")]
async fn a_lost_answer_is_looked_up_and_nothing_sent_twice(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let target = stage.create_target().await?;
    let look = stage.studio.look("Linen shirt");
    let shot = stage.approved(&look, 8).await?;
    let id = stage.create(to(&stage, &target)).await?.id;
    stage.until(&id, State::Completed).await?;
    let before = stage.items(&id).await?.remove(0).receipt.ok_or("no receipt")?;
    // As a process leaves it that dies between the PUT and its receipt.
    sqlx::query(
        "update delivery.export_item
         set state = 'failed', location = null, remote_id = null, delivered_at = null",
    )
    .execute(&stage.db)
    .await?;
    sqlx::query("update delivery.export set state = 'failed'").execute(&stage.db).await?;
    // The picture is not even needed any more.
    stage.studio.lose(&shot);
    retry(&stage, &id).await?;
    stage.until(&id, State::Completed).await?;
    let after = stage.items(&id).await?.remove(0).receipt.ok_or("no receipt")?;
    assert_eq!((&after.remote_id, &after.sha256), (&before.remote_id, &before.sha256));
    Ok(())
}

#[sqlx::test(migrator = "delivery::MIGRATIONS")]
async fn files_of_the_customer_are_not_overwritten(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let target = stage.create_target().await?;
    let look = stage.studio.look("Linen shirt");
    for width in [8, 10] {
        stage.approved(&look, width).await?;
    }
    stage.put("shop/Linen-shirt_01.png", b"theirs").await?;
    let id = stage.create(to(&stage, &target)).await?.id;
    let export = stage.until(&id, State::PartiallyCompleted).await?;
    assert_eq!((export.delivered_count, export.failed_count), (1, 1));
    let items = stage.items(&id).await?;
    assert!(items[0].problem.contains("another file"), "{}", items[0].problem);
    assert_eq!(stage.delivered("shop/Linen-shirt_01.png").await?.0, b"theirs");

    stage.remove("shop/Linen-shirt_01.png").await?;
    retry(&stage, &id).await?;
    let export = stage.until(&id, State::Completed).await?;
    assert_eq!((export.delivered_count, export.failed_count), (2, 0));
    assert_eq!(stage.delivered("shop/Linen-shirt_01.png").await?.0, picture(8)?);
    Ok(())
}

#[sqlx::test(migrator = "delivery::MIGRATIONS")]
async fn a_newer_export_replaces_what_an_older_one_delivered_and_not_the_other_way(
    db: PgPool,
) -> Result {
    let stage = Stage::open(db).await?;
    let target = stage.create_target().await?;
    let look = stage.studio.look("Linen shirt");
    let shot = stage.approved(&look, 8).await?;
    // It waits, and is overtaken.
    stage.alter("endpoint_url", "http://127.0.0.1:1").await?;
    let old = stage.create(to(&stage, &target)).await?;
    stage.until(&old.id, State::Waiting).await?;
    sqlx::query(
        "update delivery.job set run_at = now() + interval '1 hour' where name = 'deliver'",
    )
    .execute(&stage.db)
    .await?;
    stage.alter("endpoint_url", &stage.customer.endpoint).await?;
    for width in [10, 12] {
        stage.studio.approve(&shot, picture(width)?).await?;
        let new = stage.create(to(&stage, &target)).await?;
        stage.until(&new.id, State::Completed).await?;
        assert_eq!(stage.delivered("shop/Linen-shirt_01.png").await?.0, picture(width)?);
    }
    stage.test_target(&target.id).await?;
    stage.until(&old.id, State::Failed).await?;
    assert!(stage.items(&old.id).await?[0].problem.contains("newer export"));
    assert_eq!(stage.delivered("shop/Linen-shirt_01.png").await?.0, picture(12)?);
    Ok(())
}

#[sqlx::test(migrator = "delivery::MIGRATIONS")]
async fn a_cancelled_export_stays_cancelled(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let (target, id) = stuck(&stage).await?;
    let cancel = CancelExportRequest { request_id: request_id(), id: id.clone() };
    let reply = stage.exports().cancel_export(cancel.clone()).await?.into_inner();
    assert_eq!(reply.export.as_ref().map(|it| it.state()), Some(State::Cancelled));
    assert_eq!(stage.exports().cancel_export(cancel).await?.into_inner(), reply);
    let again = CancelExportRequest { request_id: request_id(), id: id.clone() };
    assert_eq!(stage.exports().cancel_export(again).await?.into_inner(), reply);
    assert_eq!(stage.items(&id).await?[0].state(), export_item::State::Cancelled);
    assert!(matches!(stage.told().await?.last(), Some(Payload::ExportEnded(it))
        if it.state == "STATE_CANCELLED"));

    stage.alter("endpoint_url", &stage.customer.endpoint).await?;
    stage.test_target(&target.id).await?;
    let request = RetryExportRequest { request_id: request_id(), id: id.clone() };
    let status = refusal(stage.exports().retry_export(request).await)?;
    assert_eq!(reason(&status), "STATE_CONFLICT");
    // Whatever is still planned for it finds nothing to do.
    testkit::eventually(async || {
        let jobs = "select count(*) from delivery.job where name = 'deliver'";
        sqlx::query_scalar::<_, i64>(jobs).fetch_one(&stage.db).await.map(|it| it == 0)
    })
    .await?;
    assert_eq!(stage.get(&id).await?.state(), State::Cancelled);
    assert!(stage.keys().await?.is_empty());
    Ok(())
}

#[sqlx::test(migrator = "delivery::MIGRATIONS")]
async fn an_export_that_is_stuck_for_a_week_fails(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let (_, id) = stuck(&stage).await?;
    sqlx::query("update delivery.export set stuck_since = now() - interval '8 days'")
        .execute(&stage.db)
        .await?;
    let export = stage.until(&id, State::Failed).await?;
    assert_eq!((export.failed_count, &*export.problem), (1, "1 item failed"));
    assert!(stage.items(&id).await?[0].problem.contains("cannot be reached"));
    Ok(())
}

#[sqlx::test(migrator = "delivery::MIGRATIONS")]
async fn private_addresses_are_not_dialled_at_delivery_either(db: PgPool) -> Result {
    let stage = Stage::open_idle(db).await?;
    let target = stage.create_target().await?;
    let look = stage.studio.look("Linen shirt");
    stage.approved(&look, 8).await?;
    // A name that has come to lead inside since it was tested.
    let inside = stage.customer.endpoint.replace("http://127.0.0.1", "https://localhost");
    stage.alter("endpoint_url", &inside).await?;
    let export = stage.create(to(&stage, &target)).await?;
    stage.work(false)?;
    let export = stage.until(&export.id, State::Waiting).await?;
    assert!(export.problem.contains("must be public"), "{}", export.problem);
    assert!(stage.keys().await?.is_empty());
    Ok(())
}
