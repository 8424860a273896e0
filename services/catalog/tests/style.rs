//! Styles.

use api::sartiq::catalog::v1::style_service_client::StyleServiceClient;
use api::sartiq::catalog::v1::*;
use prost_types::FieldMask;
use sqlx::PgPool;
use testkit::request_id;
use tonic::Code;
use types::id::OrganizationId;

use crate::stage::{Result, Stage, refusal};

fn creation(name: &str) -> CreateStyleRequest {
    let style = StyleInput {
        name: name.to_owned(),
        prompt: "soft daylight".into(),
        background: "plain light grey".into(),
        ..Default::default()
    };
    CreateStyleRequest { request_id: request_id(), style: Some(style) }
}

#[sqlx::test(migrator = "catalog::MIGRATIONS")]
async fn a_style_is_created_read_and_changed(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let mut styles = stage.styles();
    let request = creation(" Daylight ");
    let created = styles.create_style(request.clone()).await?.into_inner();
    assert_eq!(styles.create_style(request).await?.into_inner(), created);
    let style = created.style.ok_or("no style")?;
    assert_eq!((style.name.as_str(), style.etag.as_str()), ("Daylight", "\"1\""));

    let request = UpdateStyleRequest {
        request_id: request_id(),
        id: style.id.clone(),
        etag: style.etag.clone(),
        style: Some(StyleInput { light: "from the left".into(), ..Default::default() }),
        update_mask: Some(FieldMask { paths: vec!["light".into()] }),
    };
    let updated = styles.update_style(request.clone()).await?.into_inner().style.ok_or("none")?;
    assert_eq!((updated.light.as_str(), updated.name.as_str()), ("from the left", "Daylight"));
    let stale = UpdateStyleRequest {
        request_id: request_id(),
        style: Some(StyleInput { light: "above".into(), ..Default::default() }),
        ..request
    };
    assert_eq!(refusal(styles.update_style(stale).await)?.code(), Code::Aborted);

    let read = styles.get_style(GetStyleRequest { id: style.id.clone() }).await?.into_inner().style;
    assert_eq!(read, Some(updated.clone()));
    let batch = BatchGetStylesRequest { ids: vec![style.id.clone()] };
    assert_eq!(styles.batch_get_styles(batch.clone()).await?.into_inner().styles, [updated]);

    let mut others = StyleServiceClient::new(stage.editor_of(OrganizationId::generate()));
    let status = refusal(others.get_style(GetStyleRequest { id: style.id }).await)?;
    assert_eq!(
        (status.code(), testkit::reason(&status).as_str()),
        (Code::NotFound, "STYLE_NOT_FOUND")
    );
    assert_eq!(refusal(others.batch_get_styles(batch).await)?.code(), Code::NotFound);
    Ok(())
}

#[sqlx::test(migrator = "catalog::MIGRATIONS")]
async fn names_are_required_and_unique(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let mut styles = stage.styles();
    let status = refusal(styles.create_style(creation(" ")).await)?;
    assert_eq!(testkit::fields(&status), ["style.name"]);
    styles.create_style(creation("Daylight")).await?;
    let status = refusal(styles.create_style(creation("daylight")).await)?;
    assert_eq!(
        (status.code(), testkit::reason(&status).as_str()),
        (Code::AlreadyExists, "NAME_TAKEN")
    );
    assert_eq!(testkit::fields(&status), ["style.name"]);
    Ok(())
}

#[sqlx::test(migrator = "catalog::MIGRATIONS")]
async fn lists_show_the_newest_first(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let mut styles = stage.styles();
    for name in ["a", "b", "c"] {
        styles.create_style(creation(name)).await?;
    }
    let request = ListStylesRequest { page_size: 2, ..Default::default() };
    let page = styles.list_styles(request).await?.into_inner();
    assert_eq!(page.styles.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["c", "b"]);
    let request = ListStylesRequest { page_token: page.next_page_token, ..Default::default() };
    let page = styles.list_styles(request).await?.into_inner();
    assert_eq!(page.styles.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["a"]);
    assert_eq!(page.next_page_token, "");
    Ok(())
}
