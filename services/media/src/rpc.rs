//! What media answers, one line per RPC.

mod attachment;
mod ingest;
mod media;
mod memory;
mod upload;
mod workspace;

use api::sartiq::media::v1::media_service_server::MediaService;
use api::sartiq::media::v1::upload_service_server::UploadService;
use api::sartiq::media::v1::workspace_service_server::WorkspaceService;
use api::sartiq::media::v1::*;
use tonic::{Request, Response, Status};

use crate::Library;
use crate::error::{Error, Result as Outcome};
use crate::media::Sha256;

#[tonic::async_trait]
impl UploadService for Library {
    async fn create_upload(
        &self,
        request: Request<CreateUploadRequest>,
    ) -> Result<Response<CreateUploadResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(upload::create(self, caller.organization()?, request).await?))
    }

    async fn get_upload(
        &self,
        request: Request<GetUploadRequest>,
    ) -> Result<Response<GetUploadResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(upload::get(self, caller.organization()?, request).await?))
    }

    async fn complete_upload(
        &self,
        request: Request<CompleteUploadRequest>,
    ) -> Result<Response<CompleteUploadResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(upload::complete(self, &caller, caller.organization()?, request).await?))
    }

    async fn abort_upload(
        &self,
        request: Request<AbortUploadRequest>,
    ) -> Result<Response<AbortUploadResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(upload::abort(self, caller.organization()?, request).await?))
    }
}

#[tonic::async_trait]
impl MediaService for Library {
    async fn get_media(
        &self,
        request: Request<GetMediaRequest>,
    ) -> Result<Response<GetMediaResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(media::get(self, caller.organization()?, request).await?))
    }

    async fn batch_get_media(
        &self,
        request: Request<BatchGetMediaRequest>,
    ) -> Result<Response<BatchGetMediaResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(media::batch_get(self, caller.organization()?, request).await?))
    }

    async fn list_media(
        &self,
        request: Request<ListMediaRequest>,
    ) -> Result<Response<ListMediaResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(media::list(self, caller.organization()?, request).await?))
    }

    async fn sign_urls(
        &self,
        request: Request<SignUrlsRequest>,
    ) -> Result<Response<SignUrlsResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(media::sign_urls(self, caller.organization()?, request).await?))
    }

    async fn set_attachments(
        &self,
        request: Request<SetAttachmentsRequest>,
    ) -> Result<Response<SetAttachmentsResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(attachment::set(self, caller.organization()?, request).await?))
    }

    async fn list_attachments(
        &self,
        request: Request<ListAttachmentsRequest>,
    ) -> Result<Response<ListAttachmentsResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(attachment::list(self, caller.organization()?, request).await?))
    }
}

#[tonic::async_trait]
impl WorkspaceService for Library {
    async fn sign_write(
        &self,
        request: Request<SignWriteRequest>,
    ) -> Result<Response<SignWriteResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(workspace::sign_write(self, caller.organization()?, request).await?))
    }

    async fn sign_read(
        &self,
        request: Request<SignReadRequest>,
    ) -> Result<Response<SignReadResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(workspace::sign_read(self, caller.organization()?, request).await?))
    }

    async fn adopt(
        &self,
        request: Request<AdoptRequest>,
    ) -> Result<Response<AdoptResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(workspace::adopt(self, &caller, caller.organization()?, request).await?))
    }
}

/// Reads an id, which the contract's rules have seen to be one.
fn id<T: std::str::FromStr>(field: &str, text: &str) -> Outcome<T> {
    text.parse().map_err(|_| Error::field(field, "must be a UUID"))
}

/// Reads a SHA-256, which may be left out.
fn sha256(bytes: &[u8]) -> Outcome<Option<Sha256>> {
    match bytes {
        [] => Ok(None),
        bytes => match bytes.try_into() {
            Ok(sha256) => Ok(Some(sha256)),
            Err(_) => Err(Error::field("sha256", "must be empty or have 32 bytes")),
        },
    }
}
