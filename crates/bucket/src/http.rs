//! The HTTP side: S3 under the CORS answers that browsers need, and a health page.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::IntoResponse;
use axum::{Router, error_handling::HandleError, routing::get};
use http::{HeaderName, Method, Response, StatusCode, header};
use s3s::{Body, HttpError, auth::SimpleAuth, service::S3ServiceBuilder};
use secrecy::{ExposeSecret, SecretString};
use tower_http::cors::{Any, CorsLayer};

use crate::{disk::Disk, s3::Store};

/// What an overloaded store says.
const SLOW_DOWN: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
    <Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>";

pub(crate) fn router(
    disk: Arc<Disk>,
    access_key: &str,
    secret_key: &SecretString,
    refuses: Arc<AtomicBool>,
) -> Router {
    let mut builder = S3ServiceBuilder::new(Store { disk });
    builder.set_auth(SimpleAuth::from_single(access_key, secret_key.expose_secret()));
    let s3 = HandleError::new(builder.build(), broken);

    // Bucket names begin with a letter or digit, so this path is nobody's.
    Router::new()
        .route("/-/health", get(|| async { "ok\n" }))
        .fallback_service(s3)
        .layer(middleware::from_fn_with_state(refuses, refuse))
        .layer(cors())
}

/// Refuses what would change something while the store was told to.
async fn refuse(
    State(refuses): State<Arc<AtomicBool>>,
    request: Request,
    next: Next,
) -> axum::response::Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if reads || !refuses.load(Ordering::Relaxed) {
        return next.run(request).await;
    }
    let headers = [(header::CONTENT_TYPE, "application/xml")];
    (StatusCode::SERVICE_UNAVAILABLE, headers, SLOW_DOWN).into_response()
}

/// Browsers put and get by presigned URL; the signature is the protection, not the origin.
fn cors() -> CorsLayer {
    CorsLayer::new().allow_origin(Any).allow_methods(Any).allow_headers(Any).expose_headers([
        header::ACCEPT_RANGES,
        header::CONTENT_DISPOSITION,
        header::CONTENT_LENGTH,
        header::CONTENT_RANGE,
        header::ETAG,
        HeaderName::from_static("x-amz-request-id"),
    ])
}

async fn broken(error: HttpError) -> Response<Body> {
    tracing::warn!(error = ?error, "cannot answer");
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}
