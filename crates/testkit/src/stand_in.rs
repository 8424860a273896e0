//! Services made of closures, in the place of those that a test only needs a word or two from.

use std::future::ready;

use axum::Router;
use axum::extract::Request;
use axum::routing::post;
use prost::Message;
use server::Caller;
use tonic::server::Grpc;
use tonic::service::Routes;
use tonic::{Response, Status};
use tonic_prost::ProstCodec;
use tower::service_fn;

/// A service made of closures. RPCs that it was not given are unimplemented.
///
/// ```ignore
/// let catalog = StandIn::default()
///     .rpc("/sartiq.catalog.v1.ProductService/GetProduct", |caller, request| …);
/// let url = testkit::serve_at(&testkit::mesh("catalog"), catalog.routes()).await;
/// ```
#[derive(Clone, Debug, Default)]
pub struct StandIn(Router);

impl StandIn {
    /// Adds the RPC at `path`, which `answer` answers to whoever the real stack lets in.
    pub fn rpc<M, R, F>(self, path: &str, answer: F) -> Self
    where
        M: Message + Default + 'static,
        R: Message + 'static,
        F: Fn(Caller, M) -> Result<R, Status> + Clone + Send + Sync + 'static,
    {
        let handler = move |request: Request| {
            let answer = answer.clone();
            async move {
                let service = service_fn(move |request: tonic::Request<M>| {
                    let caller = Caller::of(&request).cloned();
                    let caller = caller.ok_or_else(|| Status::unauthenticated("nobody"));
                    let reply = caller.and_then(|it| answer(it, request.into_inner()));
                    ready(reply.map(Response::new))
                });
                Grpc::new(ProstCodec::<R, M>::default()).unary(service, request).await
            }
        };
        Self(self.0.route(path, post(handler)))
    }

    /// Returns what to serve.
    pub fn routes(self) -> Routes {
        self.0.into()
    }
}
