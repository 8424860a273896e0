//! Guidelines.

use api::sartiq::catalog::v1::guideline_service_client::GuidelineServiceClient;
use api::sartiq::catalog::v1::*;
use prost_types::FieldMask;
use sqlx::PgPool;
use testkit::request_id;
use tonic::Code;
use types::id::OrganizationId;

use crate::stage::{Result, Stage, refusal};

fn creation(name: &str, rules: &[&str]) -> CreateGuidelineRequest {
    let rules = rules.iter().map(ToString::to_string).collect();
    let guideline = GuidelineInput { name: name.to_owned(), rules };
    CreateGuidelineRequest { request_id: request_id(), guideline: Some(guideline) }
}

#[sqlx::test(migrator = "catalog::MIGRATIONS")]
async fn a_guideline_is_created_read_and_changed(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let mut guidelines = stage.guidelines();
    let request = creation("Brand", &["no jewellery", "natural skin"]);
    let created = guidelines.create_guideline(request.clone()).await?.into_inner();
    assert_eq!(guidelines.create_guideline(request).await?.into_inner(), created);
    let guideline = created.guideline.ok_or("no guideline")?;
    assert_eq!(guideline.rules, ["no jewellery", "natural skin"]);

    let request = UpdateGuidelineRequest {
        request_id: request_id(),
        id: guideline.id.clone(),
        etag: guideline.etag.clone(),
        guideline: Some(GuidelineInput { rules: vec!["no hats".into()], ..Default::default() }),
        update_mask: Some(FieldMask { paths: vec!["rules".into()] }),
    };
    let updated = guidelines.update_guideline(request).await?.into_inner().guideline;
    let updated = updated.ok_or("no guideline")?;
    assert_eq!((updated.name.as_str(), &updated.rules[..]), ("Brand", &["no hats".to_owned()][..]));

    let get = GetGuidelineRequest { id: guideline.id.clone() };
    let read = guidelines.get_guideline(get.clone()).await?.into_inner().guideline;
    assert_eq!(read, Some(updated.clone()));
    let batch = BatchGetGuidelinesRequest { ids: vec![guideline.id] };
    let batch = guidelines.batch_get_guidelines(batch).await?.into_inner();
    assert_eq!(batch.guidelines, std::slice::from_ref(&updated));
    let list = guidelines.list_guidelines(ListGuidelinesRequest::default()).await?.into_inner();
    assert_eq!(list.guidelines, [updated]);

    let mut others = GuidelineServiceClient::new(stage.editor_of(OrganizationId::generate()));
    let status = refusal(others.get_guideline(get).await)?;
    assert_eq!(status.code(), Code::NotFound);
    assert_eq!(testkit::reason(&status), "GUIDELINE_NOT_FOUND");
    Ok(())
}

#[sqlx::test(migrator = "catalog::MIGRATIONS")]
async fn what_is_missing_is_named(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let mut guidelines = stage.guidelines();
    let status = refusal(guidelines.create_guideline(creation("", &["a", " "])).await)?;
    assert_eq!(testkit::fields(&status), ["guideline.name", "guideline.rules[1]"]);
    guidelines.create_guideline(creation("Brand", &[])).await?;
    let status = refusal(guidelines.create_guideline(creation("BRAND", &[])).await)?;
    assert_eq!(testkit::reason(&status), "NAME_TAKEN");
    Ok(())
}
