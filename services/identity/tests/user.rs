//! The calling user.

use api::sartiq::identity::v1::*;
use sqlx::PgPool;
use tonic::Code;

use crate::stage::{Result, Stage, reason, refusal};

#[sqlx::test(migrator = "identity::MIGRATIONS")]
async fn a_user_changes_names_once_per_request(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let ana = stage.sign_up("ana").await?;
    let request = UpdateMeRequest { request_id: testkit::request_id(), name: " Ana B. ".into() };
    let updated = ana.users().update_me(request.clone()).await?.into_inner();
    assert_eq!(updated.user.as_ref().map(|it| &*it.name), Some("Ana B."));
    let other = UpdateMeRequest { request_id: testkit::request_id(), name: "Ana C.".into() };
    ana.users().update_me(other).await?;
    // A late retry gets its answer again and changes nothing.
    assert_eq!(ana.users().update_me(request.clone()).await?.into_inner(), updated);
    assert_eq!(ana.me().await?.user.map(|it| it.name).as_deref(), Some("Ana C."));
    let reused = UpdateMeRequest { name: "Ana D.".into(), ..request };
    assert_eq!(reason(ana.users().update_me(reused).await)?, "REQUEST_ID_REUSED");
    Ok(())
}

#[sqlx::test(migrator = "identity::MIGRATIONS")]
async fn nobody_is_nobody(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let mut users = user_service_client::UserServiceClient::new(stage.channel.clone());
    let status = refusal(users.get_me(GetMeRequest {}).await)?;
    assert_eq!(status.code(), Code::Unauthenticated);
    assert_eq!(testkit::reason(&status), "TOKEN_MISSING");
    Ok(())
}
