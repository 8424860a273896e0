//! `GET /files/{id}`: where the bytes of a Media are right now.

use api::sartiq::media::v1::media_service_client::MediaServiceClient;
use api::sartiq::media::v1::{SignUrlsRequest, UrlRequest};
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use server::Channel;
use tonic::{Code, Status};

use crate::Gateway;

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
    headers: HeaderMap,
) -> Response {
    match location(&gateway, id, wanted, &headers).await {
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
        Err(status) => (code(&status), format!("{}\n", status.message())).into_response(),
    }
}

async fn location(
    gateway: &Gateway,
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
    let request = SignUrlsRequest { urls: vec![url] };
    let signed = MediaServiceClient::new(media).sign_urls(request).await?.into_inner();
    let url = signed.urls.into_iter().next().map(|it| it.url).unwrap_or_default();
    HeaderValue::try_from(url).map_err(|_| Status::internal("media signed no URL"))
}

/// Returns `channel` with the token of the caller: that of the header, or that of the query.
pub(crate) fn signed_in(
    channel: &Channel,
    headers: &HeaderMap,
    token: Option<String>,
) -> Result<Channel, Status> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|it| it.to_str().ok());
    let token = bearer
        .and_then(|it| it.strip_prefix("Bearer "))
        .map(str::to_owned)
        .or(token)
        .ok_or_else(|| Status::unauthenticated("sign in first"))?;
    channel.with_token(&token).map_err(|_| Status::unauthenticated("the token is none"))
}

/// Says by HTTP what `status` says.
pub(crate) fn code(status: &Status) -> StatusCode {
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
