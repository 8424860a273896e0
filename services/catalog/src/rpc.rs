//! What the catalog answers, one line per RPC.

mod event;
mod guideline;
mod media;
mod product;
mod shot_type;
mod style;
mod subject;

use std::str::FromStr;

use api::sartiq::catalog::v1::guideline_service_server::GuidelineService;
use api::sartiq::catalog::v1::product_service_server::ProductService;
use api::sartiq::catalog::v1::shot_type_service_server::ShotTypeService;
use api::sartiq::catalog::v1::style_service_server::StyleService;
use api::sartiq::catalog::v1::subject_service_server::SubjectService;
use api::sartiq::catalog::v1::*;
use tonic::{Request, Response, Status};
use types::id::ParseIdError;

use crate::Catalog;

#[tonic::async_trait]
impl ProductService for Catalog {
    async fn create_product(
        &self,
        request: Request<CreateProductRequest>,
    ) -> Result<Response<CreateProductResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(product::create(self, caller, request).await?))
    }

    async fn get_product(
        &self,
        request: Request<GetProductRequest>,
    ) -> Result<Response<GetProductResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(product::get(self, caller, request).await?))
    }

    async fn batch_get_products(
        &self,
        request: Request<BatchGetProductsRequest>,
    ) -> Result<Response<BatchGetProductsResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(product::batch_get(self, caller, request).await?))
    }

    async fn list_products(
        &self,
        request: Request<ListProductsRequest>,
    ) -> Result<Response<ListProductsResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(product::list(self, caller, request).await?))
    }

    async fn update_product(
        &self,
        request: Request<UpdateProductRequest>,
    ) -> Result<Response<UpdateProductResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(product::update(self, caller, request).await?))
    }

    async fn archive_product(
        &self,
        request: Request<ArchiveProductRequest>,
    ) -> Result<Response<ArchiveProductResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(product::archive(self, caller, request).await?))
    }

    async fn restore_product(
        &self,
        request: Request<RestoreProductRequest>,
    ) -> Result<Response<RestoreProductResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(product::restore(self, caller, request).await?))
    }
}

#[tonic::async_trait]
impl SubjectService for Catalog {
    async fn create_subject(
        &self,
        request: Request<CreateSubjectRequest>,
    ) -> Result<Response<CreateSubjectResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(subject::create(self, caller, request).await?))
    }

    async fn get_subject(
        &self,
        request: Request<GetSubjectRequest>,
    ) -> Result<Response<GetSubjectResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(subject::get(self, caller, request).await?))
    }

    async fn batch_get_subjects(
        &self,
        request: Request<BatchGetSubjectsRequest>,
    ) -> Result<Response<BatchGetSubjectsResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(subject::batch_get(self, caller, request).await?))
    }

    async fn list_subjects(
        &self,
        request: Request<ListSubjectsRequest>,
    ) -> Result<Response<ListSubjectsResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(subject::list(self, caller, request).await?))
    }

    async fn update_subject(
        &self,
        request: Request<UpdateSubjectRequest>,
    ) -> Result<Response<UpdateSubjectResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(subject::update(self, caller, request).await?))
    }
}

#[tonic::async_trait]
impl StyleService for Catalog {
    async fn create_style(
        &self,
        request: Request<CreateStyleRequest>,
    ) -> Result<Response<CreateStyleResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(style::create(self, caller, request).await?))
    }

    async fn get_style(
        &self,
        request: Request<GetStyleRequest>,
    ) -> Result<Response<GetStyleResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(style::get(self, caller, request).await?))
    }

    async fn batch_get_styles(
        &self,
        request: Request<BatchGetStylesRequest>,
    ) -> Result<Response<BatchGetStylesResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(style::batch_get(self, caller, request).await?))
    }

    async fn list_styles(
        &self,
        request: Request<ListStylesRequest>,
    ) -> Result<Response<ListStylesResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(style::list(self, caller, request).await?))
    }

    async fn update_style(
        &self,
        request: Request<UpdateStyleRequest>,
    ) -> Result<Response<UpdateStyleResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(style::update(self, caller, request).await?))
    }
}

#[tonic::async_trait]
impl GuidelineService for Catalog {
    async fn create_guideline(
        &self,
        request: Request<CreateGuidelineRequest>,
    ) -> Result<Response<CreateGuidelineResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(guideline::create(self, caller, request).await?))
    }

    async fn get_guideline(
        &self,
        request: Request<GetGuidelineRequest>,
    ) -> Result<Response<GetGuidelineResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(guideline::get(self, caller, request).await?))
    }

    async fn batch_get_guidelines(
        &self,
        request: Request<BatchGetGuidelinesRequest>,
    ) -> Result<Response<BatchGetGuidelinesResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(guideline::batch_get(self, caller, request).await?))
    }

    async fn list_guidelines(
        &self,
        request: Request<ListGuidelinesRequest>,
    ) -> Result<Response<ListGuidelinesResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(guideline::list(self, caller, request).await?))
    }

    async fn update_guideline(
        &self,
        request: Request<UpdateGuidelineRequest>,
    ) -> Result<Response<UpdateGuidelineResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(guideline::update(self, caller, request).await?))
    }
}

#[tonic::async_trait]
impl ShotTypeService for Catalog {
    async fn create_shot_type(
        &self,
        request: Request<CreateShotTypeRequest>,
    ) -> Result<Response<CreateShotTypeResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(shot_type::create(self, caller, request).await?))
    }

    async fn get_shot_type(
        &self,
        request: Request<GetShotTypeRequest>,
    ) -> Result<Response<GetShotTypeResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(shot_type::get(self, caller, request).await?))
    }

    async fn batch_get_shot_types(
        &self,
        request: Request<BatchGetShotTypesRequest>,
    ) -> Result<Response<BatchGetShotTypesResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(shot_type::batch_get(self, caller, request).await?))
    }

    async fn list_shot_types(
        &self,
        request: Request<ListShotTypesRequest>,
    ) -> Result<Response<ListShotTypesResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(shot_type::list(self, caller, request).await?))
    }

    async fn update_shot_type(
        &self,
        request: Request<UpdateShotTypeRequest>,
    ) -> Result<Response<UpdateShotTypeResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(shot_type::update(self, caller, request).await?))
    }
}

fn ids<I: FromStr<Err = ParseIdError>>(texts: &[String]) -> Result<Vec<I>, ParseIdError> {
    texts.iter().map(|it| it.parse()).collect()
}
