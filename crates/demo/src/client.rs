//! A signed-in connection to the gateway.

use std::time::Duration;

use anyhow::{Context, Result};
use api::sartiq::identity::v1::LoginRequest;
use api::sartiq::identity::v1::auth_service_client::AuthServiceClient;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use crate::account::Account;

/// Adds the access token to each call.
#[derive(Clone, Debug)]
pub(crate) struct Bearer(MetadataValue<Ascii>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

/// What the generated clients are made of.
pub(crate) type Signed = InterceptedService<Channel, Bearer>;

/// A signed-in connection to the gateway.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) gateway: String,
    pub(crate) token: String,
    pub(crate) signed: Signed,
    pub(crate) http: fetch::Client,
}

/// Connects to `url`.
pub(crate) async fn connect(url: &str) -> Result<Channel> {
    Endpoint::from_shared(url.to_owned())
        .with_context(|| format!("`{url}` is no address"))?
        .connect_timeout(Duration::from_secs(5))
        .connect()
        .await
        .with_context(|| format!("nothing answers at {url}; is the mesh up (`cargo xtask up`)?"))
}

impl Client {
    /// Signs in.
    pub(crate) async fn sign_in(account: &Account) -> Result<Self> {
        let channel = connect(&account.gateway).await?;
        let login = LoginRequest {
            email: account.email.clone(),
            password: account.password.clone(),
            device: "demo".to_owned(),
        };
        let answer = AuthServiceClient::new(channel.clone()).login(login).await?.into_inner();
        let token = answer.tokens.context("the mesh gave no tokens")?.access_token;
        let bearer = Bearer(format!("Bearer {token}").parse()?);
        // The gateway and the store are where the operator says, be it on this machine.
        let http = fetch::Client::new(fetch::Policy {
            allow_private: true,
            max_bytes: 1 << 30,
            timeout: Duration::from_secs(300),
            ..fetch::Policy::default()
        })?;
        let gateway = account.gateway.trim_end_matches('/').to_owned();
        Ok(Self { gateway, token, signed: InterceptedService::new(channel, bearer), http })
    }

    /// Reads what is at `path` of the gateway, through its redirect to the store.
    pub(crate) async fn download(&self, path: &str) -> Result<bytes::Bytes> {
        let mut url = url::Url::parse(&self.gateway)?.join(path)?;
        url.query_pairs_mut().append_pair("token", &self.token);
        Ok(self.http.get_bytes(url.as_str()).await?)
    }
}

/// A fresh id that makes a retry safe.
pub(crate) fn request_id() -> String {
    uuid::Uuid::new_v4().to_string()
}
