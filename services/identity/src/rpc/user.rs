//! User RPCs.

use api::sartiq::identity::v1 as pb;
use pg::replay::Replay;
use server::{Caller, timestamp};

use crate::error::{Error, Result};
use crate::name::Name;
use crate::rpc::{SCHEMA, user_of};
use crate::user::User;
use crate::{Identity, store};

pub(super) async fn get_me(identity: &Identity, caller: Caller) -> Result<pb::GetMeResponse> {
    let user = store::user::find(&identity.db, user_of(&caller)?).await?;
    let user = user.ok_or(Error::UserMissing)?;
    let organization_id = caller.organization_id.map(|it| it.to_string());
    Ok(pb::GetMeResponse {
        user: Some(user.into()),
        organization_id: organization_id.unwrap_or_default(),
        role: caller.role.map(i32::from).unwrap_or_default(),
    })
}

pub(super) async fn update_me(
    identity: &Identity,
    caller: Caller,
    request: pb::UpdateMeRequest,
) -> Result<pb::UpdateMeResponse> {
    let user_id = user_of(&caller)?;
    let name = Name::parse("name", &request.name)?;
    let replay = Replay::of(SCHEMA, user_id, "UpdateMe", &request.request_id, &request)?;
    let mut tx = identity.db.begin().await?;
    if let Some(reply) = replay.find(&mut tx).await? {
        return Ok(reply);
    }
    let user = store::user::rename(&mut *tx, user_id, &name).await?;
    let user = user.ok_or(Error::UserMissing)?;
    let reply = pb::UpdateMeResponse { user: Some(user.into()) };
    replay.store(&mut tx, &reply).await?;
    tx.commit().await?;
    Ok(reply)
}

impl From<User> for pb::User {
    fn from(user: User) -> Self {
        Self {
            id: user.id.to_string(),
            email: user.email.to_string(),
            name: user.name.into(),
            create_time: Some(timestamp(user.created_at)),
        }
    }
}
