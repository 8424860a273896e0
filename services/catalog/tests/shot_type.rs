//! Shot types.

use api::sartiq::catalog::v1::shot_type_service_client::ShotTypeServiceClient;
use api::sartiq::catalog::v1::*;
use prost_types::FieldMask;
use sqlx::PgPool;
use testkit::request_id;
use tonic::Code;
use types::id::OrganizationId;

use crate::stage::{Result, Stage, refusal};

fn creation(code: &str) -> CreateShotTypeRequest {
    let shot_type =
        ShotTypeInput { code: code.to_owned(), name: "Jump".into(), ..Default::default() };
    CreateShotTypeRequest { request_id: request_id(), shot_type: Some(shot_type) }
}

fn update(of: &ShotType, shot_type: ShotTypeInput, path: &str) -> UpdateShotTypeRequest {
    UpdateShotTypeRequest {
        request_id: request_id(),
        id: of.id.clone(),
        etag: of.etag.clone(),
        shot_type: Some(shot_type),
        update_mask: Some(FieldMask { paths: vec![path.to_owned()] }),
    }
}

#[sqlx::test(migrator = "catalog::MIGRATIONS")]
async fn own_ones_are_listed_before_the_system_set(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let mut shot_types = stage.shot_types();
    shot_types.create_shot_type(creation("jump")).await?;
    shot_types.create_shot_type(creation("sit")).await?;
    let mut others = ShotTypeServiceClient::new(stage.editor_of(OrganizationId::generate()));
    others.create_shot_type(creation("jump")).await?;

    let mut token = String::new();
    let mut codes = Vec::new();
    loop {
        let request = ListShotTypesRequest { page_size: 3, page_token: token };
        let reply = shot_types.list_shot_types(request).await?.into_inner();
        codes.extend(reply.shot_types.into_iter().map(|it| (it.code, it.system)));
        token = reply.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    let own = [("sit".to_owned(), false), ("jump".to_owned(), false)];
    assert_eq!(codes[..2], own);
    assert_eq!(codes[2], ("front-full".to_owned(), true));
    assert!(codes[2..].iter().all(|it| it.1));
    for code in ["front-full", "back-full", "side-full", "three-quarter", "detail", "portrait"] {
        assert_eq!(codes.iter().filter(|it| it.0 == code).count(), 1, "{code}");
    }
    Ok(())
}

#[sqlx::test(migrator = "catalog::MIGRATIONS")]
async fn the_system_set_is_read_by_all_and_changed_by_nobody(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let mut shot_types = stage.shot_types();
    let list = shot_types.list_shot_types(ListShotTypesRequest::default()).await?.into_inner();
    let front = list.shot_types.into_iter().next().ok_or("no shot types")?;
    assert_eq!(front.id, "00000000-0000-7000-8000-000000000090");
    assert_eq!((front.width_px, front.height_px), (1024, 1536));
    let get = GetShotTypeRequest { id: front.id.clone() };
    let read = shot_types.get_shot_type(get).await?.into_inner().shot_type;
    assert_eq!(read.as_ref(), Some(&front));

    let input = ShotTypeInput { name: "Mine".into(), ..Default::default() };
    let status = refusal(shot_types.update_shot_type(update(&front, input, "name")).await)?;
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(testkit::reason(&status), "SYSTEM_SHOT_TYPE");
    Ok(())
}

#[sqlx::test(migrator = "catalog::MIGRATIONS")]
async fn codes_are_unique_beside_the_system_set(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let mut shot_types = stage.shot_types();
    let request = creation("jump");
    let created = shot_types.create_shot_type(request.clone()).await?.into_inner();
    assert_eq!(shot_types.create_shot_type(request).await?.into_inner(), created);
    for code in ["jump", "front-full"] {
        let status = refusal(shot_types.create_shot_type(creation(code)).await)?;
        assert_eq!(
            (status.code(), testkit::reason(&status).as_str()),
            (Code::AlreadyExists, "CODE_TAKEN")
        );
        assert_eq!(testkit::fields(&status), ["shot_type.code"]);
    }
    let jump = created.shot_type.ok_or("no shot type")?;
    let input = ShotTypeInput { code: "detail".into(), ..Default::default() };
    let status = refusal(shot_types.update_shot_type(update(&jump, input, "code")).await)?;
    assert_eq!(testkit::reason(&status), "CODE_TAKEN");
    Ok(())
}

#[sqlx::test(migrator = "catalog::MIGRATIONS")]
async fn sizes_are_drawable_or_left_to_us(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let mut shot_types = stage.shot_types();
    let jump = shot_types.create_shot_type(creation("jump")).await?.into_inner().shot_type;
    let jump = jump.ok_or("no shot type")?;
    assert_eq!((jump.width_px, jump.height_px, jump.default_variants), (1024, 1536, 4));
    let small = ShotTypeInput { height_px: 100, ..Default::default() };
    let status = refusal(shot_types.update_shot_type(update(&jump, small, "height_px")).await)?;
    assert_eq!(testkit::fields(&status), ["shot_type.height_px"]);
    let square = ShotTypeInput { height_px: 1024, ..Default::default() };
    let updated = shot_types.update_shot_type(update(&jump, square, "height_px")).await?;
    let updated = updated.into_inner().shot_type.ok_or("no shot type")?;
    assert_eq!((updated.height_px, updated.name.as_str()), (1024, "Jump"));

    let status = refusal(shot_types.create_shot_type(creation("")).await)?;
    assert_eq!(testkit::fields(&status), ["shot_type.code"]);
    let batch = BatchGetShotTypesRequest { ids: vec![updated.id.clone()] };
    let read = shot_types.batch_get_shot_types(batch.clone()).await?.into_inner().shot_types;
    assert_eq!(read, [updated]);
    let mut others = ShotTypeServiceClient::new(stage.editor_of(OrganizationId::generate()));
    assert_eq!(refusal(others.batch_get_shot_types(batch).await)?.code(), Code::NotFound);
    Ok(())
}
