//! Members: how they come, what they may do to each other, and how they go.

use api::sartiq::identity::v1::*;
use sqlx::PgPool;
use testkit::eventually;
use tonic::Code;

use crate::stage::{Person, Result, Stage, reason, refusal};

async fn list(person: &Person, page_size: i32, page_token: String) -> Result<ListMembersResponse> {
    let request = ListMembersRequest { page_size, page_token };
    Ok(person.members().list_members(request).await?.into_inner())
}

#[sqlx::test(migrator = "identity::MIGRATIONS")]
async fn an_invited_person_joins(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let ana = stage.sign_up("ana").await?;
    let bob = stage.sign_up("bob").await?;
    let token = ana.invite("Bob@Sartiq.example", Role::Editor).await?;
    let accepted = bob.accept(&token).await?;
    assert_eq!(accepted.organization_id, ana.tokens.organization_id);
    assert_eq!(accepted.role(), Role::Editor);
    assert_eq!(reason(bob.accept(&token).await)?, "INVITATION_USED");
    assert_eq!(reason(ana.invite(&bob.user.email, Role::Admin).await)?, "ALREADY_MEMBER");

    let first = list(&ana, 1, String::new()).await?;
    let second = list(&ana, 1, first.next_page_token).await?;
    assert!(second.next_page_token.is_empty());
    let members: Vec<_> = first.members.iter().chain(&second.members).collect();
    let seen: Vec<_> = members.iter().map(|it| (&*it.email, it.role())).collect();
    assert_eq!(seen, [("ana@sartiq.example", Role::Owner), ("bob@sartiq.example", Role::Editor)]);
    Ok(())
}

#[sqlx::test(migrator = "identity::MIGRATIONS")]
async fn an_invitation_is_for_one_person_and_not_for_ever(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let (ana, bob) = (stage.sign_up("ana").await?, stage.sign_up("bob").await?);
    let eve = stage.sign_up("eve").await?;
    let first = ana.invite(&bob.user.email, Role::Editor).await?;
    assert_eq!(refusal(eve.accept(&first).await)?.code(), Code::PermissionDenied);
    assert_eq!(reason(eve.accept(&first).await)?, "INVITATION_NOT_YOURS");
    assert_eq!(reason(bob.accept("inv_made-up").await)?, "INVITATION_NOT_FOUND");

    // A second one replaces the first.
    let second = ana.invite(&bob.user.email, Role::Viewer).await?;
    assert_eq!(reason(bob.accept(&first).await)?, "INVITATION_NOT_FOUND");
    stage.execute("update identity.invitation set expires_at = now()").await?;
    let status = refusal(bob.accept(&second).await)?;
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(testkit::reason(&status), "INVITATION_EXPIRED");
    Ok(())
}

#[sqlx::test(migrator = "identity::MIGRATIONS")]
async fn the_token_of_an_invitation_is_shown_once(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let ana = stage.sign_up("ana").await?;
    let request = InviteMemberRequest {
        request_id: testkit::request_id(),
        email: "bob@sartiq.example".into(),
        role: Role::Editor.into(),
    };
    let first = ana.members().invite_member(request.clone()).await?.into_inner();
    let again = ana.members().invite_member(request).await?.into_inner();
    assert!(!first.token.is_empty());
    assert_eq!(again.token, "");
    assert_eq!(again.invitation, first.invitation);
    let stored: Vec<u8> = sqlx::query_scalar("select token_hash from identity.invitation")
        .fetch_one(&stage.db)
        .await?;
    assert_ne!(stored, first.token.as_bytes());
    Ok(())
}

#[sqlx::test(migrator = "identity::MIGRATIONS")]
async fn nobody_hands_out_or_takes_away_more_than_they_have(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let ana = stage.sign_up("ana").await?;
    let admin = stage.join(&ana, "bob", Role::Admin).await?;
    let editor = stage.join(&ana, "eve", Role::Editor).await?;

    let mail = "new@sartiq.example";
    assert_eq!(reason(admin.invite(mail, Role::Owner).await)?, "ROLE_ABOVE_OWN");
    assert_eq!(reason(admin.set_role(&admin.user, Role::Owner).await)?, "ROLE_ABOVE_OWN");
    assert_eq!(reason(admin.set_role(&ana.user, Role::Viewer).await)?, "ROLE_ABOVE_OWN");
    assert_eq!(reason(admin.remove(&ana.user).await)?, "ROLE_ABOVE_OWN");
    for refused in [
        refusal(editor.invite(mail, Role::Viewer).await)?,
        refusal(editor.remove(&admin.user).await)?,
        refusal(editor.set_role(&editor.user, Role::Admin).await)?,
    ] {
        assert_eq!(refused.code(), Code::PermissionDenied);
        assert_eq!(testkit::reason(&refused), "ACCESS_DENIED");
    }
    let stranger = stage.sign_up("sam").await?;
    let status = refusal(admin.remove(&stranger.user).await)?;
    assert_eq!(status.code(), Code::NotFound);
    assert_eq!(testkit::reason(&status), "MEMBER_NOT_FOUND");
    assert_eq!(ana.set_role(&admin.user, Role::Owner).await?.role(), Role::Owner);
    Ok(())
}

