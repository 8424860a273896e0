//! What the engine answers, one line per RPC.

mod answer;
mod graph;
mod route;
mod scaler;
mod task;
mod workflow;

use api::externalscaler::external_scaler_server::ExternalScaler;
use api::externalscaler::{
    GetMetricSpecResponse, GetMetricsRequest, GetMetricsResponse, IsActiveResponse, ScaledObjectRef,
};
use api::sartiq::compute::v1::route_service_server::RouteService;
use api::sartiq::compute::v1::task_service_server::TaskService;
use api::sartiq::compute::v1::workflow_service_server::WorkflowService;
use api::sartiq::compute::v1::*;
use futures::stream::BoxStream;
use tonic::{Request, Response, Status};

use crate::Compute;
use scaler::Scaler;

pub(crate) use scaler::open as open_scaler;

#[tonic::async_trait]
impl WorkflowService for Compute {
    async fn submit_workflow(
        &self,
        request: Request<SubmitWorkflowRequest>,
    ) -> Result<Response<SubmitWorkflowResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(workflow::submit(self, caller, request).await?))
    }

    async fn get_workflow(
        &self,
        request: Request<GetWorkflowRequest>,
    ) -> Result<Response<GetWorkflowResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(workflow::get(self, caller, request).await?))
    }

    async fn get_workflow_result(
        &self,
        request: Request<GetWorkflowResultRequest>,
    ) -> Result<Response<GetWorkflowResultResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(workflow::result(self, caller, request).await?))
    }

    async fn list_workflows(
        &self,
        request: Request<ListWorkflowsRequest>,
    ) -> Result<Response<ListWorkflowsResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(workflow::list(self, caller, request).await?))
    }

    async fn cancel_workflow(
        &self,
        request: Request<CancelWorkflowRequest>,
    ) -> Result<Response<CancelWorkflowResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(workflow::cancel(self, caller, request).await?))
    }
}

#[tonic::async_trait]
impl TaskService for Compute {
    async fn get_task(
        &self,
        request: Request<GetTaskRequest>,
    ) -> Result<Response<GetTaskResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(task::get(self, caller, request).await?))
    }

    async fn list_tasks(
        &self,
        request: Request<ListTasksRequest>,
    ) -> Result<Response<ListTasksResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(task::list(self, caller, request).await?))
    }

    async fn cancel_tasks(
        &self,
        request: Request<CancelTasksRequest>,
    ) -> Result<Response<CancelTasksResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(task::cancel(self, caller, request).await?))
    }
}

#[tonic::async_trait]
impl RouteService for Compute {
    async fn list_providers(
        &self,
        request: Request<ListProvidersRequest>,
    ) -> Result<Response<ListProvidersResponse>, Status> {
        server::open(request)?;
        Ok(Response::new(route::list_providers(self)))
    }

    async fn list_routes(
        &self,
        request: Request<ListRoutesRequest>,
    ) -> Result<Response<ListRoutesResponse>, Status> {
        server::open(request)?;
        Ok(Response::new(route::list(self)))
    }

    async fn set_route(
        &self,
        request: Request<SetRouteRequest>,
    ) -> Result<Response<SetRouteResponse>, Status> {
        let (caller, request) = server::open(request)?;
        Ok(Response::new(route::set(self, caller, request).await?))
    }

    async fn estimate_runs(
        &self,
        request: Request<EstimateRunsRequest>,
    ) -> Result<Response<EstimateRunsResponse>, Status> {
        // Not opened: the rules want models, which are left for the routes to choose.
        let caller = server::Caller::of(&request).cloned().unwrap_or_default();
        Ok(Response::new(route::estimate(self, caller, request.into_inner()).await?))
    }
}

#[tonic::async_trait]
impl ExternalScaler for Scaler {
    type StreamIsActiveStream = BoxStream<'static, Result<IsActiveResponse, Status>>;
    type StreamMetricSpecStream = BoxStream<'static, Result<GetMetricSpecResponse, Status>>;

    async fn is_active(
        &self,
        request: Request<ScaledObjectRef>,
    ) -> Result<Response<IsActiveResponse>, Status> {
        Ok(Response::new(scaler::is_active(self, request.into_inner()).await?))
    }

    async fn stream_is_active(
        &self,
        request: Request<ScaledObjectRef>,
    ) -> Result<Response<Self::StreamIsActiveStream>, Status> {
        Ok(Response::new(scaler::stream_is_active(self, request.into_inner())?))
    }

    async fn get_metric_spec(
        &self,
        request: Request<ScaledObjectRef>,
    ) -> Result<Response<GetMetricSpecResponse>, Status> {
        Ok(Response::new(scaler::metric_spec(self, request.get_ref())?))
    }

    async fn get_metrics(
        &self,
        request: Request<GetMetricsRequest>,
    ) -> Result<Response<GetMetricsResponse>, Status> {
        Ok(Response::new(scaler::metrics(self, request.into_inner()).await?))
    }

    async fn stream_metric_spec(
        &self,
        request: Request<ScaledObjectRef>,
    ) -> Result<Response<Self::StreamMetricSpecStream>, Status> {
        Ok(Response::new(scaler::stream_metric_spec(self, request.get_ref())?))
    }
}
