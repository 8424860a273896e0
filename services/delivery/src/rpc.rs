//! What delivery answers, one line per RPC.

pub(crate) mod event;
mod export;
mod target;
mod wire;

use api::sartiq::delivery::v1::export_service_server::ExportService;
use api::sartiq::delivery::v1::target_service_server::TargetService;
use api::sartiq::delivery::v1::*;
use tonic::{Request, Response, Status};

use crate::Delivery;

#[tonic::async_trait]
impl ExportService for Delivery {
    async fn create_export(
        &self,
        request: Request<CreateExportRequest>,
    ) -> Result<Response<CreateExportResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(export::create(self, caller, request).await?))
    }

    async fn get_export(
        &self,
        request: Request<GetExportRequest>,
    ) -> Result<Response<GetExportResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(export::get(self, caller, request).await?))
    }

    async fn list_exports(
        &self,
        request: Request<ListExportsRequest>,
    ) -> Result<Response<ListExportsResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(export::list(self, caller, request).await?))
    }

    async fn list_export_items(
        &self,
        request: Request<ListExportItemsRequest>,
    ) -> Result<Response<ListExportItemsResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(export::list_items(self, caller, request).await?))
    }

    async fn sign_download(
        &self,
        request: Request<SignDownloadRequest>,
    ) -> Result<Response<SignDownloadResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(export::sign_download(self, caller, request).await?))
    }

    async fn retry_export(
        &self,
        request: Request<RetryExportRequest>,
    ) -> Result<Response<RetryExportResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(export::retry(self, caller, request).await?))
    }

    async fn cancel_export(
        &self,
        request: Request<CancelExportRequest>,
    ) -> Result<Response<CancelExportResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(export::cancel(self, caller, request).await?))
    }
}

#[tonic::async_trait]
impl TargetService for Delivery {
    async fn create_target(
        &self,
        request: Request<CreateTargetRequest>,
    ) -> Result<Response<CreateTargetResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(target::create(self, caller, request).await?))
    }

    async fn get_target(
        &self,
        request: Request<GetTargetRequest>,
    ) -> Result<Response<GetTargetResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(target::get(self, caller, request).await?))
    }

    async fn list_targets(
        &self,
        request: Request<ListTargetsRequest>,
    ) -> Result<Response<ListTargetsResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(target::list(self, caller, request).await?))
    }

    async fn test_target(
        &self,
        request: Request<TestTargetRequest>,
    ) -> Result<Response<TestTargetResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(target::test(self, caller, request).await?))
    }

    async fn delete_target(
        &self,
        request: Request<DeleteTargetRequest>,
    ) -> Result<Response<DeleteTargetResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(target::delete(self, caller, request).await?))
    }
}
