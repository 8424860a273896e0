//! Targets.

use api::sartiq::delivery::v1::target_service_client::TargetServiceClient;
use api::sartiq::delivery::v1::*;
use server::Role;
use sqlx::PgPool;
use testkit::{fields, reason, request_id};
use tonic::Code;
use types::id::{OrganizationId, TargetId};

use crate::stage::{Result, SECRET, Stage, refusal};

#[sqlx::test(migrator = "delivery::MIGRATIONS")]
async fn a_target_is_tested_and_never_shows_its_secret(db: PgPool) -> Result {
    let stage = Stage::open_idle(db).await?;
    let mut targets = stage.targets();
    let request = stage.target("Shop");
    assert_eq!(stage.customer.secret_key, SECRET);
    let created = targets.create_target(request.clone()).await?.into_inner();
    assert_eq!(targets.create_target(request).await?.into_inner(), created);
    let target = created.target.clone().ok_or("no target")?;
    assert_eq!((target.state(), &*created.problem), (target::State::Active, ""));
    let read = targets.get_target(GetTargetRequest { id: target.id.clone() }).await?.into_inner();
    let list = targets.list_targets(ListTargetsRequest::default()).await?.into_inner();
    let tested = stage.test_target(&target.id).await?;
    assert_eq!(list.targets, [target]);
    let answers = format!("{created:?} {read:?} {list:?} {tested:?}");
    assert!(!answers.contains(SECRET));
    // Nor does anything that is kept.
    for table in ["target", "replay", "outbox", "job"] {
        let sql = format!(
            "select count(*) from delivery.{table} as it
             where it::text like '%{SECRET}%' or it::text like '%{}%'",
            hex::encode(SECRET)
        );
        let n_found: i64 =
            sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&stage.db).await?;
        assert_eq!(n_found, 0, "{table}");
    }
    Ok(())
}

#[sqlx::test(migrator = "delivery::MIGRATIONS")]
async fn a_failed_test_says_why(db: PgPool) -> Result {
    let stage = Stage::open_idle(db).await?;
    let mut targets = stage.targets();
    let mut creation = async |name: &str, change: fn(&mut Bucket)| {
        let mut request = stage.target(name);
        request.bucket.iter_mut().for_each(change);
        targets.create_target(request).await.map(|it| it.into_inner())
    };
    let wrong = creation("wrong", |it| it.secret_access_key = "wrong".into()).await?;
    assert_eq!(wrong.target.map(|it| it.state()), Some(target::State::Refused));
    assert!(wrong.problem.contains("refuses the credentials"), "{}", wrong.problem);
    assert!(!wrong.problem.contains("wrong"));
    let absent = creation("absent", |it| it.name = "nowhere".into()).await?;
    assert_eq!(absent.target.map(|it| it.state()), Some(target::State::Untested));
    assert!(absent.problem.contains("no such bucket"), "{}", absent.problem);
    let away = creation("away", |it| it.endpoint_url = "http://127.0.0.1:1".into()).await?;
    assert_eq!(away.target.map(|it| it.state()), Some(target::State::Untested));
    assert!(away.problem.contains("cannot be reached"), "{}", away.problem);
    Ok(())
}

#[sqlx::test(migrator = "delivery::MIGRATIONS")]
async fn addresses_inside_are_refused(db: PgPool) -> Result {
    let stage = Stage::open_idle(db).await?;
    let strict = testkit::as_role(&stage.strict().await?, Role::Admin, stage.organization);
    let mut targets = TargetServiceClient::new(strict);
    for endpoint_url in [
        stage.customer.endpoint.as_str(),
        "https://127.0.0.1:9000",
        "https://169.254.169.254",
        "https://[::ffff:10.0.0.1]",
        // A name, which is judged by where it leads.
        "https://localhost:9000",
        "http://example.com",
    ] {
        let mut request = stage.target("Inside");
        request.bucket.iter_mut().for_each(|it| it.endpoint_url = endpoint_url.to_owned());
        let status = refusal(targets.create_target(request).await)?;
        let expected = (Code::InvalidArgument, "FIELD_INVALID");
        assert_eq!((status.code(), &*reason(&status)), expected, "{endpoint_url}");
        assert_eq!(fields(&status), ["bucket.endpoint_url"], "{endpoint_url}");
    }
    assert!(
        stage
            .targets()
            .list_targets(ListTargetsRequest::default())
            .await?
            .into_inner()
            .targets
            .is_empty()
    );
    Ok(())
}

