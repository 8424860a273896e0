//! Subjects.

use api::sartiq::catalog::v1::subject_service_client::SubjectServiceClient;
use api::sartiq::catalog::v1::*;
use prost_types::FieldMask;
use sqlx::PgPool;
use testkit::request_id;
use tonic::Code;
use types::id::OrganizationId;

use crate::stage::{Result, Stage, refusal};

fn mara() -> SubjectInput {
    SubjectInput { handle: "mara".into(), name: "Mara".into(), ..Default::default() }
}

fn creation(subject: SubjectInput) -> CreateSubjectRequest {
    CreateSubjectRequest { request_id: request_id(), subject: Some(subject) }
}

fn update(of: &Subject, subject: SubjectInput, path: &str) -> UpdateSubjectRequest {
    UpdateSubjectRequest {
        request_id: request_id(),
        id: of.id.clone(),
        etag: of.etag.clone(),
        subject: Some(subject),
        update_mask: Some(FieldMask { paths: vec![path.to_owned()] }),
    }
}

#[sqlx::test(migrator = "catalog::MIGRATIONS")]
async fn a_portrait_is_attached_and_detached(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let mut subjects = stage.subjects();
    let portrait = stage.media.picture(stage.organization);
    let request = creation(SubjectInput { portrait_media_id: portrait.clone(), ..mara() });
    let created = subjects.create_subject(request.clone()).await?.into_inner();
    assert_eq!(subjects.create_subject(request).await?.into_inner(), created);
    let subject = created.subject.ok_or("no subject")?;
    assert_eq!(subject.portrait_media_id, portrait);
    let attached = || stage.media.attached("subject", &subject.id);
    let wanted = [("portrait".to_owned(), portrait)];
    testkit::eventually(async || Ok::<_, String>(attached() == wanted)).await?;

    let bare = update(&subject, SubjectInput::default(), "portrait_media_id");
    let bare = subjects.update_subject(bare).await?.into_inner().subject.ok_or("no subject")?;
    assert_eq!((bare.portrait_media_id.as_str(), bare.name.as_str()), ("", "Mara"));
    testkit::eventually(async || Ok::<_, String>(attached().is_empty())).await?;
    Ok(())
}

#[sqlx::test(migrator = "catalog::MIGRATIONS")]
async fn a_portrait_must_be_a_picture_of_the_organization(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let mut subjects = stage.subjects();
    let foreign = stage.media.picture(OrganizationId::generate());
    for portrait_media_id in [foreign, stage.media.film(stage.organization), "tote".into()] {
        let request = creation(SubjectInput { portrait_media_id, ..mara() });
        let status = refusal(subjects.create_subject(request).await)?;
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(testkit::fields(&status), ["subject.portrait_media_id"]);
    }
    Ok(())
}

#[sqlx::test(migrator = "catalog::MIGRATIONS")]
async fn handles_are_required_and_unique(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let mut subjects = stage.subjects();
    let status = refusal(subjects.create_subject(creation(SubjectInput::default())).await)?;
    assert_eq!(testkit::fields(&status), ["subject.handle", "subject.name"]);
    let status = refusal(
        subjects.create_subject(creation(SubjectInput { handle: "M!".into(), ..mara() })).await,
    )?;
    assert_eq!(testkit::fields(&status), ["subject.handle"]);
    subjects.create_subject(creation(mara())).await?;
    let status = refusal(subjects.create_subject(creation(mara())).await)?;
    assert_eq!(
        (status.code(), testkit::reason(&status).as_str()),
        (Code::AlreadyExists, "HANDLE_TAKEN")
    );
    Ok(())
}

#[sqlx::test(migrator = "catalog::MIGRATIONS")]
async fn subjects_are_read_by_their_organization_only(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let mut subjects = stage.subjects();
    let subject = subjects.create_subject(creation(mara())).await?.into_inner().subject;
    let subject = subject.ok_or("no subject")?;
    let get = GetSubjectRequest { id: subject.id.clone() };
    let batch = BatchGetSubjectsRequest { ids: vec![subject.id.clone()] };
    let read = subjects.get_subject(get.clone()).await?.into_inner().subject;
    assert_eq!(read.as_ref(), Some(&subject));
    let read = subjects.batch_get_subjects(batch.clone()).await?.into_inner().subjects;
    assert_eq!(read, std::slice::from_ref(&subject));
    let read = subjects.list_subjects(ListSubjectsRequest::default()).await?.into_inner().subjects;
    assert_eq!(read, std::slice::from_ref(&subject));

    let mut others = SubjectServiceClient::new(stage.editor_of(OrganizationId::generate()));
    assert_eq!(refusal(others.get_subject(get).await)?.code(), Code::NotFound);
    assert_eq!(refusal(others.batch_get_subjects(batch).await)?.code(), Code::NotFound);
    let status = refusal(others.update_subject(update(&subject, mara(), "name")).await)?;
    assert_eq!(testkit::reason(&status), "SUBJECT_NOT_FOUND");
    let read = others.list_subjects(ListSubjectsRequest::default()).await?.into_inner().subjects;
    assert_eq!(read, []);
    Ok(())
}
