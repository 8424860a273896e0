//! A catalog that has what it was told to have.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use api::sartiq::catalog::v1::guideline_service_server::*;
use api::sartiq::catalog::v1::product_service_server::*;
use api::sartiq::catalog::v1::shot_type_service_server::*;
use api::sartiq::catalog::v1::style_service_server::*;
use api::sartiq::catalog::v1::subject_service_server::*;
use api::sartiq::catalog::v1::*;
use server::Caller;
use tonic::service::Routes;
use tonic::{Request, Response, Status};
use tonic_types::{ErrorDetails, StatusExt};
use types::id::{OrganizationId, ProductId};

/// A catalog that has what it was told to have.
#[derive(Clone, Default)]
pub(crate) struct Catalog(Arc<Shelf>);

#[derive(Default)]
struct Shelf {
    things: Mutex<BTreeMap<String, OrganizationId>>,
    archived: Mutex<BTreeSet<String>>,
    is_away: Mutex<bool>,
    n_calls: AtomicUsize,
}

impl Catalog {
    /// Adds a thing of any kind, and returns its id.
    pub(crate) fn add(&self, organization: OrganizationId) -> String {
        let id = ProductId::generate().to_string();
        lock(&self.0.things).insert(id.clone(), organization);
        id
    }

    /// Archives a product.
    pub(crate) fn archive(&self, id: &str) {
        lock(&self.0.archived).insert(id.to_owned());
    }

    /// Refuses every call, or answers again.
    pub(crate) fn set_away(&self, is_away: bool) {
        *lock(&self.0.is_away) = is_away;
    }

    /// Returns how often it was asked.
    pub(crate) fn n_calls(&self) -> usize {
        self.0.n_calls.load(Ordering::SeqCst)
    }

    pub(crate) fn routes(self) -> Routes {
        Routes::new(ProductServiceServer::new(self.clone()))
            .add_service(SubjectServiceServer::new(self.clone()))
            .add_service(StyleServiceServer::new(self.clone()))
            .add_service(GuidelineServiceServer::new(self.clone()))
            .add_service(ShotTypeServiceServer::new(self))
    }

    /// Returns `ids` if the caller's organization has all of them.
    fn find<M>(
        &self,
        request: Request<M>,
        ids: impl FnOnce(M) -> Vec<String>,
    ) -> Result<Vec<String>, Status> {
        self.0.n_calls.fetch_add(1, Ordering::SeqCst);
        if *lock(&self.0.is_away) {
            return Err(Status::unavailable("away"));
        }
        let caller = Caller::of(&request).ok_or_else(|| Status::unauthenticated("nobody"))?;
        let organization = caller.organization()?;
        let ids = ids(request.into_inner());
        let things = lock(&self.0.things);
        let has = |it: &&String| things.get(*it) == Some(&organization);
        let missing: Vec<_> = ids.iter().filter(|it| !has(it)).cloned().collect();
        if missing.is_empty() {
            return Ok(ids);
        }
        let named = HashMap::from([("ids".to_owned(), missing.join(","))]);
        let details = ErrorDetails::with_error_info("THING_NOT_FOUND", "sartiq", named);
        Err(Status::with_error_details(tonic::Code::NotFound, "missing", details))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no test panics while it holds a lock")
}

fn never() -> Status {
    Status::unimplemented("shootings never ask")
}

#[tonic::async_trait]
impl ProductService for Catalog {
    async fn batch_get_products(
        &self,
        request: Request<BatchGetProductsRequest>,
    ) -> Result<Response<BatchGetProductsResponse>, Status> {
        let ids = self.find(request, |it| it.ids)?;
        let archived = lock(&self.0.archived).clone();
        let product = |id: String| Product {
            name: format!("product {id}"),
            state: match archived.contains(&id) {
                true => product::State::Archived.into(),
                false => product::State::Active.into(),
            },
            id,
            ..Default::default()
        };
        let products = ids.into_iter().map(product).collect();
        Ok(Response::new(BatchGetProductsResponse { products }))
    }

    async fn create_product(
        &self,
        _: Request<CreateProductRequest>,
    ) -> Result<Response<CreateProductResponse>, Status> {
        Err(never())
    }

    async fn get_product(
        &self,
        _: Request<GetProductRequest>,
    ) -> Result<Response<GetProductResponse>, Status> {
        Err(never())
    }

    async fn list_products(
        &self,
        _: Request<ListProductsRequest>,
    ) -> Result<Response<ListProductsResponse>, Status> {
        Err(never())
    }

    async fn update_product(
        &self,
        _: Request<UpdateProductRequest>,
    ) -> Result<Response<UpdateProductResponse>, Status> {
        Err(never())
    }

    async fn archive_product(
        &self,
        _: Request<ArchiveProductRequest>,
    ) -> Result<Response<ArchiveProductResponse>, Status> {
        Err(never())
    }

