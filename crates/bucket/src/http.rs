//! The HTTP side: S3 under the CORS answers that browsers need, and a health page.

use std::sync::Arc;

use axum::{Router, error_handling::HandleError, routing::get};
use http::{HeaderName, Response, StatusCode, header};
use s3s::{Body, HttpError, auth::SimpleAuth, service::S3ServiceBuilder};
use secrecy::{ExposeSecret, SecretString};
use tower_http::cors::{Any, CorsLayer};

use crate::{disk::Disk, s3::Store};

pub(crate) fn router(disk: Arc<Disk>, access_key: &str, secret_key: &SecretString) -> Router {
    let mut builder = S3ServiceBuilder::new(Store { disk });
    builder.set_auth(SimpleAuth::from_single(access_key, secret_key.expose_secret()));
    let s3 = HandleError::new(builder.build(), broken);

    // Bucket names begin with a letter or digit, so this path is nobody's.
    Router::new().route("/-/health", get(|| async { "ok\n" })).fallback_service(s3).layer(cors())
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
