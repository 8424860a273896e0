//! Organizations, and acting in one after the other.

use api::sartiq::identity::v1::*;
use sqlx::PgPool;
use tonic::{Code, Status};

use crate::stage::{Person, Result, Stage, reason, refusal};

async fn create(person: &Person, name: &str) -> Result<Organization, Status> {
    let request =
        CreateOrganizationRequest { request_id: testkit::request_id(), name: name.into() };
    let response = person.organizations().create_organization(request).await?.into_inner();
    response.organization.ok_or_else(|| Status::internal("no organization"))
}

async fn get(person: &Person, id: &str) -> Result<GetOrganizationResponse, Status> {
    let request = GetOrganizationRequest { id: id.to_owned() };
    Ok(person.organizations().get_organization(request).await?.into_inner())
}

#[sqlx::test(migrator = "identity::MIGRATIONS")]
async fn a_user_lists_organizations_page_by_page(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let (ana, bob) = (stage.sign_up("ana").await?, stage.sign_up("bob").await?);
    for name in ["Tote", "Boot", "Coat"] {
        create(&ana, name).await?;
    }
    let (mut names, mut page_token, mut n_pages) = (Vec::new(), String::new(), 0);
    loop {
        let request = ListOrganizationsRequest { page_size: 3, page_token };
        let page = ana.organizations().list_organizations(request).await?.into_inner();
        names.extend(page.organizations.into_iter().map(|it| it.name));
        n_pages += 1;
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
        let stolen = ListOrganizationsRequest { page_size: 3, page_token: page_token.clone() };
        let status = refusal(bob.organizations().list_organizations(stolen).await)?;
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(testkit::reason(&status), "PAGE_TOKEN_INVALID");
    }
    assert_eq!((names.join(" "), n_pages), ("ana's Tote Boot Coat".to_owned(), 2));
    Ok(())
}

#[sqlx::test(migrator = "identity::MIGRATIONS")]
async fn an_organization_of_others_does_not_exist(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let (ana, bob) = (stage.sign_up("ana").await?, stage.sign_up("bob").await?);
    let own = get(&ana, &ana.tokens.organization_id).await?;
    assert_eq!(own.role(), Role::Owner);
    let other = refusal(get(&bob, &ana.tokens.organization_id).await)?;
    let none = refusal(get(&bob, &testkit::request_id()).await)?;
    for status in [&other, &none] {
        assert_eq!(status.code(), Code::NotFound);
        assert_eq!(testkit::reason(status), "ORGANIZATION_NOT_FOUND");
    }
    let switched = bob.switch(&stage, &ana.tokens.organization_id).await;
    let error = switched.err().ok_or("switched into another's organization")?;
    let status = error.downcast_ref::<Status>().ok_or("no status")?;
    assert_eq!(testkit::reason(status), "ORGANIZATION_NOT_FOUND");
    Ok(())
}

#[sqlx::test(migrator = "identity::MIGRATIONS")]
async fn admins_rename_and_editors_do_not(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let ana = stage.sign_up("ana").await?;
    let admin = stage.join(&ana, "bob", Role::Admin).await?;
    let editor = stage.join(&ana, "eve", Role::Editor).await?;
    let rename = async |person: &Person, name: &str| {
        let request =
            UpdateOrganizationRequest { request_id: testkit::request_id(), name: name.to_owned() };
        person.organizations().update_organization(request).await
    };
    rename(&admin, "Tote & Co").await?;
    assert_eq!(refusal(rename(&editor, "Eve's").await)?.code(), Code::PermissionDenied);
    let organization = get(&editor, &ana.tokens.organization_id).await?.organization;
    assert_eq!(organization.map(|it| it.name).as_deref(), Some("Tote & Co"));
    Ok(())
}

#[sqlx::test(migrator = "identity::MIGRATIONS")]
async fn a_session_switches_and_the_next_sign_in_follows(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let ana = stage.sign_up("ana").await?;
    let coat = create(&ana, "Coat").await?;
    assert_eq!(ana.me().await?.organization_id, ana.tokens.organization_id);

    let switched = ana.switch(&stage, &coat.id).await?;
    assert_eq!(switched.tokens.session_id, ana.tokens.session_id);
    assert_eq!(switched.tokens.role(), Role::Owner);
    assert_eq!(switched.me().await?.organization_id, coat.id);
    // The token from before stops working, without anybody being blamed for it.
    let earlier = stage.refresh(&ana.tokens.refresh_token).await;
    assert_eq!(reason(earlier)?, "REFRESH_TOKEN_INVALID");
    let refreshed = stage.refresh(&switched.tokens.refresh_token).await?;
    assert_eq!(refreshed.organization_id, coat.id);
    assert_eq!(stage.login("ana").await?.tokens.organization_id, coat.id);
    Ok(())
}

#[sqlx::test(migrator = "identity::MIGRATIONS")]
async fn an_organization_is_created_once_per_request(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let ana = stage.sign_up("ana").await?;
    let request =
        CreateOrganizationRequest { request_id: testkit::request_id(), name: "Coat".into() };
    let (mut one, mut other) = (ana.organizations(), ana.organizations());
    let (one, other) = futures::join!(
        one.create_organization(request.clone()),
        other.create_organization(request.clone())
    );
    assert_eq!(one?.into_inner(), other?.into_inner());
    let list = ListOrganizationsRequest::default();
    let list = ana.organizations().list_organizations(list).await?.into_inner();
    assert_eq!(list.organizations.len(), 2);
    Ok(())
}
