//! Sessions: refreshing, signing out, and what happens to thieves.

use api::sartiq::identity::v1::*;
use futures::future::join_all;
use sqlx::PgPool;
use testkit::eventually;
use tonic::Code;

use crate::stage::{Result, Stage, reason, refusal};

/// Lets the grace after the last refresh pass.
const LATER: &str = "update identity.session set rotated_at = rotated_at - interval '11 s'";

#[sqlx::test(migrator = "identity::MIGRATIONS")]
async fn a_refresh_gives_new_tokens(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let ana = stage.sign_up("ana").await?;
    let tokens = stage.refresh(&ana.tokens.refresh_token).await?;
    assert_eq!(tokens.session_id, ana.tokens.session_id);
    assert_eq!(tokens.organization_id, ana.tokens.organization_id);
    assert_eq!(tokens.role(), Role::Owner);
    assert_ne!(tokens.refresh_token, ana.tokens.refresh_token);
    assert_ne!(tokens.access_token, ana.tokens.access_token);
    stage.refresh(&tokens.refresh_token).await?;
    assert!(!ana.is_out().await?);
    Ok(())
}

#[sqlx::test(migrator = "identity::MIGRATIONS")]
async fn a_lost_answer_can_be_asked_for_again(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let ana = stage.sign_up("ana").await?;
    let refreshes = (0..20).map(|_| stage.refresh(&ana.tokens.refresh_token));
    let mut successors = join_all(refreshes)
        .await
        .into_iter()
        .map(|it| it.map(|tokens| tokens.refresh_token))
        .collect::<Result<Vec<_>, _>>()?;
    successors.dedup();
    let [successor] = &successors[..] else { return Err("more than one successor".into()) };
    stage.refresh(successor).await?;
    assert!(stage.revocations().await?.is_empty());
    Ok(())
}

#[sqlx::test(migrator = "identity::MIGRATIONS")]
async fn a_token_that_is_used_twice_revokes_its_session(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let ana = stage.sign_up("ana").await?;
    let next = stage.refresh(&ana.tokens.refresh_token).await?;
    stage.execute(LATER).await?;
    let status = refusal(stage.refresh(&ana.tokens.refresh_token).await)?;
    assert_eq!(status.code(), Code::Unauthenticated);
    assert_eq!(testkit::reason(&status), "REFRESH_TOKEN_REUSED");

    // Thief and owner are both out: nobody can tell them apart.
    assert_eq!(reason(stage.refresh(&next.refresh_token).await)?, "SESSION_REVOKED");
    assert_eq!(stage.revocations().await?, std::slice::from_ref(&ana.tokens.session_id));
    eventually(async || ana.is_out().await).await?;
    // Other sessions go on.
    assert!(!stage.login("ana").await?.is_out().await?);
    Ok(())
}

#[sqlx::test(migrator = "identity::MIGRATIONS")]
async fn a_token_of_long_ago_revokes_its_session_too(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let ana = stage.sign_up("ana").await?;
    let mut token = ana.tokens.refresh_token.clone();
    for _ in 0..3 {
        token = stage.refresh(&token).await?.refresh_token;
    }
    assert_eq!(reason(stage.refresh(&ana.tokens.refresh_token).await)?, "REFRESH_TOKEN_REUSED");
    assert_eq!(reason(stage.refresh(&token).await)?, "SESSION_REVOKED");
    Ok(())
}

#[sqlx::test(migrator = "identity::MIGRATIONS")]
async fn a_made_up_token_harms_nobody(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let ana = stage.sign_up("ana").await?;
    let real = &ana.tokens.refresh_token;
    let flipped = match real.strip_suffix('A') {
        Some(start) => format!("{start}B"),
        None => format!("{}A", &real[..real.len() - 1]),
    };
    for forged in ["x", "srt_", &real[4..], &real[..40], &ana.tokens.access_token, &flipped] {
        let forged = &forged[..forged.len().min(500)];
        assert_eq!(reason(stage.refresh(forged).await)?, "REFRESH_TOKEN_INVALID", "{forged}");
    }
    stage.refresh(real).await?;
    Ok(())
}

