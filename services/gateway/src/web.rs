//! The web app, and everything else that is no RPC.

use std::convert::Infallible;
use std::path::Path;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, Method, StatusCode, Version, header};
use tower_http::compression::CompressionLayer;
use tower_http::services::{ServeDir, ServeFile};

use crate::forward::{Forward, Kind};

/// Returns what answers RPCs through `forward` and serves the files of `root` otherwise.
pub(crate) fn or_grpc(root: Option<&Path>, forward: Forward) -> Router {
    let files = match root {
        // The app routes by itself: what is no file is its first page.
        Some(root) => Router::new().fallback_service(
            ServeDir::new(root).fallback(ServeFile::new(root.join("index.html"))),
        ),
        None => Router::new().fallback(async || StatusCode::NOT_FOUND),
    };
    files
        .layer(CompressionLayer::new())
        .layer(from_fn(headers))
        .layer(from_fn_with_state(forward, grpc_first))
}

/// Takes RPCs out. What is one is judged by its content type: tonic-web would pass anything over
/// HTTP/2 through, and answer anything else over HTTP/1.1 with an empty 400.
async fn grpc_first(
    State(forward): State<Forward>,
    request: Request,
    next: Next,
) -> Result<Response, Infallible> {
    let kind = Kind::of(&request);
    Ok(match kind {
        Kind::Other if request.method() == Method::POST => {
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, "this door speaks gRPC and gRPC-Web\n")
                .into_response()
        }
        Kind::Other => next.run(request).await,
        Kind::Grpc if request.version() != Version::HTTP_2 => {
            (StatusCode::HTTP_VERSION_NOT_SUPPORTED, "gRPC needs HTTP/2\n").into_response()
        }
        _ if request.method() != Method::POST => StatusCode::METHOD_NOT_ALLOWED.into_response(),
        _ => forward.answer(request).await.into_response(),
    })
}

/// Tells browsers to trust pages no further than they have to.
async fn headers(request: Request, next: Next) -> Response {
    let is_asset = request.uri().path().starts_with("/assets/");
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    // The names of assets change with their content; the page that names them must be fresh.
    let lifetime = if is_asset { "public, max-age=31536000, immutable" } else { "no-cache" };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(lifetime));
    response
}
