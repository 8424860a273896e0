//! A service that answers as it is told and remembers what it was asked.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use api::sartiq::event::v1::event_service_client::EventServiceClient;
use api::sartiq::event::v1::event_service_server::{EventService, EventServiceServer};
use api::sartiq::event::v1::{PollRequest, PollResponse, SubscribeRequest, SubscribeResponse};
use axum::extract::ConnectInfo;
use futures::Stream;
use server::{Caller, Role};
use testkit::Client;
use tonic::metadata::MetadataMap;
use tonic::service::Routes;
use tonic::{Request, Response, Status};
use types::id::OrganizationId;

pub(crate) type Events = Pin<Box<dyn Stream<Item = Result<SubscribeResponse, Status>> + Send>>;
type Answer<T> = Pin<Box<dyn Future<Output = Result<T, Status>> + Send>>;
type Handler<T> = Arc<dyn Fn(Asked) -> Answer<T> + Send + Sync>;

/// One call, as the handler saw it.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) caller: Option<Caller>,
    pub(crate) metadata: MetadataMap,
    pub(crate) peer: Option<SocketAddr>,
    /// Which call it is, from 1.
    pub(crate) number: usize,
}

impl Asked {
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.metadata.get(name)?.to_str().ok()
    }
}

#[derive(Clone)]
pub(crate) struct Stub {
    poll: Handler<PollResponse>,
    subscribe: Handler<Events>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Stub {
    /// Answers polls at once and streams with silence.
    pub(crate) fn new() -> Self {
        Self {
            poll: Arc::new(|_| Box::pin(async { Ok(PollResponse::default()) })),
            subscribe: Arc::new(|_| Box::pin(async { Ok(silence()) })),
            asked: Arc::default(),
        }
    }

    pub(crate) fn poll<F>(mut self, act: impl Fn(Asked) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<PollResponse, Status>> + Send + 'static,
    {
        self.poll = Arc::new(move |asked| Box::pin(act(asked)));
        self
    }

    pub(crate) fn subscribe<F>(mut self, act: impl Fn(Asked) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Events, Status>> + Send + 'static,
    {
        self.subscribe = Arc::new(move |asked| Box::pin(act(asked)));
        self
    }

    /// Returns every call so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("no holder panics").clone()
    }

    pub(crate) fn routes(&self) -> Routes {
        Routes::new(EventServiceServer::new(self.clone()))
    }

    fn note<M>(&self, request: &Request<M>) -> Asked {
        let mut calls = self.asked.lock().expect("no holder panics");
        let asked = Asked {
            caller: Caller::of(request).cloned(),
            metadata: request.metadata().clone(),
            peer: request.extensions().get::<ConnectInfo<SocketAddr>>().map(|it| it.0),
            number: calls.len() + 1,
        };
        calls.push(asked.clone());
        asked
    }
}

#[tonic::async_trait]
impl EventService for Stub {
    type SubscribeStream = Events;

    async fn subscribe(
        &self,
        request: Request<SubscribeRequest>,
    ) -> Result<Response<Events>, Status> {
        let asked = self.note(&request);
        Ok(Response::new((self.subscribe)(asked).await?))
    }

    async fn poll(&self, request: Request<PollRequest>) -> Result<Response<PollResponse>, Status> {
        let asked = self.note(&request);
        server::check(request.get_ref())?;
        Ok(Response::new((self.poll)(asked).await?))
    }
}

/// A stream that says nothing and never ends.
pub(crate) fn silence() -> Events {
    Box::pin(futures::stream::pending())
}

/// A client of the stub that calls as a viewer.
pub(crate) fn viewer(channel: &Client) -> EventServiceClient<Client> {
    let channel = testkit::as_role(channel, Role::Viewer, OrganizationId::generate());
    EventServiceClient::new(channel)
}

/// Serves `stub` as a fresh member and returns a viewer's client of it.
pub(crate) async fn serve(stub: &Stub) -> EventServiceClient<Client> {
    viewer(&testkit::dial(stub.routes()).await)
}

/// Serves `routes` as plain tonic does, and returns where.
pub(crate) async fn serve_plainly(routes: Routes) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("a bound address");
    let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
    tokio::spawn(
        tonic::transport::Server::builder().add_routes(routes).serve_with_incoming(incoming),
    );
    format!("http://{address}")
}

/// Returns an address that nobody listens on.
pub(crate) fn nowhere() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    format!("http://{}", listener.local_addr().expect("a bound address"))
}
