//! A generation that has the pictures it was told to have, and starts what it is asked to.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};

use api::sartiq::generation::v1::generation_service_server::*;
use api::sartiq::generation::v1::prediction_service_server::*;
use api::sartiq::generation::v1::*;
use server::Caller;
use tonic::service::Routes;
use tonic::{Code, Request, Response, Status};
use tonic_types::{ErrorDetails, StatusExt};
use types::id::{GenerationId, OrganizationId, PredictionId, UserId};

/// A generation that has the pictures it was told to have, and starts what it is asked to.
#[derive(Clone, Default)]
pub(crate) struct Generation(Arc<Mutex<Floor>>);

/// A generation that was started.
#[derive(Clone, Debug)]
pub(crate) struct Started {
    pub(crate) id: String,
    pub(crate) user: Option<UserId>,
    pub(crate) input: GenerationInput,
}

#[derive(Default)]
struct Floor {
    predictions: BTreeMap<String, (OrganizationId, Prediction)>,
    started: BTreeMap<String, Started>,
    cancelled: Vec<String>,
    refuses: Option<Code>,
    /// How many pictures each call asked for.
    asked: Vec<usize>,
}

impl Generation {
    /// Adds a picture of a shot, and returns its id.
    pub(crate) fn add(
        &self,
        organization: OrganizationId,
        shot_id: &str,
        state: prediction::State,
    ) -> String {
        let id = PredictionId::generate().to_string();
        let prediction = Prediction {
            id: id.clone(),
            generation_id: GenerationId::generate().to_string(),
            shot_id: shot_id.to_owned(),
            state: state.into(),
            ..Default::default()
        };
        self.floor().predictions.insert(id.clone(), (organization, prediction));
        id
    }

    /// Refuses every call with `code`, or answers again.
    pub(crate) fn refuse(&self, code: Option<Code>) {
        self.floor().refuses = code;
    }

    /// Returns what was started.
    pub(crate) fn started(&self) -> Vec<Started> {
        self.floor().started.values().cloned().collect()
    }

    /// Returns how many pictures each call asked for.
    pub(crate) fn asked(&self) -> Vec<usize> {
        self.floor().asked.clone()
    }

    pub(crate) fn routes(self) -> Routes {
        Routes::new(GenerationServiceServer::new(self.clone()))
            .add_service(PredictionServiceServer::new(self))
    }

    fn open<M>(&self, request: Request<M>) -> Result<(Caller, M), Status> {
        if let Some(code) = self.floor().refuses {
            return Err(Status::new(code, "refused"));
        }
        let caller = Caller::of(&request).ok_or_else(|| Status::unauthenticated("nobody"))?;
        Ok((caller.clone(), request.into_inner()))
    }

    fn floor(&self) -> MutexGuard<'_, Floor> {
        self.0.lock().expect("no test panics while it holds a lock")
    }
}

fn never() -> Status {
    Status::unimplemented("shootings never ask")
}

#[tonic::async_trait]
impl PredictionService for Generation {
    async fn get_prediction(
        &self,
        _: Request<GetPredictionRequest>,
    ) -> Result<Response<GetPredictionResponse>, Status> {
        Err(never())
    }

    async fn batch_get_predictions(
        &self,
        request: Request<BatchGetPredictionsRequest>,
    ) -> Result<Response<BatchGetPredictionsResponse>, Status> {
        let (caller, request) = self.open(request)?;
        server::check(&request)?;
        let organization = caller.organization()?;
        let mut floor = self.floor();
        floor.asked.push(request.ids.len());
        let (mut predictions, mut missing) = (Vec::new(), Vec::new());
        for id in request.ids {
            match floor.predictions.get(&id) {
                Some((owner, prediction)) if *owner == organization => {
                    predictions.push(prediction.clone());
                }
                _ => missing.push(id),
            }
        }
        if !missing.is_empty() {
            let metadata = [("ids".to_owned(), missing.join(","))];
            let details = ErrorDetails::with_error_info("PREDICTION_NOT_FOUND", "test", metadata);
            let message = "no such predictions";
            return Err(Status::with_error_details(Code::NotFound, message, details));
        }
        Ok(Response::new(BatchGetPredictionsResponse { predictions }))
    }

    async fn list_predictions(
        &self,
        _: Request<ListPredictionsRequest>,
    ) -> Result<Response<ListPredictionsResponse>, Status> {
        Err(never())
    }

    async fn cancel_prediction(
        &self,
        _: Request<CancelPredictionRequest>,
    ) -> Result<Response<CancelPredictionResponse>, Status> {
        Err(never())
    }
}

#[tonic::async_trait]
impl GenerationService for Generation {
    async fn start_generation(
        &self,
        request: Request<StartGenerationRequest>,
    ) -> Result<Response<StartGenerationResponse>, Status> {
        let (caller, request) = self.open(request)?;
        let started = Started {
            id: GenerationId::generate().to_string(),
            user: caller.user_id,
            input: request.generation.unwrap_or_default(),
        };
        let id = {
            let mut floor = self.floor();
            floor.started.entry(request.request_id).or_insert(started).id.clone()
        };
        let generation = api::sartiq::generation::v1::Generation { id, ..Default::default() };
        Ok(Response::new(StartGenerationResponse {
            generation: Some(generation),
            predictions: Vec::new(),
        }))
    }

    async fn cancel_generation(
        &self,
        request: Request<CancelGenerationRequest>,
    ) -> Result<Response<CancelGenerationResponse>, Status> {
        let (_, request) = self.open(request)?;
        self.floor().cancelled.push(request.id);
        Ok(Response::new(CancelGenerationResponse::default()))
    }

    type WatchGenerationStream = Pin<
        Box<
            dyn tonic::codegen::tokio_stream::Stream<Item = Result<WatchGenerationResponse, Status>>
                + Send,
        >,
    >;

    async fn watch_generation(
        &self,
        _: Request<WatchGenerationRequest>,
    ) -> Result<Response<Self::WatchGenerationStream>, Status> {
        Err(never())
    }

    async fn quote_generation(
        &self,
        _: Request<QuoteGenerationRequest>,
    ) -> Result<Response<QuoteGenerationResponse>, Status> {
        Err(never())
    }

    async fn batch_start_generations(
        &self,
        _: Request<BatchStartGenerationsRequest>,
    ) -> Result<Response<BatchStartGenerationsResponse>, Status> {
        Err(never())
    }

    async fn get_generation(
        &self,
        _: Request<GetGenerationRequest>,
    ) -> Result<Response<GetGenerationResponse>, Status> {
        Err(never())
    }

    async fn list_generations(
        &self,
        _: Request<ListGenerationsRequest>,
    ) -> Result<Response<ListGenerationsResponse>, Status> {
        Err(never())
    }
}
