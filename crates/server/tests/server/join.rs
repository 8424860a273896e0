//! Joining for real: keys, revocations and the own token come from identity over the wire.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use api::sartiq::event::v1::PollRequest;
use api::sartiq::event::v1::event_service_client::EventServiceClient;
use api::sartiq::identity::v1::auth_service_client::AuthServiceClient;
use api::sartiq::identity::v1::auth_service_server::{AuthService, AuthServiceServer};
use api::sartiq::identity::v1::*;
use server::{Caller, Config, Mesh, Role};
use testkit::Claims;
use tokio::net::TcpListener;
use tonic::service::Routes;
use tonic::{Code, Request, Response, Status};
use types::id::{OrganizationId, UserId};

use crate::Result;
use crate::stub::Stub;

/// An identity that knows one service and signs with the key of these tests.
#[derive(Clone, Default)]
struct Identity {
    revoked: Arc<Mutex<Vec<String>>>,
    // The services that asked for revocations.
    inquirers: Arc<Mutex<Vec<String>>>,
}

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl AuthService for Identity {
    async fn exchange_key(
        &self,
        request: Request<ExchangeKeyRequest>,
    ) -> Answer<ExchangeKeyResponse> {
        let request = server::open_public(request)?;
        if request.key != "catalog-key" {
            return Err(Status::unauthenticated("no such key"));
        }
        let expire_time = SystemTime::now() + Duration::from_secs(900);
        Ok(Response::new(ExchangeKeyResponse {
            access_token: testkit::service_token(&request.service),
            expire_time: Some(expire_time.into()),
        }))
    }

    async fn list_signing_keys(
        &self,
        _: Request<ListSigningKeysRequest>,
    ) -> Answer<ListSigningKeysResponse> {
        let key = testkit::signer().public();
        let key = SigningKey {
            id: key.id,
            public_key: key.public_key.to_vec().into(),
            ..SigningKey::default()
        };
        Ok(Response::new(ListSigningKeysResponse { keys: vec![key] }))
    }

    async fn list_revocations(
        &self,
        request: Request<ListRevocationsRequest>,
    ) -> Answer<ListRevocationsResponse> {
        let service = Caller::of(&request).and_then(|it| it.service.clone());
        self.inquirers.lock().expect("no holder panics").extend(service);
        let session_ids = self.revoked.lock().expect("no holder panics").clone();
        Ok(Response::new(ListRevocationsResponse { session_ids }))
    }

    async fn sign_up(&self, _: Request<SignUpRequest>) -> Answer<SignUpResponse> {
        Err(Status::unimplemented(""))
    }

    async fn login(&self, _: Request<LoginRequest>) -> Answer<LoginResponse> {
        Err(Status::unimplemented(""))
    }

    async fn refresh(&self, _: Request<RefreshRequest>) -> Answer<RefreshResponse> {
        Err(Status::unimplemented(""))
    }

    async fn logout(&self, _: Request<LogoutRequest>) -> Answer<LogoutResponse> {
        Err(Status::unimplemented(""))
    }
}

/// The settings of a member whose identity will answer at this address, but does not yet.
async fn before_identity() -> Result<(SocketAddr, Config)> {
    let address = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
    let identity_url = format!("http://{address}");
    let service_key = Some("catalog-key".into());
    Ok((address, Config { identity_url, service_key, ..testkit::config() }))
}

async fn come_up(address: SocketAddr, identity: Identity) -> Result {
    let routes = Routes::new(AuthServiceServer::new(identity));
    let listener = TcpListener::bind(address).await?;
    tokio::spawn(testkit::mesh("identity").serve_on(listener, routes));
    Ok(())
}

#[tokio::test]
async fn a_member_needs_identity_only_when_it_is_there() -> Result {
    let (address, config) = before_identity().await?;

    // Identity is not up yet, and nobody minds but those who call.
    let mesh = Mesh::join("catalog", &config).await?;
    let stub = Stub::new();
    let url = testkit::serve_at(&mesh, stub.routes()).await;
    let claims = Claims::user(UserId::generate(), Role::Viewer, OrganizationId::generate());
    let channel = testkit::mesh("client").channel(&url)?;
    let channel = testkit::signed(&channel, &testkit::signer().sign(&claims));
    let ask = async || -> Result<(Code, String)> {
        match EventServiceClient::new(channel.clone()).poll(PollRequest::default()).await {
            Ok(_) => Ok((Code::Ok, String::new())),
            Err(status) => Ok((status.code(), testkit::reason(&status))),
        }
    };
    assert_eq!(ask().await?, (Code::Unavailable, "KEYS_UNKNOWN".to_owned()));

    let identity = Identity::default();
    come_up(address, identity.clone()).await?;
    testkit::eventually(async || Ok::<_, crate::Failure>(ask().await?.0 == Code::Ok)).await?;

    // Revocations are for services only: the member proves itself with a token of its own.
    identity.revoked.lock().expect("no holder panics").push(claims.sid.unwrap_or_default());
    let revoked = (Code::Unauthenticated, "SESSION_REVOKED".to_owned());
    testkit::eventually(async || Ok::<_, crate::Failure>(ask().await? == revoked)).await?;
    let inquirers = identity.inquirers.lock().expect("no holder panics").clone();
    assert!(inquirers.iter().all(|it| it == "catalog"), "{inquirers:?}");
    Ok(())
}

#[tokio::test]
async fn a_wrong_key_is_said_to_be_one() -> Result {
    let identity = Routes::new(AuthServiceServer::new(Identity::default()));
    let identity_url = testkit::serve_at(&testkit::mesh("identity"), identity).await;
    let service_key = Some("wrong".into());
    let config = Config { identity_url, service_key, ..testkit::config() };
    let mesh = Mesh::join("catalog", &config).await?;
    let url = testkit::serve_at(&testkit::mesh("test"), Stub::new().routes()).await;
    let mut client = EventServiceClient::new(mesh.channel(&url)?);
    let status = client.poll(PollRequest::default()).await.err().ok_or("answered")?;
    assert_eq!(status.code(), Code::Unauthenticated);
    assert_eq!(status.message(), "no such key");
    Ok(())
}

#[tokio::test]
async fn a_call_waits_for_an_identity_that_is_late() -> Result {
    let (address, config) = before_identity().await?;
    let mesh = Mesh::join("catalog", &config).await?;
    let other = Routes::new(AuthServiceServer::new(Identity::default()));
    let url = testkit::serve_at(&testkit::mesh("test"), other).await;
    let mut client = AuthServiceClient::new(mesh.channel(&url)?);
    let mut call = Box::pin(client.list_revocations(ListRevocationsRequest {}));
    let early = tokio::time::timeout(Duration::from_millis(300), &mut call).await;
    assert!(early.is_err(), "{early:?}");

    come_up(address, Identity::default()).await?;
    call.await?;
    Ok(())
}