#[sqlx::test(migrator = "delivery::MIGRATIONS")]
async fn fields_are_checked_together(db: PgPool) -> Result {
    let stage = Stage::open_idle(db).await?;
    let mut request = stage.target(" ");
    request.bucket.iter_mut().for_each(|it| {
        it.secret_access_key.clear();
        it.prefix = "a//b".to_owned();
        it.endpoint_url = "ftp://example.com".to_owned();
    });
    let status = refusal(stage.targets().create_target(request).await)?;
    let mut fields = fields(&status);
    fields.sort();
    let expected = ["bucket.endpoint_url", "bucket.prefix", "bucket.secret_access_key", "name"];
    assert_eq!(fields, expected);
    Ok(())
}

#[sqlx::test(migrator = "delivery::MIGRATIONS")]
async fn names_are_unique(db: PgPool) -> Result {
    let stage = Stage::open_idle(db).await?;
    stage.create_target().await?;
    let status = refusal(stage.targets().create_target(stage.target("SHOP")).await)?;
    assert_eq!((status.code(), &*reason(&status)), (Code::AlreadyExists, "NAME_TAKEN"));
    assert_eq!(fields(&status), ["name"]);
    Ok(())
}

#[sqlx::test(migrator = "delivery::MIGRATIONS")]
async fn a_deleted_target_is_gone_for_good(db: PgPool) -> Result {
    let stage = Stage::open_idle(db).await?;
    let look = stage.studio.look("Linen shirt");
    stage.approved(&look, 8).await?;
    let id = stage.create_target().await?.id;
    let mut targets = stage.targets();
    let delete = DeleteTargetRequest { request_id: request_id(), id: id.clone() };
    targets.delete_target(delete.clone()).await?;
    targets.delete_target(delete).await?;
    let status = refusal(targets.get_target(GetTargetRequest { id: id.clone() }).await)?;
    assert_eq!((status.code(), &*reason(&status)), (Code::NotFound, "TARGET_NOT_FOUND"));
    let request = CreateExportRequest { target_id: id, ..stage.creation() };
    let status = refusal(stage.exports().create_export(request).await)?;
    assert_eq!(reason(&status), "TARGET_NOT_FOUND");
    Ok(())
}

#[sqlx::test(migrator = "delivery::MIGRATIONS")]
async fn targets_of_others_are_not_there(db: PgPool) -> Result {
    let stage = Stage::open_idle(db).await?;
    let id = stage.create_target().await?.id;
    let stranger = testkit::as_role(&stage.channel, Role::Owner, OrganizationId::generate());
    let mut strangers = TargetServiceClient::new(stranger);
    let delete = DeleteTargetRequest { request_id: request_id(), id: id.clone() };
    let answers = [
        strangers.get_target(GetTargetRequest { id: id.clone() }).await.err(),
        strangers.test_target(TestTargetRequest { id: id.clone() }).await.err(),
        strangers.delete_target(delete).await.err(),
    ];
    for status in answers {
        assert_eq!(status.ok_or("a stranger got in")?.code(), Code::NotFound);
    }
    let list = strangers.list_targets(ListTargetsRequest::default()).await?.into_inner();
    assert!(list.targets.is_empty());

    // Editors see where exports may go, and change nothing about it.
    let mut editors = TargetServiceClient::new(stage.role(Role::Editor));
    editors.get_target(GetTargetRequest { id: id.clone() }).await?;
    let answers = [
        editors.create_target(stage.target("Other")).await.err(),
        editors.test_target(TestTargetRequest { id }).await.err(),
    ];
    for status in answers {
        assert_eq!(status.ok_or("an editor got in")?.code(), Code::PermissionDenied);
    }
    let unknown = GetTargetRequest { id: TargetId::generate().into() };
    assert_eq!(refusal(stage.targets().get_target(unknown).await)?.code(), Code::NotFound);
    Ok(())
}