#[sqlx::test(migrator = "identity::MIGRATIONS")]
async fn a_session_slides_and_ends(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let ana = stage.sign_up("ana").await?;
    // Nearly ninety days old, it lives on until they are full and no longer.
    stage
        .execute("update identity.session set created_at = created_at - interval '89 days'")
        .await?;
    let tokens = stage.refresh(&ana.tokens.refresh_token).await?;
    let left = tokens.refresh_expire_time.ok_or("no end")?.seconds
        - tokens.access_expire_time.ok_or("no end")?.seconds;
    assert!(left < 24 * 60 * 60, "{left} seconds");
    stage.execute("update identity.session set expires_at = now()").await?;
    let status = refusal(stage.refresh(&tokens.refresh_token).await)?;
    assert_eq!(status.code(), Code::Unauthenticated);
    assert_eq!(testkit::reason(&status), "SESSION_EXPIRED");
    Ok(())
}

#[sqlx::test(migrator = "identity::MIGRATIONS")]
async fn a_logout_ends_the_session_everywhere(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let ana = stage.sign_up("ana").await?;
    ana.auth().logout(LogoutRequest {}).await?;
    assert_eq!(reason(stage.refresh(&ana.tokens.refresh_token).await)?, "SESSION_REVOKED");
    assert_eq!(stage.revocations().await?, std::slice::from_ref(&ana.tokens.session_id));
    eventually(async || ana.is_out().await).await?;
    assert_eq!(reason(ana.me().await)?, "SESSION_REVOKED");
    Ok(())
}

#[sqlx::test(migrator = "identity::MIGRATIONS")]
async fn a_user_sees_and_revokes_own_sessions_only(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let (ana, bob) = (stage.sign_up("ana").await?, stage.sign_up("bob").await?);
    let again = stage.login("ana").await?;
    let sessions = again.sessions().list_sessions(ListSessionsRequest {}).await?.into_inner();
    let seen: Vec<_> = sessions.sessions.iter().map(|it| (&*it.id, it.current)).collect();
    assert_eq!(seen, [(&*again.tokens.session_id, true), (&*ana.tokens.session_id, false)]);
    assert_eq!(sessions.sessions[1].device, "a test");

    let request = RevokeSessionRequest {
        request_id: testkit::request_id(),
        id: ana.tokens.session_id.clone(),
    };
    let stranger = bob.sessions().revoke_session(request.clone()).await;
    let status = refusal(stranger)?;
    assert_eq!(status.code(), Code::NotFound);
    assert_eq!(testkit::reason(&status), "SESSION_NOT_FOUND");
    for _ in 0..2 {
        again.sessions().revoke_session(request.clone()).await?;
    }
    assert_eq!(stage.revocations().await?, std::slice::from_ref(&ana.tokens.session_id));
    let sessions = again.sessions().list_sessions(ListSessionsRequest {}).await?.into_inner();
    assert_eq!(sessions.sessions.len(), 1);
    let other = RevokeSessionRequest { id: again.tokens.session_id.clone(), ..request };
    assert_eq!(reason(again.sessions().revoke_session(other).await)?, "REQUEST_ID_REUSED");
    Ok(())
}

#[sqlx::test(migrator = "identity::MIGRATIONS")]
async fn a_revocation_reaches_other_replicas(db: PgPool) -> Result {
    let (one, other) = (Stage::open(db.clone()).await?, Stage::open(db).await?);
    let ana = one.sign_up("ana").await?;
    // Asked before, so that the other replica answers from memory for a second.
    assert!(other.revocations().await?.is_empty());
    ana.auth().logout(LogoutRequest {}).await?;
    let expected = std::slice::from_ref(&ana.tokens.session_id);
    eventually(async || other.revocations().await.map(|it| it == expected)).await?;
    // An old revocation is forgotten once no token can be alive.
    one.execute("update identity.session set revoked_at = revoked_at - interval '17 minutes'")
        .await?;
    let fresh = Stage::open(one.db.clone()).await?;
    assert!(fresh.revocations().await?.is_empty());
    Ok(())
}
