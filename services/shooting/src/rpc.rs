//! What shootings answer, one line per RPC.

pub(crate) mod batch;
mod catalog;
pub(crate) mod change;
mod event;
mod look;
mod prediction;
mod review;
mod shooting;
mod shot;
mod wire;

use std::str::FromStr;

use api::sartiq::shooting::v1::look_service_server::LookService;
use api::sartiq::shooting::v1::review_service_server::ReviewService;
use api::sartiq::shooting::v1::shooting_service_server::ShootingService;
use api::sartiq::shooting::v1::shot_service_server::ShotService;
use api::sartiq::shooting::v1::*;
use tonic::{Request, Response, Status};
use types::id::ParseIdError;

use crate::Studio;

#[tonic::async_trait]
impl ShootingService for Studio {
    async fn create_shooting(
        &self,
        request: Request<CreateShootingRequest>,
    ) -> Result<Response<CreateShootingResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(shooting::create(self, caller, request).await?))
    }

    async fn get_shooting(
        &self,
        request: Request<GetShootingRequest>,
    ) -> Result<Response<GetShootingResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(shooting::get(self, caller, request).await?))
    }

    async fn list_shootings(
        &self,
        request: Request<ListShootingsRequest>,
    ) -> Result<Response<ListShootingsResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(shooting::list(self, caller, request).await?))
    }

    async fn update_shooting(
        &self,
        request: Request<UpdateShootingRequest>,
    ) -> Result<Response<UpdateShootingResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(shooting::update(self, caller, request).await?))
    }

    async fn archive_shooting(
        &self,
        request: Request<ArchiveShootingRequest>,
    ) -> Result<Response<ArchiveShootingResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(shooting::archive(self, caller, request).await?))
    }

    async fn restore_shooting(
        &self,
        request: Request<RestoreShootingRequest>,
    ) -> Result<Response<RestoreShootingResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(shooting::restore(self, caller, request).await?))
    }
}

#[tonic::async_trait]
impl LookService for Studio {
    async fn create_look(
        &self,
        request: Request<CreateLookRequest>,
    ) -> Result<Response<CreateLookResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(look::create(self, caller, request).await?))
    }

    async fn batch_create_looks(
        &self,
        request: Request<BatchCreateLooksRequest>,
    ) -> Result<Response<BatchCreateLooksResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(look::batch_create(self, caller, request).await?))
    }

    async fn get_look(
        &self,
        request: Request<GetLookRequest>,
    ) -> Result<Response<GetLookResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(look::get(self, caller, request).await?))
    }

    async fn list_looks(
        &self,
        request: Request<ListLooksRequest>,
    ) -> Result<Response<ListLooksResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(look::list(self, caller, request).await?))
    }

    async fn update_look(
        &self,
        request: Request<UpdateLookRequest>,
    ) -> Result<Response<UpdateLookResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(look::update(self, caller, request).await?))
    }

    async fn delete_look(
        &self,
        request: Request<DeleteLookRequest>,
    ) -> Result<Response<DeleteLookResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(look::delete(self, caller, request).await?))
    }
}

#[tonic::async_trait]
impl ShotService for Studio {
    async fn get_shot(
        &self,
        request: Request<GetShotRequest>,
    ) -> Result<Response<GetShotResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(shot::get(self, caller, request).await?))
    }

    async fn batch_get_shots(
        &self,
        request: Request<BatchGetShotsRequest>,
    ) -> Result<Response<BatchGetShotsResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(shot::batch_get(self, caller, request).await?))
    }

    async fn list_shots(
        &self,
        request: Request<ListShotsRequest>,
    ) -> Result<Response<ListShotsResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(shot::list(self, caller, request).await?))
    }
}

#[tonic::async_trait]
impl ReviewService for Studio {
    async fn approve_prediction(
        &self,
        request: Request<ApprovePredictionRequest>,
    ) -> Result<Response<ApprovePredictionResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(review::approve(self, caller, request).await?))
    }

    async fn reject_prediction(
        &self,
        request: Request<RejectPredictionRequest>,
    ) -> Result<Response<RejectPredictionResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(review::reject(self, caller, request).await?))
    }

    async fn revise_prediction(
        &self,
        request: Request<RevisePredictionRequest>,
    ) -> Result<Response<RevisePredictionResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(review::revise(self, caller, request).await?))
    }

    async fn undo_decision(
        &self,
        request: Request<UndoDecisionRequest>,
    ) -> Result<Response<UndoDecisionResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(review::undo(self, caller, request).await?))
    }

    async fn batch_decide(
        &self,
        request: Request<BatchDecideRequest>,
    ) -> Result<Response<BatchDecideResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(review::batch_decide(self, caller, request).await?))
    }

    async fn batch_undo_decisions(
        &self,
        request: Request<BatchUndoDecisionsRequest>,
    ) -> Result<Response<BatchUndoDecisionsResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(review::batch_undo(self, caller, request).await?))
    }

    async fn list_decisions(
        &self,
        request: Request<ListDecisionsRequest>,
    ) -> Result<Response<ListDecisionsResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(review::list(self, caller, request).await?))
    }
}

fn ids<I: FromStr<Err = ParseIdError>>(texts: &[String]) -> Result<Vec<I>, ParseIdError> {
    texts.iter().map(|it| it.parse()).collect()
}
