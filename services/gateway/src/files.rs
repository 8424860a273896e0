//! `GET /files/{id}`: where the bytes of a Media are right now.

use api::sartiq::media::v1::media_service_client::MediaServiceClient;
use api::sartiq::media::v1::{SignUrlsRequest, UrlRequest};
use axum::Extension;
use axum::extract::{Path, Query, Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use server::{Channel, Visit};
use tonic::{Code, Status};

use crate::Gateway;

/// The path.
pub(crate) const ROUTE: &str = "/files/{id}";

#[derive(Debug, Deserialize)]
pub(crate) struct Wanted {
    /// The longest edge of a rendition. Without one the file itself is meant.
    size: Option<i32>,
    /// The name to save under. Without one the file is shown.
    download: Option<String>,
    /// The access token, where a header cannot be sent: `<img src>`.
    token: Option<String>,
}

/// Answers with a redirect to a signed URL, if the caller may read the Media.
pub(crate) async fn get(
    State(gateway): State<Gateway>,
    Path(id): Path<String>,
    Query(wanted): Query<Wanted>,
    Extension(visit): Extension<Visit>,
    headers: HeaderMap,
) -> Response {
    match location(&gateway, &visit, id, wanted, &headers).await {
        Ok(location) => (
            StatusCode::FOUND,
            [
                (header::LOCATION, location),
                // The URL is alive for longer than that.
                (header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=120")),
                (header::VARY, HeaderValue::from_static("authorization")),
            ],
        )
            .into_response(),
        Err(status) => refuse(&status),
    }
}

async fn location(
    gateway: &Gateway,
    visit: &Visit,
    id: String,
    wanted: Wanted,
    headers: &HeaderMap,
) -> Result<HeaderValue, Status> {
    let media = signed_in(&gateway.media, headers, wanted.token)?;
    let url = UrlRequest {
        media_id: id,
        long_edge_px: wanted.size.unwrap_or_default(),
        download_filename: wanted.download.unwrap_or_default(),
    };
    let request = visit.call(SignUrlsRequest { urls: vec![url] });
    let signed = MediaServiceClient::new(media).sign_urls(request).await?.into_inner();
    let url = signed.urls.into_iter().next().map(|it| it.url);
    url.and_then(redirect).ok_or_else(|| Status::internal("media signed no URL"))
}

/// Returns `url` as a browser is sent there. None if it leads nowhere: back to the page itself.
pub(crate) fn redirect(url: String) -> Option<HeaderValue> {
    HeaderValue::try_from(url).ok().filter(|it| !it.is_empty())
}

/// Returns the token that `request` presents, be it in a header or in the query, where that is read.
pub(crate) fn token(request: &Request) -> Option<String> {
    let query = || match request.uri().path() {
        path if path.starts_with("/files/") || path.starts_with("/exports/") => {
            Query::<Presented>::try_from_uri(request.uri()).ok()?.0.token
        }
        _ => None,
    };
    bearer(request.headers()).or_else(query)
}

#[derive(Debug, Deserialize)]
struct Presented {
    token: Option<String>,
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}

/// Returns `channel` with the token of the caller: that of the header, or that of the query.
pub(crate) fn signed_in(
    channel: &Channel,
    headers: &HeaderMap,
    token: Option<String>,
) -> Result<Channel, Status> {
    let token =
        bearer(headers).or(token).ok_or_else(|| Status::unauthenticated("sign in first"))?;
    channel.with_token(&token).map_err(|_| Status::unauthenticated("the token is none"))
}

/// Says by HTTP what `status` says, for people who see it in their browser.
pub(crate) fn refuse(status: &Status) -> Response {
    let code = code(status);
    let mut response = (code, format!("{}\n", status.message())).into_response();
    if code == StatusCode::UNAUTHORIZED {
        let scheme = HeaderValue::from_static("Bearer");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
    }
    response
}

fn code(status: &Status) -> StatusCode {
    match status.code() {
        Code::InvalidArgument => StatusCode::BAD_REQUEST,
        Code::FailedPrecondition => StatusCode::CONFLICT,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
