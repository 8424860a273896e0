//! Which pages may call.
//!
//! tonic-web lets every origin pass, so the gate is here: a browser's request from a page of another
//! origin is refused before anything reads it, unless that origin is on the list.

use std::collections::HashSet;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use crate::error::Error;
use crate::forward::{self, Kind};

const METHODS: &str = "GET, POST, HEAD, OPTIONS";
const ASKED: &str = "authorization, content-type, grpc-timeout, traceparent, x-grpc-web, \
                     x-request-id, x-user-agent";
const TOLD: &str = "grpc-message, grpc-status, grpc-status-details-bin, retry-after, x-request-id";

/// The origins that may call, besides the gateway's own.
#[derive(Clone, Debug)]
pub(crate) struct Origins(Arc<HashSet<String>>);

impl Origins {
    pub(crate) fn new(allowed: &[String]) -> Self {
        let clean = |it: &String| it.trim().trim_end_matches('/').to_ascii_lowercase();
        Self(Arc::new(allowed.iter().map(clean).filter(|it| !it.is_empty()).collect()))
    }

    /// Tells whether a page of `origin` may call a server that it knows as `host`.
    fn admits(&self, origin: &str, host: Option<&str>) -> bool {
        let origin = origin.to_ascii_lowercase();
        let own = origin.split_once("://").map(|(_, rest)| rest);
        (own.is_some() && own == host.map(str::to_ascii_lowercase).as_deref())
            || self.0.contains(&origin)
    }
}

/// Refuses pages of other origins, and tells browsers which are welcome.
pub(crate) async fn layer(
    State(origins): State<Origins>,
    request: Request,
    next: Next,
) -> Response {
    let Some(origin) = request.headers().get(header::ORIGIN).cloned() else {
        return next.run(request).await;
    };
    let host = request.uri().host().map(|_| request.uri().authority().map(|it| it.as_str()));
    let host = host
        .flatten()
        .or_else(|| request.headers().get(header::HOST).and_then(|it| it.to_str().ok()));
    let is_welcome = origin.to_str().is_ok_and(|it| origins.admits(it, host));
    if !is_welcome {
        return match Kind::of(&request) {
            Kind::Other => StatusCode::FORBIDDEN.into_response(),
            kind => forward::refuse(kind, Error::OriginRefused.into()).into_response(),
        };
    }
    if request.method() == Method::OPTIONS {
        let mut response = StatusCode::NO_CONTENT.into_response();
        allow(response.headers_mut(), origin);
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS));
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(ASKED));
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("7200"));
        return response;
    }
    let mut response = next.run(request).await;
    allow(response.headers_mut(), origin);
    response
}

fn allow(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(TOLD));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_origin_and_the_listed_ones_are_welcome() {
        let origins = Origins::new(&["https://App.example.com/".to_owned()]);
        assert!(origins.admits("https://app.example.com", Some("api.example.com")));
        assert!(origins.admits("http://127.0.0.1:8080", Some("127.0.0.1:8080")));
        assert!(!origins.admits("http://127.0.0.1:8081", Some("127.0.0.1:8080")));
        assert!(!origins.admits("https://app.example.com.evil.test", Some("api.example.com")));
        assert!(!origins.admits("null", Some("api.example.com")));
        assert!(!origins.admits("null", None));
    }
}
