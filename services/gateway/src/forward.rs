//! Calls on their way to the service that their package names.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::extract::ConnectInfo;
use futures::future::BoxFuture;
use http::{HeaderName, HeaderValue, Request, Response, header};
use http_body_util::BodyExt;
use server::{Channel, Mesh};
use tonic::Status;
use tonic::body::Body;
use tonic_web::GrpcWebLayer;
use tower::Layer;
use tower::{Service, ServiceExt};

use crate::{Config, error};

/// Headers that only members of the mesh may send, and those that belong to one connection.
const KEPT_BACK: [&str; 6] = [
    "x-sartiq-organization",
    "x-sartiq-user",
    "grpc-previous-rpc-attempts",
    "cookie",
    "connection",
    "host",
];

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Answers gRPC and gRPC-Web, whoever the service is.
#[derive(Clone, Debug)]
pub(crate) struct Forward {
    upstreams: Arc<HashMap<&'static str, Channel>>,
    /// Presents the gateway's own token, for the calls that [`names_caller`] is about.
    sign_in: Channel,
    own: Router,
}

impl Forward {
    /// Returns what forwards to the services of `config`; the rest is `own`'s to answer.
    pub(crate) fn new(mesh: &Mesh, config: &Config, own: Router) -> Result<Self, server::Error> {
        let upstreams = config.upstreams.open(mesh, &config.server.identity_url)?;
        let sign_in = mesh.channel(&config.server.identity_url)?.always_signed();
        Ok(Self { upstreams: Arc::new(upstreams), sign_in, own })
    }

    /// Answers `request`, which is gRPC-Web or gRPC by its content type.
    pub(crate) async fn answer(self, request: Request<axum::body::Body>) -> Response<Body> {
        let mut web = GrpcWebLayer::new().layer(self);
        match web.call(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }

    async fn dispatch(self, mut request: Request<Body>) -> Response<Body> {
        let path = request.uri().path();
        let package = path.strip_prefix("/sartiq.").and_then(|it| it.split('.').next());
        let upstream = package.and_then(|it| self.upstreams.get(it)).cloned();
        let is_sign_in = names_caller(path);
        let upstream = if is_sign_in { Some(self.sign_in.clone()) } else { upstream };
        let is_own = matches!(package, Some("event") | None);
        for name in KEPT_BACK {
            request.headers_mut().remove(HeaderName::from_static(name));
        }
        if is_sign_in {
            // Who signs in has no use for what is left of an earlier session.
            request.headers_mut().remove(header::AUTHORIZATION);
        }
        // Believed only beside a token of the gateway's own, which only sign-ins carry.
        if let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>() {
            let address =
                HeaderValue::try_from(peer.ip().to_string()).expect("addresses are ASCII");
            request.headers_mut().insert(FORWARDED_FOR, address);
        }
        // What the browser said about itself is no business of the services.
        request.headers_mut().remove(header::ORIGIN);
        request.headers_mut().remove(header::REFERER);
        match upstream {
            Some(mut upstream) => {
                *request.version_mut() = http::Version::HTTP_2;
                // What is forwarded passes no stack here; it is a part of the caller's trace, too.
                let answer = async move |request| match upstream.call(request).await {
                    Ok(response) => response,
                    Err(never) => match never {},
                };
                server::follow(request, answer).await
            }
            None if is_own => {
                server::admit(request.headers_mut());
                self.own(request).await
            }
            None => Status::unimplemented("the mesh has no such service").into_http(),
        }
    }

    async fn own(self, request: Request<Body>) -> Response<Body> {
        let request = request.map(axum::body::Body::new);
        match self.own.oneshot(request).await {
            Ok(response) => response.map(Body::new),
            Err(never) => match never {},
        }
    }
}

impl Service<Request<Body>> for Forward {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let forward = self.clone();
        Box::pin(async move { Ok(forward.dispatch(request).await) })
    }
}

/// Tells whether identity limits the call at `path` by the address that it comes from.
fn names_caller(path: &str) -> bool {
    let method = path.strip_prefix("/sartiq.identity.v1.AuthService/");
    matches!(method, Some("SignUp" | "Login"))
}

/// What a request is, by its content type alone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// gRPC over HTTP/2.
    Grpc,
    /// gRPC-Web, binary or text.
    GrpcWeb,
    /// Something else, such as a page.
    Other,
}

impl Kind {
    /// Judges `request`.
    pub(crate) fn of<B>(request: &Request<B>) -> Self {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok());
        match kind.map(|it| it.split(';').next().unwrap_or(it).trim()) {
            Some("application/grpc-web" | "application/grpc-web+proto")
            | Some("application/grpc-web-text" | "application/grpc-web-text+proto") => {
                Self::GrpcWeb
            }
            Some("application/grpc" | "application/grpc+proto") => Self::Grpc,
            _ => Self::Other,
        }
    }
}

/// Turns `status` into the answer that the maker of `kind` understands.
pub(crate) fn refuse(kind: Kind, status: Status) -> Response<Body> {
    let mut response: Response<Body> = status.into_http();
    if kind == Kind::GrpcWeb {
        // The headers alone are the answer, as of trailers-only responses.
        response.headers_mut().insert(header::CONTENT_TYPE, error::GRPC_WEB.clone());
    }
    response.map(|body| Body::new(body.boxed_unsync()))
}
