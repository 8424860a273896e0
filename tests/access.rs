//! Who may call what: every RPC of the contract, as everybody, and at the objects of others.

use std::collections::BTreeMap;

use api::sartiq::catalog::v1::product_service_client::ProductServiceClient;
use api::sartiq::catalog::v1::shot_type_service_client::ShotTypeServiceClient;
use api::sartiq::catalog::v1::{CreateShotTypeRequest, GetProductRequest, ShotTypeInput};
use api::sartiq::compute::v1::GetWorkflowResultRequest;
use api::sartiq::compute::v1::workflow_service_client::WorkflowServiceClient;
use api::sartiq::delivery::v1::CreateExportRequest;
use api::sartiq::delivery::v1::export_service_client::ExportServiceClient;
use api::sartiq::identity::v1::ExchangeKeyRequest;
use api::sartiq::identity::v1::Role as Wire;
use api::sartiq::identity::v1::auth_service_client::AuthServiceClient;
use api::sartiq::shooting::v1::look_service_client::LookServiceClient;
use api::sartiq::shooting::v1::review_service_client::ReviewServiceClient;
use api::sartiq::shooting::v1::{ApprovePredictionRequest, GetLookRequest};
use bytes::Bytes;
use server::Role;
use server::access::{self, Access};
use sqlx::PgPool;
use tests::sample::{self, Used};
use tests::{Actor, House, Result, photo, raw, reason, request_id};
use tonic::Code;
use tonic::transport::{Channel, Endpoint};

/// What would end the session that the other calls are made with.
const ENDS_SESSION: &str = "/sartiq.identity.v1.AuthService/Logout";

/// The channel that `path` is answered at: adapters are not behind the gateway.
fn door(house: &House, path: &str) -> Result<Channel> {
    let url = match path.starts_with("/sartiq.provider.") {
        true => house.url("provider-fal"),
        false => &house.gateway,
    };
    Ok(Endpoint::from_shared(url.to_owned())?.connect_lazy())
}

