//! What generation answers, one line per RPC.

mod base;
pub(crate) mod event;
mod generation;
mod graph;
mod plan;
mod prediction;
mod watch;
pub(crate) mod wire;

use std::pin::Pin;

use api::sartiq::generation::v1::generation_service_server::GenerationService;
use api::sartiq::generation::v1::prediction_service_server::PredictionService;
use api::sartiq::generation::v1::*;
use tokio_stream::Stream;
use tonic::{Request, Response, Status};

use crate::Generation;

#[tonic::async_trait]
impl GenerationService for Generation {
    async fn quote_generation(
        &self,
        request: Request<QuoteGenerationRequest>,
    ) -> Result<Response<QuoteGenerationResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(generation::quote(self, caller, request).await?))
    }

    async fn start_generation(
        &self,
        request: Request<StartGenerationRequest>,
    ) -> Result<Response<StartGenerationResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(generation::start(self, caller, request).await?))
    }

    async fn batch_start_generations(
        &self,
        request: Request<BatchStartGenerationsRequest>,
    ) -> Result<Response<BatchStartGenerationsResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(generation::batch_start(self, caller, request).await?))
    }

    async fn get_generation(
        &self,
        request: Request<GetGenerationRequest>,
    ) -> Result<Response<GetGenerationResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(generation::get(self, caller, request).await?))
    }

    async fn list_generations(
        &self,
        request: Request<ListGenerationsRequest>,
    ) -> Result<Response<ListGenerationsResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(generation::list(self, caller, request).await?))
    }

    async fn cancel_generation(
        &self,
        request: Request<CancelGenerationRequest>,
    ) -> Result<Response<CancelGenerationResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(generation::cancel(self, caller, request).await?))
    }

    type WatchGenerationStream =
        Pin<Box<dyn Stream<Item = Result<WatchGenerationResponse, Status>> + Send>>;

    async fn watch_generation(
        &self,
        request: Request<WatchGenerationRequest>,
    ) -> Result<Response<Self::WatchGenerationStream>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(Box::pin(watch::watch(self, caller, request).await?)))
    }
}

#[tonic::async_trait]
impl PredictionService for Generation {
    async fn get_prediction(
        &self,
        request: Request<GetPredictionRequest>,
    ) -> Result<Response<GetPredictionResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(prediction::get(self, caller, request).await?))
    }

    async fn batch_get_predictions(
        &self,
        request: Request<BatchGetPredictionsRequest>,
    ) -> Result<Response<BatchGetPredictionsResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(prediction::batch_get(self, caller, request).await?))
    }

    async fn list_predictions(
        &self,
        request: Request<ListPredictionsRequest>,
    ) -> Result<Response<ListPredictionsResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(prediction::list(self, caller, request).await?))
    }

    async fn cancel_prediction(
        &self,
        request: Request<CancelPredictionRequest>,
    ) -> Result<Response<CancelPredictionResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(prediction::cancel(self, caller, request).await?))
    }
}
