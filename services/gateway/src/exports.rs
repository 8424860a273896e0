//! `GET /exports/{id}/download`: where the zip of an Export is right now.

use api::sartiq::delivery::v1::SignDownloadRequest;
use api::sartiq::delivery::v1::export_service_client::ExportServiceClient;
use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use server::Visit;
use tonic::Status;

use crate::Gateway;
use crate::files::{redirect, refuse, signed_in};

/// The path.
pub(crate) const ROUTE: &str = "/exports/{id}/download";

#[derive(Debug, Deserialize)]
pub(crate) struct Wanted {
    /// The access token, where a header cannot be sent: `<a href>`.
    token: Option<String>,
}

/// Answers with a redirect to a signed URL, if the caller may read the Export.
pub(crate) async fn download(
    State(gateway): State<Gateway>,
    Path(id): Path<String>,
    Query(wanted): Query<Wanted>,
    Extension(visit): Extension<Visit>,
    headers: HeaderMap,
) -> Response {
    match location(&gateway, &visit, id, wanted, &headers).await {
        Ok(location) => {
            // A retry of the Export makes another zip.
            let no_store = HeaderValue::from_static("no-store");
            let headers = [(header::LOCATION, location), (header::CACHE_CONTROL, no_store)];
            (StatusCode::FOUND, headers).into_response()
        }
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
    let delivery = signed_in(&gateway.delivery, headers, wanted.token)?;
    let mut exports = ExportServiceClient::new(delivery);
    let signed = exports.sign_download(visit.call(SignDownloadRequest { id })).await?.into_inner();
    redirect(signed.url).ok_or_else(|| Status::internal("delivery signed no URL"))
}
