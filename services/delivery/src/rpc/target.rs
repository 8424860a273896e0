//! Target RPCs.

use api::sartiq::delivery::v1 as pb;
use pg::Page;
use pg::replay::{self, Replay};
use secrecy::{ExposeSecret, SecretString};
use server::Caller;
use time::OffsetDateTime;
use types::id::{OrganizationId, TargetId};

use crate::bucket;
use crate::error::{Error, Result};
use crate::field::Findings;
use crate::rpc::wire;
use crate::target::{Address, State, Target, prefix_problem};
use crate::{Delivery, SCHEMA, jobs, store};

pub(super) async fn create(
    delivery: &Delivery,
    caller: Caller,
    request: pb::CreateTargetRequest,
) -> Result<pb::CreateTargetResponse> {
    let organization = caller.organization()?;
    let replay = Replay::of(SCHEMA, organization, "CreateTarget", &request.request_id, &request)?;
    // Who asks again is answered even if the target has gone away since.
    if let Some(reply) = replay.known(&delivery.db).await? {
        return Ok(reply);
    }
    let name = request.name.trim().to_owned();
    let bucket = request.bucket.unwrap_or_default();
    let address = Address {
        endpoint_url: bucket.endpoint_url,
        region: bucket.region.trim().to_owned(),
        bucket: bucket.name,
        prefix: bucket.prefix,
        access_key_id: bucket.access_key_id.trim().to_owned(),
    };
    let mut findings = Findings::default();
    findings.require("name", &name);
    findings.require("bucket.secret_access_key", &bucket.secret_access_key);
    if let Some(problem) = delivery.buckets.problem(&address.endpoint_url) {
        findings.add("bucket.endpoint_url", problem);
    }
    if let Some(problem) = prefix_problem(&address.prefix) {
        findings.add("bucket.prefix", problem);
    }
    findings.end()?;

    let secret = SecretString::from(bucket.secret_access_key);
    let verdict = verdict(delivery, &address, &secret).await?;
    let id = TargetId::generate();
    let target = Target {
        id,
        name,
        state: verdict.state.unwrap_or(State::Untested),
        version: 1,
        sealed_secret: delivery.seal.close(id, secret.expose_secret()),
        address,
        created_at: OffsetDateTime::now_utc(),
    };
    let mut tx = delivery.db.begin().await?;
    let reply = replay::once(&mut tx, &replay, async |tx| {
        store::target::insert(&mut *tx, organization, &target).await?;
        // As everybody will read it: the database rounds times.
        let target = store::target::find(tx, organization, id).await?;
        let problem = verdict.problem;
        Ok::<_, Error>(pb::CreateTargetResponse { target: Some(wire::target(&target)), problem })
    })
    .await?;
    tx.commit().await?;
    Ok(reply)
}

pub(super) async fn get(
    delivery: &Delivery,
    caller: Caller,
    request: pb::GetTargetRequest,
) -> Result<pb::GetTargetResponse> {
    let id = request.id.parse()?;
    let target = store::target::find(&delivery.db, caller.organization()?, id).await?;
    Ok(pb::GetTargetResponse { target: Some(wire::target(&target)) })
}

pub(super) async fn list(
    delivery: &Delivery,
    caller: Caller,
    request: pb::ListTargetsRequest,
) -> Result<pb::ListTargetsResponse> {
    let organization = caller.organization()?;
    let page = Page::parse(request.page_size, &request.page_token, ("target", organization))?;
    let found = store::target::list(&delivery.db, organization, &page).await?;
    let (targets, next_page_token) = page.cut(found, |it| vec![it.id]);
    let targets = targets.iter().map(wire::target).collect();
    Ok(pb::ListTargetsResponse { targets, next_page_token })
}

pub(super) async fn test(
    delivery: &Delivery,
    caller: Caller,
    request: pb::TestTargetRequest,
) -> Result<pb::TestTargetResponse> {
    let organization = caller.organization()?;
    let id: TargetId = request.id.parse()?;
    let target = store::target::find(&delivery.db, organization, id).await?;
    let secret = delivery
        .seal
        .open(id, &target.sealed_secret)
        .ok_or_else(|| Error::Corrupt("secret of a target, sealed by another key".to_owned()))?;
    let verdict = verdict(delivery, &target.address, &secret).await?;
    if let Some(state) = verdict.state {
        record(delivery, organization, id, state).await?;
    }
    let target = store::target::find(&delivery.db, organization, id).await?;
    let problem = verdict.problem;
    Ok(pb::TestTargetResponse { target: Some(wire::target(&target)), problem })
}

pub(super) async fn delete(
    delivery: &Delivery,
    caller: Caller,
    request: pb::DeleteTargetRequest,
) -> Result<pb::DeleteTargetResponse> {
    let organization = caller.organization()?;
    let replay = Replay::of(SCHEMA, organization, "DeleteTarget", &request.request_id, &request)?;
    let id: TargetId = request.id.parse()?;
    let mut tx = delivery.db.begin().await?;
    let reply = replay::once(&mut tx, &replay, async |tx| {
        store::target::lock(&mut *tx, organization, id).await?;
        if store::export::is_open(&mut *tx, organization, id).await? {
            return Err(Error::TargetInUse);
        }
        store::target::delete(tx, organization, id).await?;
        Ok(pb::DeleteTargetResponse {})
    })
    .await?;
    tx.commit().await?;
    Ok(reply)
}

/// What a test says about a target.
struct Verdict {
    // None if it says nothing: whoever cannot be reached is as good or bad as before.
    state: Option<State>,
    problem: String,
}

async fn verdict(delivery: &Delivery, address: &Address, secret: &SecretString) -> Result<Verdict> {
    let tested = match delivery.buckets.open(address, secret) {
        Ok(bucket) => bucket.test().await,
        Err(error) => Err(error),
    };
    match tested {
        Ok(()) => Ok(Verdict { state: Some(State::Active), problem: String::new() }),
        // A name that leads inside is refused like an address that does.
        Err(bucket::Error::NotPublic(problem)) => Err(Error::field("bucket.endpoint_url", problem)),
        Err(error) => {
            let is_refused = matches!(error, bucket::Error::Refused(_));
            let state = is_refused.then_some(State::Refused);
            Ok(Verdict { state, problem: error.to_string() })
        }
    }
}

/// Writes down what a test found out, and lets the exports go on that waited for it.
async fn record(
    delivery: &Delivery,
    organization: OrganizationId,
    id: TargetId,
    state: State,
) -> Result<()> {
    let mut tx = delivery.db.begin().await?;
    // Waits for those who are about to wait because of what was known before.
    store::target::set_state(&mut *tx, organization, id, state).await?;
    if state == State::Active {
        for export in store::export::waiting(&mut *tx, organization, id).await? {
            jobs::Deliver::new(organization, export).enqueue(delivery, &mut tx, None).await?;
        }
    }
    tx.commit().await?;
    delivery.queue.poke();
    Ok(())
}
