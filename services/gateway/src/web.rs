//! The web app, and everything else that is no RPC.

use std::convert::Infallible;
use std::path::Path;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use http::uri::{PathAndQuery, Uri};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header};
use tower_http::compression::CompressionLayer;
use tower_http::services::{ServeDir, ServeFile};

use crate::error::Error;
use crate::forward::{self, Forward, Kind};
use crate::limit::Limits;

/// Where the files are whose names change with their content.
const ASSETS: &str = "/assets/";

/// What answers RPCs, to whom has a share of them left. The app's own files take from none: many who
/// sit behind one address open it at once, and it would stay blank for a file that is missing.
#[derive(Clone, Debug)]
pub(crate) struct Rpcs {
    pub(crate) forward: Forward,
    pub(crate) limits: Limits,
}

/// Returns what answers RPCs through `rpcs` and serves the files of `root` otherwise, to pages that
/// may show and send files at `file_origins`.
pub(crate) fn or_grpc(root: Option<&Path>, file_origins: &[String], rpcs: Rpcs) -> Router {
    let files = match root {
        Some(root) => {
            let page = ServeFile::new(root.join("index.html"));
            let page = page.precompressed_br().precompressed_gzip();
            // The app routes by itself: what is no file is its first page.
            let page = Router::new().fallback_service(page).layer(from_fn(pages_only));
            let folder = ServeDir::new(root).precompressed_br().precompressed_gzip();
            Router::new().fallback_service(folder.fallback(page))
        }
        None => Router::new().fallback(async || StatusCode::NOT_FOUND),
    };
    files
        .layer(CompressionLayer::new())
        .layer(from_fn_with_state(content_policy(file_origins), headers))
        .layer(from_fn_with_state(rpcs, grpc_first))
}

/// Reads an origin, such as `https://files.example.com`, or nothing: a setting may be left empty.
pub(crate) fn origin(text: &str) -> Result<String, String> {
    let text = text.trim().trim_end_matches('/').to_ascii_lowercase();
    if text.is_empty() {
        return Ok(text);
    }
    let is_origin = text.parse::<Uri>().is_ok_and(|it| {
        matches!(it.scheme_str(), Some("http" | "https"))
            && matches!(it.path_and_query().map(PathAndQuery::as_str), None | Some("/"))
            && it.authority().is_some_and(|it| !it.as_str().contains(['@', ';', ',', '\'']))
    });
    match is_origin {
        true => Ok(text),
        false => Err("is not an origin, such as `https://files.example.com`".to_owned()),
    }
}

/// Follows a request to `route`, as calls are followed where they are forwarded.
pub(crate) async fn followed(
    State(route): State<&'static str>,
    request: Request,
    next: Next,
) -> Response {
    server::visit(route, request, |it| next.run(it)).await
}

/// Tells browsers that an answer is for whoever asked, and is what it says it is.
pub(crate) async fn private(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    guard(headers);
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

/// Takes RPCs out. What is one is judged by its content type: tonic-web would pass anything over
/// HTTP/2 through, and answer anything else over HTTP/1.1 with an empty 400.
async fn grpc_first(
    State(rpcs): State<Rpcs>,
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
        kind => match rpcs.limits.admit(&request).await {
            Ok(()) => rpcs.forward.answer(request).await.into_response(),
            Err(wait) => forward::refuse(kind, Error::RateLimited { wait }.into()).into_response(),
        },
    })
}

/// Keeps the app's page from standing in for a file that is missing: a browser would run it as a
/// script, and caches would keep it under the name of an asset.
async fn pages_only(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let is_file = path.rsplit('/').next().is_some_and(|it| it.contains('.'));
    if is_file || path.starts_with(ASSETS) {
        return StatusCode::NOT_FOUND.into_response();
    }
    next.run(request).await
}

/// Tells browsers to trust pages no further than they have to, and for how long to keep them.
async fn headers(State(policy): State<HeaderValue>, request: Request, next: Next) -> Response {
    let is_asset = request.uri().path().starts_with(ASSETS);
    let mut response = next.run(request).await;
    let is_there = response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED;
    let headers = response.headers_mut();
    guard(headers);
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    let opener = HeaderValue::from_static("same-origin");
    headers.insert("cross-origin-opener-policy", opener);
    let unused = HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=()");
    headers.insert("permissions-policy", unused);
    let lifetime = match (is_there, is_asset) {
        (true, true) => "public, max-age=31536000, immutable",
        // The page that names the assets must be fresh.
        (true, false) => "no-cache",
        (false, _) => "no-store",
    };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(lifetime));
    response
}

fn guard(headers: &mut HeaderMap) {
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
}

/// What the pages of the app may load: code of their own alone, and files from wherever signed
/// URLs point, which is everywhere if nobody said so.
fn content_policy(file_origins: &[String]) -> HeaderValue {
    let named: Vec<_> =
        file_origins.iter().map(String::as_str).filter(|it| !it.is_empty()).collect();
    let files = if named.is_empty() { "http: https:".to_owned() } else { named.join(" ") };
    let policy = format!(
        "default-src 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; \
         form-action 'self'; script-src 'self'; worker-src 'self' blob:; \
         style-src 'self' 'unsafe-inline'; font-src 'self' data:; \
         img-src 'self' blob: data: {files}; media-src 'self' blob: data: {files}; \
         connect-src 'self' blob: data: {files}"
    );
    HeaderValue::try_from(policy).expect("origins are ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_scheme_and_a_host() {
        let good = ["https://files.example.com", "http://127.0.0.1:9000/", "HTTPS://A.example"];
        for text in good {
            assert!(origin(text).is_ok(), "{text}");
        }
        let bad = ["files.example.com", "ftp://a", "https://a/b", "https://a?b", "https://a@b"];
        for text in bad.into_iter().chain(["https://a; script-src *", "https://a 'self'"]) {
            assert!(origin(text).is_err(), "{text}");
        }
    }

    #[test]
    fn pages_reach_the_files_that_were_named_and_no_others() {
        let policy = content_policy(&["https://files.example.com".to_owned()]);
        let policy = policy.to_str().unwrap_or_default();
        assert!(policy.contains("connect-src 'self' blob: data: https://files.example.com"));
        assert!(!policy.contains("https: "), "{policy}");
        let policy = content_policy(&[String::new()]);
        assert!(policy.to_str().is_ok_and(|it| it.contains("img-src 'self' blob: data: http: ")));
    }
}