    async fn restore_product(
        &self,
        _: Request<RestoreProductRequest>,
    ) -> Result<Response<RestoreProductResponse>, Status> {
        Err(never())
    }
}

#[tonic::async_trait]
impl SubjectService for Catalog {
    async fn batch_get_subjects(
        &self,
        request: Request<BatchGetSubjectsRequest>,
    ) -> Result<Response<BatchGetSubjectsResponse>, Status> {
        let ids = self.find(request, |it| it.ids)?;
        let subjects = ids.into_iter().map(|id| Subject { id, ..Default::default() }).collect();
        Ok(Response::new(BatchGetSubjectsResponse { subjects }))
    }

    async fn create_subject(
        &self,
        _: Request<CreateSubjectRequest>,
    ) -> Result<Response<CreateSubjectResponse>, Status> {
        Err(never())
    }

    async fn get_subject(
        &self,
        _: Request<GetSubjectRequest>,
    ) -> Result<Response<GetSubjectResponse>, Status> {
        Err(never())
    }

    async fn list_subjects(
        &self,
        _: Request<ListSubjectsRequest>,
    ) -> Result<Response<ListSubjectsResponse>, Status> {
        Err(never())
    }

    async fn update_subject(
        &self,
        _: Request<UpdateSubjectRequest>,
    ) -> Result<Response<UpdateSubjectResponse>, Status> {
        Err(never())
    }
}

#[tonic::async_trait]
impl StyleService for Catalog {
    async fn batch_get_styles(
        &self,
        request: Request<BatchGetStylesRequest>,
    ) -> Result<Response<BatchGetStylesResponse>, Status> {
        let ids = self.find(request, |it| it.ids)?;
        let styles = ids.into_iter().map(|id| Style { id, ..Default::default() }).collect();
        Ok(Response::new(BatchGetStylesResponse { styles }))
    }

    async fn create_style(
        &self,
        _: Request<CreateStyleRequest>,
    ) -> Result<Response<CreateStyleResponse>, Status> {
        Err(never())
    }

    async fn get_style(
        &self,
        _: Request<GetStyleRequest>,
    ) -> Result<Response<GetStyleResponse>, Status> {
        Err(never())
    }

    async fn list_styles(
        &self,
        _: Request<ListStylesRequest>,
    ) -> Result<Response<ListStylesResponse>, Status> {
        Err(never())
    }

    async fn update_style(
        &self,
        _: Request<UpdateStyleRequest>,
    ) -> Result<Response<UpdateStyleResponse>, Status> {
        Err(never())
    }
}

#[tonic::async_trait]
impl GuidelineService for Catalog {
    async fn batch_get_guidelines(
        &self,
        request: Request<BatchGetGuidelinesRequest>,
    ) -> Result<Response<BatchGetGuidelinesResponse>, Status> {
        let ids = self.find(request, |it| it.ids)?;
        let guidelines = ids.into_iter().map(|id| Guideline { id, ..Default::default() }).collect();
        Ok(Response::new(BatchGetGuidelinesResponse { guidelines }))
    }

    async fn create_guideline(
        &self,
        _: Request<CreateGuidelineRequest>,
    ) -> Result<Response<CreateGuidelineResponse>, Status> {
        Err(never())
    }

    async fn get_guideline(
        &self,
        _: Request<GetGuidelineRequest>,
    ) -> Result<Response<GetGuidelineResponse>, Status> {
        Err(never())
    }

    async fn list_guidelines(
        &self,
        _: Request<ListGuidelinesRequest>,
    ) -> Result<Response<ListGuidelinesResponse>, Status> {
        Err(never())
    }

    async fn update_guideline(
        &self,
        _: Request<UpdateGuidelineRequest>,
    ) -> Result<Response<UpdateGuidelineResponse>, Status> {
        Err(never())
    }
}

#[tonic::async_trait]
impl ShotTypeService for Catalog {
    async fn batch_get_shot_types(
        &self,
        request: Request<BatchGetShotTypesRequest>,
    ) -> Result<Response<BatchGetShotTypesResponse>, Status> {
        let ids = self.find(request, |it| it.ids)?;
        let shot_types = ids.into_iter().map(|id| ShotType { id, ..Default::default() }).collect();
        Ok(Response::new(BatchGetShotTypesResponse { shot_types }))
    }

    async fn create_shot_type(
        &self,
        _: Request<CreateShotTypeRequest>,
    ) -> Result<Response<CreateShotTypeResponse>, Status> {
        Err(never())
    }

    async fn get_shot_type(
        &self,
        _: Request<GetShotTypeRequest>,
    ) -> Result<Response<GetShotTypeResponse>, Status> {
        Err(never())
    }

    async fn list_shot_types(
        &self,
        _: Request<ListShotTypesRequest>,
    ) -> Result<Response<ListShotTypesResponse>, Status> {
        Err(never())
    }

    async fn update_shot_type(
        &self,
        _: Request<UpdateShotTypeRequest>,
    ) -> Result<Response<UpdateShotTypeResponse>, Status> {
        Err(never())
    }
}