#[sqlx::test(migrations = false)]
async fn every_rpc_lets_in_whom_the_table_says_and_nobody_else(db: PgPool) -> Result {
    let house = House::start(db).await?;
    let owner = house.owner("owner").await?;
    let mut actors = vec![(Role::Owner, owner.clone())];
    for (role, wire) in [
        (Role::Admin, Wire::Admin),
        (Role::Editor, Wire::Editor),
        (Role::Reviewer, Wire::Reviewer),
        (Role::Viewer, Wire::Viewer),
    ] {
        actors.push((role, owner.invite(&house, "member", wire).await?));
    }
    let service = service_token(&house, "catalog").await?;
    let mut complaints = Vec::new();
    let mut n_calls = 0;
    for (path, access) in access::table() {
        let door = door(&house, &path)?;
        let mut check = |who: &str, may: bool, code: Code| {
            n_calls += 1;
            let is_refused = matches!(code, Code::PermissionDenied | Code::Unauthenticated);
            if may == is_refused {
                complaints.push(format!("{path} as {who}: {code:?}"));
            }
        };
        let nobody = code(raw::call(&door, &path, None, Bytes::new()).await);
        // What needs no token judges by itself: a refresh token that is none is not valid either.
        if *access != Access::Public {
            check("nobody", false, nobody);
        }
        for (role, actor) in &actors {
            let may = match access {
                Access::Public | Access::User => true,
                Access::Granted { roles, .. } => roles.contains(role),
            };
            if *access != Access::Public && path != ENDS_SESSION {
                let answer = raw::call(&door, &path, Some(&actor.token), Bytes::new()).await;
                check(&format!("{role:?}"), may, code(answer));
            }
        }
        if let Access::Granted { services, .. } = access {
            let may = services.contains(&"catalog");
            let answer = raw::call(&door, &path, Some(&service), Bytes::new()).await;
            // It is let in, but does not say for whom it calls; without that, some calls mean nothing.
            let let_in = match code(answer) {
                Code::Unauthenticated => Code::InvalidArgument,
                code => code,
            };
            check("catalog", may, let_in);
        }
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
    assert!(500 < n_calls, "only {n_calls} calls were made");
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn the_objects_of_others_do_not_exist(db: PgPool) -> Result {
    let house = House::start(db).await?;
    let ana = house.owner("ana").await?;
    let bob = house.owner("bob").await?;
    let ids = belongings(&ana).await?;
    let mut products = ProductServiceClient::new(ana.signed.clone());
    let product = GetProductRequest { id: ids["product"].clone() };
    let before = products.get_product(product.clone()).await?.into_inner();
    let mut complaints = Vec::new();
    let mut n_calls = 0;
    for (path, method) in sample::methods()? {
        let is_ours = match access::of(&path) {
            Some(Access::Granted { roles, .. }) => roles.contains(&Role::Owner),
            Some(Access::User) => true,
            _ => false,
        };
        let (request, used) = sample::request(&method, &ids);
        if !is_ours || used == Used::Nothing {
            continue;
        }
        n_calls += 1;
        let answer = raw::call(&door(&house, &path)?, &path, Some(&bob.token), request).await;
        let is_hidden = match (&answer, used) {
            (Err(status), Used::Itself) => status.code() == Code::NotFound,
            // A reference to nothing is bad input, or there is nothing behind it.
            (Err(status), _) => matches!(
                status.code(),
                Code::NotFound | Code::InvalidArgument | Code::FailedPrecondition
            ),
            (Ok(bytes), _) => !ids.values().any(|id| contains(bytes, id)),
        };
        if !is_hidden {
            let said = answer.map(|it| it.len()).map_err(|it| (it.code(), reason(&it)));
            complaints.push(format!("{path} ({used:?}): {said:?}"));
        }
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
    assert!(40 < n_calls, "only {n_calls} calls were made");
    let after = products.get_product(product).await?.into_inner();
    assert_eq!(before, after, "a stranger changed something");
    Ok(())
}

/// One object of each noun, all of one organization.
async fn belongings(owner: &Actor) -> Result<BTreeMap<&'static str, String>> {
    let product = owner.product(&photo("coffee.png")).await?;
    let (shooting, shots) = owner.shots(&product, 1).await?;
    let started = owner.generations().start_generation(Actor::start_request(&shots[0], 1)).await?;
    let generation = started.into_inner().generation.ok_or("no generation")?.id;
    let ended = owner.ended(&generation).await?;
    let prediction = ended.predictions.first().ok_or("no prediction")?;
    let workflow = ended.generation.ok_or("no generation")?.workflow_id;
    let configuration = GetWorkflowResultRequest { id: workflow.clone(), nodes: Vec::new() };
    let mut workflows = WorkflowServiceClient::new(owner.signed.clone());
    let tasks = workflows.get_workflow_result(configuration).await?.into_inner().tasks;
    let approve =
        ApprovePredictionRequest { request_id: request_id(), prediction_id: prediction.id.clone() };
    ReviewServiceClient::new(owner.signed.clone()).approve_prediction(approve).await?;
    let export = CreateExportRequest {
        request_id: request_id(),
        name: "An export".to_owned(),
        shooting_id: shooting.clone(),
        ..CreateExportRequest::default()
    };
    let mut exports = ExportServiceClient::new(owner.signed.clone());
    let export = exports.create_export(export).await?.into_inner().export.ok_or("no export")?;
    // The system set is everybody's; this one is not.
    let shot_type =
        ShotTypeInput { code: "own".to_owned(), name: "Own".to_owned(), ..Default::default() };
    let request = CreateShotTypeRequest { request_id: request_id(), shot_type: Some(shot_type) };
    let mut shot_types = ShotTypeServiceClient::new(owner.signed.clone());
    let shot_type = shot_types.create_shot_type(request).await?.into_inner().shot_type;
    let shot_type = shot_type.ok_or("no shot type")?;
    let mut looks = LookServiceClient::new(owner.signed.clone());
    let request = GetLookRequest { id: shots[0].look_id.clone() };
    let look = looks.get_look(request).await?.into_inner().look.ok_or("no look")?;
    Ok(BTreeMap::from([
        ("product", product.id),
        ("subject", look.subject_id),
        ("style", look.style_id),
        ("shot_type", shot_type.id),
        ("media", prediction.media_id.clone()),
        ("shooting", shooting),
        ("look", shots[0].look_id.clone()),
        ("shot", shots[0].id.clone()),
        ("generation", generation),
        ("prediction", prediction.id.clone()),
        ("workflow", workflow),
        ("task", tasks.first().ok_or("no task")?.id.clone()),
        ("export", export.id),
        ("organization", owner.organization_id.clone()),
        ("user", owner.user_id.clone()),
    ]))
}

async fn service_token(house: &House, name: &str) -> Result<String> {
    let channel = Endpoint::from_shared(house.url("identity").to_owned())?.connect_lazy();
    let request = ExchangeKeyRequest {
        service: name.to_owned(),
        key: format!("the-key-of-{name}-long-enough"),
    };
    let answer = AuthServiceClient::new(channel).exchange_key(request).await?;
    Ok(answer.into_inner().access_token)
}

fn code(answer: Result<Bytes, tonic::Status>) -> Code {
    answer.map_or_else(|it| it.code(), |_| Code::Ok)
}

fn contains(bytes: &Bytes, id: &str) -> bool {
    bytes.windows(id.len()).any(|it| it == id.as_bytes())
}
