//! What catalog and shooting have: shots, and everything that they are made of.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use api::sartiq::catalog::v1::*;
use api::sartiq::shooting::v1::{BatchGetShotsRequest, BatchGetShotsResponse, Look, Shot};
use server::Caller;
use testkit::StandIn;
use tonic::service::Routes;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};
use types::id::{MediaId, OrganizationId, ProductId, ShootingId};

use super::lock;

/// What catalog and shooting have.
#[derive(Clone, Default)]
pub(crate) struct Library(Arc<Mutex<Shelf>>);

/// A shot, and what it is made of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Set {
    pub(crate) shot: Shot,
    pub(crate) look: Look,
    pub(crate) product: Product,
    pub(crate) subject: Subject,
    pub(crate) style: Style,
    pub(crate) guideline: Guideline,
    pub(crate) shot_type: ShotType,
}

#[derive(Default)]
struct Shelf {
    sets: BTreeMap<String, (OrganizationId, Set)>,
    n_calls: usize,
}

impl Library {
    /// Adds a shot of a sand linen blazer, of which two pictures are made unless told otherwise.
    pub(crate) fn add(&self, organization: OrganizationId) -> Set {
        let set = set();
        self.put(organization, &set);
        set
    }

    /// Adds a shot, or changes what it is made of.
    pub(crate) fn put(&self, organization: OrganizationId, set: &Set) {
        lock(&self.0).sets.insert(set.shot.id.clone(), (organization, set.clone()));
    }

    /// Returns how often anything was asked for.
    pub(crate) fn n_calls(&self) -> usize {
        lock(&self.0).n_calls
    }

    pub(crate) fn shooting(&self) -> Routes {
        let it = self.clone();
        let answer = move |caller, request: BatchGetShotsRequest| {
            let sets = it.find(&caller, "SHOT_NOT_FOUND", &request.ids, |it| &it.shot.id)?;
            let (shots, looks) = sets.into_iter().map(|it| (it.shot, it.look)).unzip();
            Ok(BatchGetShotsResponse { shots, looks })
        };
        StandIn::default().rpc("/sartiq.shooting.v1.ShotService/BatchGetShots", answer).routes()
    }

    pub(crate) fn catalog(&self) -> Routes {
        let path = |method: &str| format!("/sartiq.catalog.v1.{method}");
        let it = || self.clone();
        let [a, b, c, d, e] = [it(), it(), it(), it(), it()];
        StandIn::default()
            .rpc(&path("ProductService/BatchGetProducts"), {
                move |caller, request: BatchGetProductsRequest| {
                    let sets =
                        a.find(&caller, "PRODUCT_NOT_FOUND", &request.ids, |it| &it.product.id)?;
                    let products = sets.into_iter().map(|it| it.product).collect();
                    Ok(BatchGetProductsResponse { products })
                }
            })
            .rpc(&path("SubjectService/BatchGetSubjects"), {
                move |caller, request: BatchGetSubjectsRequest| {
                    let sets =
                        b.find(&caller, "SUBJECT_NOT_FOUND", &request.ids, |it| &it.subject.id)?;
                    let subjects = sets.into_iter().map(|it| it.subject).collect();
                    Ok(BatchGetSubjectsResponse { subjects })
                }
            })
            .rpc(&path("StyleService/BatchGetStyles"), {
                move |caller, request: BatchGetStylesRequest| {
                    let sets =
                        c.find(&caller, "STYLE_NOT_FOUND", &request.ids, |it| &it.style.id)?;
                    let styles = sets.into_iter().map(|it| it.style).collect();
                    Ok(BatchGetStylesResponse { styles })
                }
            })
            .rpc(&path("GuidelineService/BatchGetGuidelines"), {
                move |caller, request: BatchGetGuidelinesRequest| {
                    let sets = d.find(&caller, "GUIDELINE_NOT_FOUND", &request.ids, |it| {
                        &it.guideline.id
                    })?;
                    let guidelines = sets.into_iter().map(|it| it.guideline).collect();
                    Ok(BatchGetGuidelinesResponse { guidelines })
                }
            })
            .rpc(&path("ShotTypeService/BatchGetShotTypes"), {
                move |caller, request: BatchGetShotTypesRequest| {
                    let sets = e.find(&caller, "SHOT_TYPE_NOT_FOUND", &request.ids, |it| {
                        &it.shot_type.id
                    })?;
                    let shot_types = sets.into_iter().map(|it| it.shot_type).collect();
                    Ok(BatchGetShotTypesResponse { shot_types })
                }
            })
            .routes()
    }

    /// Finds the sets of the caller's organization that `ids` name a part of, or none at all.
    fn find(
        &self,
        caller: &Caller,
        reason: &str,
        ids: &[String],
        id: impl Fn(&Set) -> &String,
    ) -> Result<Vec<Set>, Status> {
        let organization = caller.organization()?;
        let mut shelf = lock(&self.0);
        shelf.n_calls += 1;
        let own = shelf.sets.values().filter(|(owner, _)| *owner == organization);
        let found: Vec<Set> =
            own.map(|(_, it)| it).filter(|it| ids.contains(id(it))).cloned().collect();
        if found.len() == ids.len() {
            return Ok(found);
        }
        let details = ErrorDetails::with_error_info(reason, "sartiq", HashMap::new());
        Err(Status::with_error_details(Code::NotFound, "not all of them are there", details))
    }
}

fn set() -> Set {
    let id = || ProductId::generate().to_string();
    let photo = ProductPhoto {
        slot: product_photo::Slot::Front.into(),
        media_id: MediaId::generate().to_string(),
    };
    let product = Product {
        id: id(),
        name: "linen blazer".into(),
        colour: "sand".into(),
        photos: vec![photo],
        ..Default::default()
    };
    let subject = Subject {
        id: id(),
        name: "Mara".into(),
        portrait_media_id: MediaId::generate().to_string(),
        ..Default::default()
    };
    let style = Style {
        id: id(),
        prompt: "film grain".into(),
        negative_prompt: "text, logos".into(),
        ..Default::default()
    };
    let guideline =
        Guideline { id: id(), rules: vec!["No jewellery".into()], ..Default::default() };
    let shot_type = ShotType {
        id: id(),
        pose: "standing".into(),
        width_px: 1024,
        height_px: 1536,
        default_variants: 2,
        ..Default::default()
    };
    let shooting_id = ShootingId::generate().to_string();
    let look = Look {
        id: id(),
        shooting_id: shooting_id.clone(),
        product_id: product.id.clone(),
        subject_id: subject.id.clone(),
        style_id: style.id.clone(),
        guideline_ids: vec![guideline.id.clone()],
        shot_type_ids: vec![shot_type.id.clone()],
        ..Default::default()
    };
    let shot = Shot {
        id: id(),
        shooting_id,
        look_id: look.id.clone(),
        shot_type_id: shot_type.id.clone(),
        ..Default::default()
    };
    Set { shot, look, product, subject, style, guideline, shot_type }
}