#[sqlx::test(migrator = "identity::MIGRATIONS")]
async fn the_last_owner_keeps_the_role(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let ana = stage.sign_up("ana").await?;
    let status = refusal(ana.set_role(&ana.user, Role::Admin).await)?;
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(testkit::reason(&status), "LAST_OWNER");
    assert_eq!(reason(ana.remove(&ana.user).await)?, "LAST_OWNER");

    // Two owners who demote each other at the same time: one stays.
    let bob = stage.join(&ana, "bob", Role::Owner).await?;
    let results = futures::join!(
        ana.set_role(&bob.user, Role::Viewer),
        bob.set_role(&ana.user, Role::Viewer)
    );
    assert!(results.0.is_ok() != results.1.is_ok(), "{results:?}");
    Ok(())
}

#[sqlx::test(migrator = "identity::MIGRATIONS")]
async fn a_changed_role_counts_within_seconds(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let ana = stage.sign_up("ana").await?;
    let bob = stage.join(&ana, "bob", Role::Admin).await?;
    // The same role again changes nothing and signs nobody out.
    ana.set_role(&bob.user, Role::Admin).await?;
    assert!(stage.revocations().await?.is_empty());

    let member = ana.set_role(&bob.user, Role::Viewer).await?;
    assert_eq!(member.role(), Role::Viewer);
    assert_eq!(stage.revocations().await?, std::slice::from_ref(&bob.tokens.session_id));
    // Even before the revocation arrives, the old role is worth nothing here.
    let invited = bob.invite("new@sartiq.example", Role::Viewer).await;
    assert!(matches!(refusal(invited)?.code(), Code::PermissionDenied | Code::Unauthenticated));
    eventually(async || bob.is_out().await).await?;
    assert_eq!(reason(stage.refresh(&bob.tokens.refresh_token).await)?, "SESSION_REVOKED");
    let again = stage.login("bob").await?;
    assert_eq!(again.tokens.organization_id, ana.tokens.organization_id);
    assert_eq!(again.tokens.role(), Role::Viewer);
    Ok(())
}

#[sqlx::test(migrator = "identity::MIGRATIONS")]
async fn a_removed_member_is_out_and_goes_on_elsewhere(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let ana = stage.sign_up("ana").await?;
    let bob = stage.join(&ana, "bob", Role::Editor).await?;
    let elsewhere = stage.login("bob").await?;
    let organizations = ListOrganizationsRequest::default();
    let organizations = elsewhere.organizations().list_organizations(organizations).await?;
    let own = organizations.into_inner().organizations.into_iter().find(|it| it.name == "bob's");
    // This session has left, but its access token for the organization is still alive.
    elsewhere.switch(&stage, &own.ok_or("no own organization")?.id).await?;

    ana.remove(&bob.user).await?;
    let mut revoked = stage.revocations().await?;
    revoked.sort();
    let mut expected = [bob.tokens.session_id.clone(), elsewhere.tokens.session_id.clone()];
    expected.sort();
    assert_eq!(revoked, expected);
    eventually(async || elsewhere.is_out().await).await?;
    assert_eq!(list(&ana, 0, String::new()).await?.members.len(), 1);

    let again = stage.login("bob").await?;
    assert_ne!(again.tokens.organization_id, ana.tokens.organization_id);
    assert_eq!(again.tokens.role(), Role::Owner);
    Ok(())
}

#[sqlx::test(migrator = "identity::MIGRATIONS")]
async fn who_belongs_nowhere_may_still_sign_in_and_be_invited(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let ana = stage.sign_up("ana").await?;
    stage.sign_up("bob").await?;
    stage
        .execute(
            "delete from identity.membership where user_id =
                 (select user_id from identity.user where email = 'bob@sartiq.example')",
        )
        .await?;
    let bob = stage.login("bob").await?;
    assert_eq!(bob.tokens.organization_id, "");
    assert_eq!(bob.tokens.role(), Role::Unspecified);
    assert_eq!(bob.me().await?.role(), Role::Unspecified);
    let members = bob.members().list_members(ListMembersRequest::default()).await;
    assert_eq!(refusal(members)?.code(), Code::PermissionDenied);
    stage.refresh(&bob.tokens.refresh_token).await?;

    let token = ana.invite(&bob.user.email, Role::Reviewer).await?;
    bob.accept(&token).await?;
    let joined = bob.switch(&stage, &ana.tokens.organization_id).await?;
    assert_eq!(joined.tokens.role(), Role::Reviewer);
    Ok(())
}

#[sqlx::test(migrator = "identity::MIGRATIONS")]
async fn services_list_the_members_of_the_organization_they_act_for(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let (ana, bob) = (stage.sign_up("ana").await?, stage.sign_up("bob").await?);
    let key =
        ExchangeKeyRequest { service: "catalog".into(), key: crate::stage::CATALOG_KEY.to_owned() };
    let token = stage.auth().exchange_key(key).await?.into_inner().access_token;
    let mut members = member_service_client::MemberServiceClient::new(stage.signed(&token));
    for person in [&ana, &bob] {
        let mut request = tonic::Request::new(ListMembersRequest::default());
        let organization = person.tokens.organization_id.parse()?;
        request.metadata_mut().insert("x-sartiq-organization", organization);
        let listed = members.list_members(request).await?.into_inner().members;
        assert_eq!(listed.iter().map(|it| &it.user_id).collect::<Vec<_>>(), [&person.user.id]);
    }
    let nowhere = members.list_members(ListMembersRequest::default()).await;
    assert_eq!(reason(nowhere)?, "ORGANIZATION_MISSING");
    Ok(())
}
